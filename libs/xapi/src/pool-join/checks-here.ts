/** Obstacles to a join in this pool, in the order that clients know. */
import { XenError } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { masterElsewhere } from '../core/pool-membership';

interface Found {
  readonly hosts: number;
  readonly running: boolean;
  readonly busy: boolean;
  readonly shared: boolean;
  readonly suspended: boolean;
  readonly managed: boolean;
  readonly clustered: string | null;
  readonly guided: string | null;
}
/** Networks that a host brings along to no other pool. A VLAN may be the one that the host is managed by. */
const networkObstacles = {
  POOL_JOINING_HOST_HAS_BONDS: 'SELECT 1 FROM bond LIMIT 1',
  POOL_JOINING_HOST_HAS_TUNNELS: 'SELECT 1 FROM tunnel LIMIT 1',
  POOL_JOINING_HOST_HAS_NETWORK_SRIOVS: 'SELECT 1 FROM network_sriov LIMIT 1',
  POOL_JOINING_HOST_HAS_NON_MANAGEMENT_VLANS: 'SELECT 1 FROM vlan v JOIN pif p ON p.ref = v."untagged_PIF" AND NOT p.management LIMIT 1',
} as const;

/** Objects of this pool that forbid that it goes into another, apart from those that the operation itself has marked. */
export async function assertMayLeave(tx: Tx, operation = ''): Promise<void> {
  const master = await masterElsewhere(tx);
  if (master !== undefined) throw new XenError('HOST_IS_SLAVE', master);
  const [pool] = await tx.find('pool', {});
  const [found] = await tx.query<Found>(
    `SELECT (SELECT count(*)::int FROM host) AS hosts, EXISTS (SELECT 1 FROM vm WHERE power_state IN ('Running', 'Paused') AND NOT is_control_domain) AS running,
            EXISTS (SELECT 1 FROM vm WHERE current_operations - $1 <> '{}') AS busy,
            EXISTS (SELECT 1 FROM sr JOIN pbd p ON p."SR" = sr.ref WHERE sr.shared AND sr.type NOT IN ('iso', 'image')) AS shared,
            EXISTS (SELECT 1 FROM vm WHERE power_state = 'Suspended') AS suspended, EXISTS (SELECT 1 FROM pif WHERE management) AS managed,
            (SELECT ref FROM cluster_host WHERE enabled LIMIT 1) AS clustered, (SELECT ref FROM host WHERE pending_guidances <> '[]' LIMIT 1) AS guided`,
    [operation],
  );
  if (!found || found.hosts === 0) throw new XenError('INTERNAL_ERROR', 'This pool has no host that could join another');
  if (!found.managed) throw new XenError('HOST_STILL_BOOTING');
  if (pool?.ha_enabled) throw new XenError('HA_IS_ENABLED');
  if (found.clustered !== null) throw new XenError('CLUSTERING_ENABLED', found.clustered);
  if (found.hosts > 1) throw new XenError('JOINING_HOST_CANNOT_BE_MASTER_OF_OTHER_HOSTS');
  if (found.running) throw new XenError('JOINING_HOST_CANNOT_HAVE_RUNNING_VMS');
  if (found.busy) throw new XenError('JOINING_HOST_CANNOT_HAVE_VMS_WITH_CURRENT_OPERATIONS');
  if (found.guided !== null) throw new XenError('HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY', found.guided);
  if (found.shared) throw new XenError('JOINING_HOST_CANNOT_CONTAIN_SHARED_SRS');
  for (const [code, sql] of Object.entries(networkObstacles)) if ((await tx.query(sql)).length > 0) throw new XenError(code as keyof typeof networkObstacles);
  if (Object.values(pool?.current_operations ?? {}).includes('apply_updates')) throw new XenError('NOT_SUPPORTED_DURING_UPGRADE');
  if (found.suspended) throw new XenError('JOINING_HOST_CANNOT_HAVE_RUNNING_OR_SUSPENDED_VMS');
}
