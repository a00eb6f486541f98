/** What stands in the way of a join, in the order that clients know: what this pool is, then what the other says. */
import { XenError } from '@xenplane/model';
import { reading, type Tx } from '@xenplane/store';
import type { Plane } from '../context';
import { masterElsewhere } from '../slave';
import type { OtherPlane } from './other-plane';

interface Found {
  readonly hosts: number;
  readonly running: boolean;
  readonly busy: boolean;
  readonly shared: boolean;
  readonly suspended: boolean;
}

/** What of this pool forbids that it goes into another. What the operation itself has marked is none of it. */
export async function assertMayLeave(tx: Tx, operation = ''): Promise<void> {
  const master = await masterElsewhere(tx);
  if (master !== undefined) throw new XenError('HOST_IS_SLAVE', master);
  const [pool] = await tx.find('pool', {});
  if (pool?.ha_enabled) throw new XenError('HA_IS_ENABLED');
  const [found] = await tx.query<Found>(
    `SELECT (SELECT count(*)::int FROM host) AS hosts, EXISTS (SELECT 1 FROM vm WHERE power_state IN ('Running', 'Paused') AND NOT is_control_domain) AS running,
            EXISTS (SELECT 1 FROM vm WHERE current_operations - $1 <> '{}') AS busy,
            EXISTS (SELECT 1 FROM sr JOIN pbd p ON p."SR" = sr.ref WHERE sr.shared AND sr.type NOT IN ('iso', 'image')) AS shared,
            EXISTS (SELECT 1 FROM vm WHERE power_state = 'Suspended') AS suspended`,
    [operation],
  );
  if (!found || found.hosts === 0) throw new XenError('INTERNAL_ERROR', 'This pool has no host that could join another');
  if (found.hosts > 1) throw new XenError('JOINING_HOST_CANNOT_BE_MASTER_OF_OTHER_HOSTS');
  if (found.running) throw new XenError('JOINING_HOST_CANNOT_HAVE_RUNNING_VMS');
  if (found.busy) throw new XenError('JOINING_HOST_CANNOT_HAVE_VMS_WITH_CURRENT_OPERATIONS');
  if (found.shared) throw new XenError('JOINING_HOST_CANNOT_CONTAIN_SHARED_SRS');
  if (found.suspended) throw new XenError('JOINING_HOST_CANNOT_HAVE_RUNNING_OR_SUSPENDED_VMS');
}

interface RemotePool {
  readonly uuid: string;
  readonly master: string;
}
interface RemoteHost {
  readonly software_version: Readonly<Record<string, string>>;
  readonly external_auth_type: string;
  readonly cpu_info: Readonly<Record<string, string>>;
}
const sameCpu = ['vendor', 'modelname'];

/** Whether this host and the other pool's master are of one kind; `force` overlooks their CPUs. */
export async function assertFits(plane: Plane, other: OtherPlane, force: boolean): Promise<void> {
  const [theirs] = Object.values(await other.call<Record<string, RemotePool>>('pool.get_all_records'));
  const master = theirs && (await other.call<RemoteHost>('host.get_record', theirs.master));
  const own = await reading(plane.store, async (tx) => ({
    pool: (await tx.find('pool', {}))[0],
    host: (await tx.query<RemoteHost>('SELECT software_version, external_auth_type, cpu_info FROM host LIMIT 1'))[0],
  }));
  if (!theirs || !master || theirs.uuid === own.pool?.uuid) throw new XenError('JOINING_HOST_SERVICE_FAILED');
  const differing = sameCpu.find((key) => master.cpu_info[key] !== own.host?.cpu_info[key]);
  if (differing && !force) throw new XenError('HOSTS_NOT_HOMOGENEOUS', `CPU ${differing}`);
  if (master.software_version['product_version'] !== own.host?.software_version['product_version'])
    throw new XenError('POOL_JOINING_HOST_MUST_HAVE_SAME_PRODUCT_VERSION');
  if (master.external_auth_type !== own.host?.external_auth_type) throw new XenError('POOL_JOINING_EXTERNAL_AUTH_MISMATCH');
}
