import { leasesSettings } from '@xenplane/config';
import { runProcess } from '@xenplane/process';
import { startLeases } from './leases';

runProcess('leases', () => startLeases(leasesSettings()), { serves: true });
