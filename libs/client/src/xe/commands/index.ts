/** Every command beside the generic ones. */
import type { Command } from '../row';
import { accessCommands } from './access';
import { diagnosticCommands } from './diagnostics';
import { extraCommands } from './extras';
import { fileCommands } from './files';
import { hostCommands } from './host';
import { networkCommands } from './network';
import { poolCommands } from './pool';
import { snapshotCommands } from './snapshots';
import { storageCommands } from './storage';
import { vmCommands } from './vm';
import { deviceCommands } from './vm-devices';

export const commands: Readonly<Record<string, Command>> = {
  ...accessCommands,
  ...deviceCommands,
  ...diagnosticCommands,
  ...extraCommands,
  ...fileCommands,
  ...hostCommands,
  ...networkCommands,
  ...poolCommands,
  ...snapshotCommands,
  ...storageCommands,
  ...vmCommands,
};
