/** What high availability can promise: whether all VMs that it is to keep running find a place after hosts have failed. */
import { ha, memory } from '@xenplane/domain';
import { XenError, type Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import { tell } from './alerts';
import type { Plane } from './context';

interface Row {
  readonly ref: string;
  readonly host: string | null;
  readonly movable: boolean;
}
const needed = `v.memory_static_min, v.memory_static_max, v.memory_dynamic_min, v.memory_dynamic_max, v."VCPUs_max", v."HVM_shadow_multiplier", v.domain_type, v."HVM_boot_policy"`;
const movable = `NOT EXISTS (SELECT 1 FROM vbd b JOIN vdi d ON d.ref = b."VDI" JOIN sr s ON s.ref = d."SR" WHERE b."VM" = v.ref AND b.type = 'Disk' AND NOT b.empty AND NOT s.shared)`;
const selectVms = `SELECT v.ref, v.resident_on AS host, ${movable} AS movable, ${needed} FROM vm v`;
const isUp = `(v.power_state IN ('Running', 'Paused') OR v.ha_always_run)`;

/** The live hosts and the VMs that HA is to keep running: those that are set so, or those that are named. */
export async function haPool(tx: Tx, only?: readonly string[]): Promise<ha.HaPool> {
  const hosts = await tx.query<{ ref: string; freeBytes: number }>(
    'SELECT host AS ref, memory_free AS "freeBytes" FROM host_run WHERE alive AND accepting ORDER BY host',
    [],
  );
  const vms = only
    ? await tx.query<Row & memory.Shape>(`${selectVms} WHERE v.ref = ANY($1) ORDER BY v.ref`, [only])
    : await tx.query<Row & memory.Shape>(
        `${selectVms} WHERE v.ha_restart_priority = 'restart' AND NOT v.is_a_template AND NOT v.is_control_domain AND ${isUp} ORDER BY v.ref`,
        [],
      );
  return { hosts, vms: vms.map((v) => ({ ref: v.ref, host: v.host ?? undefined, bytes: memory.neededToStart(v), movable: v.movable })) };
}

/** What the pool says of its plan, and tells when that gets worse; the plan itself is made anew whenever it is needed. */
export async function showPlan({ tx, plane }: { readonly tx: Tx; readonly plane: Plane }): Promise<void> {
  const [pool] = await tx.find('pool', { ha_enabled: true });
  if (!pool) return;
  const { ref, uuid, name_label, ha_host_failures_to_tolerate: wanted } = pool;
  const most = ha.mostFailures(await haPool(tx));
  const shown = { ha_plan_exists_for: Math.min(wanted, most), ha_overcommitted: most < wanted };
  if (shown.ha_plan_exists_for === pool.ha_plan_exists_for && shown.ha_overcommitted === pool.ha_overcommitted) return;
  await tx.update('pool', ref, shown);
  const alert = { priority: 3, cls: 'Pool', obj_uuid: uuid } as const;
  if (most < pool.ha_plan_exists_for) await tell(tx, plane, { ...alert, name: 'HA_POOL_DROP_IN_PLAN_EXISTS_FOR', body: String(most) });
  if (shown.ha_overcommitted && !pool.ha_overcommitted)
    await tell(tx, plane, {
      ...alert,
      name: 'HA_POOL_OVERCOMMITTED',
      body: `Pool '${name_label}' can no longer lose ${wanted} hosts and keep all VMs running`,
    });
}

/** Hosts and VMs come and go: what is said of the plan follows. */
export const followPlan = (plane: Plane): Promise<void> =>
  inTransaction(plane.store, async (tx) => {
    const [pool] = await tx.find('pool', { ha_enabled: true });
    if (!pool) return;
    await tx.lock('pool', pool.ref);
    await showPlan({ tx, plane });
  });

interface Change {
  /** A VM that is to be kept running from now on. */
  readonly joins?: Ref<'VM'>;
  /** A host that takes no more VMs. */
  readonly leaves?: Ref<'host'>;
}
/** Refuses what would break a plan that there is, unless the pool lets that be; a plan that is broken already breaks no further. */
export async function assertPlanKept(tx: Tx, { joins, leaves }: Change): Promise<void> {
  const [pool] = await tx.find('pool', { ha_enabled: true, ha_allow_overcommit: false });
  if (!pool) return;
  const { hosts, vms } = await haPool(tx);
  if (!ha.coversAll({ hosts, vms }, pool.ha_plan_exists_for)) return;
  const others = vms.filter((vm) => vm.ref !== joins);
  const joining = joins ? (await haPool(tx, [joins])).vms : [];
  const changed = { hosts: hosts.filter((host) => host.ref !== leaves), vms: [...others, ...joining] };
  if (!ha.coversAll(changed, pool.ha_plan_exists_for)) throw new XenError('HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN');
}
