/** Agility: whether every host that takes VMs could run a VM, and if not, what binds it to some of them. */
import { ha } from '@xenplane/domain';
import { XenError, type Ref } from '@xenplane/model';
import type { Row, Tx } from '@xenplane/store';

/** The repositories and networks that every enabled host has, as named tables. */
export const runsEverywhere = `hosts AS (SELECT ref FROM host WHERE enabled),
  repositories AS (SELECT s.ref FROM sr s WHERE s.shared AND NOT EXISTS (SELECT 1 FROM hosts h WHERE NOT EXISTS
    (SELECT 1 FROM pbd p WHERE p."SR" = s.ref AND p.host = h.ref AND p.currently_attached))),
  networks AS (SELECT n.ref FROM network n WHERE NOT EXISTS (SELECT 1 FROM hosts h WHERE NOT EXISTS
    (SELECT 1 FROM pif p WHERE p.network = n.ref AND p.host = h.ref AND p.bond_slave_of IS NULL)))`;

/** Code and parameter of the first thing that binds the VM `v`; NULL for one that nothing binds. */
export const hostBindingOf = `CASE WHEN EXISTS (SELECT 1 FROM vgpu g WHERE g."VM" = v.ref) THEN jsonb_build_array('VM_HAS_VGPU', v.ref)
  WHEN EXISTS (SELECT 1 FROM vusb u WHERE u."VM" = v.ref) THEN jsonb_build_array('VM_HAS_VUSBS', v.ref)
  ELSE coalesce(
    (SELECT jsonb_build_array('HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED', d."SR") FROM vbd b JOIN vdi d ON d.ref = b."VDI"
     WHERE b."VM" = v.ref AND NOT b.empty AND d."SR" NOT IN (SELECT ref FROM repositories) ORDER BY d."SR" LIMIT 1),
    (SELECT jsonb_build_array('HA_CONSTRAINT_VIOLATION_NETWORK_NOT_SHARED', i.network) FROM vif i
     WHERE i."VM" = v.ref AND i.network NOT IN (SELECT ref FROM networks) ORDER BY i.network LIMIT 1)) END`;

/** The reason that binds a VM to some hosts, as an error names it. */
export type HostBinding = readonly [XenError['code'], string];

export async function assertAgile(tx: Tx, vm: Ref<'VM'>): Promise<void> {
  await tx.get('VM', vm);
  const [row] = await tx.query<{ bond: HostBinding | null }>(
    `WITH ${runsEverywhere} SELECT ${hostBindingOf} AS bond FROM vm v WHERE v.ref = $1`,
    [vm],
  );
  if (row?.bond) throw new XenError(...row.bond);
}

/** High availability lets nothing be given to a VM that it keeps running which some host does not have. */
export async function assertStaysAgile(tx: Tx, vm: Row<'VM'>, given: Ref<'SR' | 'network'>): Promise<void> {
  if (!ha.isKept(vm)) return;
  const [binding] = await tx.query(
    `WITH ${runsEverywhere} SELECT 1 AS yes FROM pool p WHERE p.ha_enabled AND NOT p.ha_allow_overcommit
       AND $1 NOT IN (SELECT ref FROM repositories UNION ALL SELECT ref FROM networks)`,
    [given],
  );
  if (binding) throw new XenError('HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN');
}
