/** Obstacles to a join: the first in the order that clients know from xapi. */
import { XenError, type ErrorCode } from '@xenplane/model';
import { reading, type Tx } from '@xenplane/store';
import type { Plane } from '../core/context';
import { masterElsewhere } from '../tables/sessions/pool-membership';
import * as fits from './comparisons';
import type { OtherPool } from './other-pool';
import { otherSide, ourSide } from './sides';

/** The facts of the pool that is left. */
interface Facts {
  readonly unmanaged: boolean;
  readonly available: boolean;
  readonly several: boolean;
  readonly running: boolean;
  readonly busy: boolean;
  readonly shared: boolean;
  readonly bonds: boolean;
  readonly tunnels: boolean;
  readonly sriovs: boolean;
  readonly vlans: boolean;
  readonly updating: boolean;
  readonly suspended: boolean;
  readonly clustered: string | null;
  readonly guided: string | null;
}
/** A VLAN may be the one that the host is managed by. What the operation itself has marked is none of what is busy. */
async function factsOf(tx: Tx, operation: string): Promise<Facts> {
  const [facts] = await tx.query<Facts>(
    `SELECT NOT EXISTS (SELECT 1 FROM pif WHERE management) AS unmanaged, EXISTS (SELECT 1 FROM pool WHERE ha_enabled) AS available,
            (SELECT count(*) FROM host) > 1 AS several,
            EXISTS (SELECT 1 FROM vm WHERE power_state IN ('Running', 'Paused') AND NOT is_control_domain) AS running,
            EXISTS (SELECT 1 FROM vm WHERE current_operations - $1 <> '{}') AS busy,
            EXISTS (SELECT 1 FROM sr JOIN pbd p ON p."SR" = sr.ref WHERE sr.shared AND sr.type NOT IN ('iso', 'image')) AS shared,
            EXISTS (SELECT 1 FROM bond) AS bonds, EXISTS (SELECT 1 FROM tunnel) AS tunnels, EXISTS (SELECT 1 FROM network_sriov) AS sriovs,
            EXISTS (SELECT 1 FROM vlan v JOIN pif p ON p.ref = v."untagged_PIF" AND NOT p.management) AS vlans,
            EXISTS (SELECT 1 FROM pool, jsonb_each_text(current_operations) o WHERE o.value = 'apply_updates') AS updating,
            EXISTS (SELECT 1 FROM vm WHERE power_state = 'Suspended') AS suspended,
            (SELECT ref FROM cluster_host WHERE enabled LIMIT 1) AS clustered, (SELECT ref FROM host WHERE pending_guidances <> '[]' LIMIT 1) AS guided`,
    [operation],
  );
  if (!facts) throw new XenError('INTERNAL_ERROR', 'This pool has no host that could join another');
  return facts;
}

interface Check {
  readonly alone?: (facts: Facts) => XenError | undefined;
  readonly fits?: fits.Fit;
  /** `join_force` passes over it. */
  readonly mayBeForced?: true;
}
const when = (fact: keyof Facts, code: ErrorCode): Check => ({
  alone: (facts) => (facts[fact] === true ? new XenError(code) : undefined),
});
const of = (
  fact: 'clustered' | 'guided',
  code: 'CLUSTERING_ENABLED' | 'HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY',
): Check => ({
  alone: ({ [fact]: ref }) => (ref === null ? undefined : new XenError(code, ref)),
});

const inOrder: readonly Check[] = [
  { fits: fits.poolSize },
  when('unmanaged', 'HOST_STILL_BOOTING'),
  when('available', 'HA_IS_ENABLED'),
  of('clustered', 'CLUSTERING_ENABLED'),
  { fits: fits.clusterNetwork },
  { fits: fits.remoteAvailability },
  { fits: fits.notItself },
  when('several', 'JOINING_HOST_CANNOT_BE_MASTER_OF_OTHER_HOSTS'),
  when('running', 'JOINING_HOST_CANNOT_HAVE_RUNNING_VMS'),
  when('busy', 'JOINING_HOST_CANNOT_HAVE_VMS_WITH_CURRENT_OPERATIONS'),
  of('guided', 'HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY'),
  { fits: fits.remoteGuidance },
  { fits: fits.compatible },
  { fits: fits.homogeneous, mayBeForced: true },
  when('shared', 'JOINING_HOST_CANNOT_CONTAIN_SHARED_SRS'),
  when('bonds', 'POOL_JOINING_HOST_HAS_BONDS'),
  when('tunnels', 'POOL_JOINING_HOST_HAS_TUNNELS'),
  when('sriovs', 'POOL_JOINING_HOST_HAS_NETWORK_SRIOVS'),
  when('vlans', 'POOL_JOINING_HOST_HAS_NON_MANAGEMENT_VLANS'),
  { fits: fits.managementVlan },
  { fits: fits.externalAuth },
  { fits: fits.editions },
  { fits: fits.virtualSwitch },
  { fits: fits.apiVersion },
  { fits: fits.databaseSchema },
  { fits: fits.updates },
  { fits: fits.addressType },
  { fits: fits.networkPurpose },
  { fits: fits.tlsVerification },
  { fits: fits.namedCertificates },
  { fits: fits.trustedCertificates },
  when('updating', 'NOT_SUPPORTED_DURING_UPGRADE'),
  { fits: fits.remoteUpdating },
  { fits: fits.drivers },
  // Ours: memory images do not go along.
  when('suspended', 'JOINING_HOST_CANNOT_HAVE_RUNNING_OR_SUSPENDED_VMS'),
];

/** A host that has joined a pool joins no other. */
export async function assertAtHome(tx: Tx): Promise<void> {
  const master = await masterElsewhere(tx);
  if (master !== undefined) throw new XenError('HOST_IS_SLAVE', master);
}
/** Obstacles in this pool to a join with any other. */
export async function assertMayLeave(tx: Tx, operation = ''): Promise<void> {
  await assertAtHome(tx);
  const facts = await factsOf(tx, operation);
  for (const { alone } of inOrder) refuse(alone?.(facts));
}
/** Obstacles to a join in this pool, in the other, and between them. */
export async function assertMayJoin(plane: Plane, other: OtherPool, force: boolean): Promise<void> {
  const [facts, local] = await reading(
    plane.store,
    async (tx) => [await factsOf(tx, ''), await ourSide(tx)] as const,
  );
  const remote = await otherSide(other);
  for (const check of inOrder) {
    refuse(check.alone?.(facts));
    if (!(force && check.mayBeForced)) refuse(check.fits?.(local, remote));
  }
}
function refuse(error: XenError | undefined): void {
  if (error) throw error;
}
