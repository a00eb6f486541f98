/** The promise of high availability: all VMs that it is to keep running find a place after hosts have failed, or not. */
import { ha, memory } from '@xenplane/domain';
import { XenError, type Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import { hostBindingOf, runsEverywhere, type HostBinding } from './agility';
import { raiseAlert } from '../core/alerts';
import type { Plane } from '../core/context';

interface Row {
  readonly ref: string;
  readonly host: string | null;
  readonly next: string | null;
  readonly bond: HostBinding | null;
}
/** A VM of the plan, with what binds it to its host. */
export type PlannedVm = ha.HaVm & Pick<Row, 'bond'>;
const needed = `v.memory_static_min, v.memory_static_max, v.memory_dynamic_min, v.memory_dynamic_max, v."VCPUs_max", v."HVM_shadow_multiplier", v.domain_type, v."HVM_boot_policy"`;
const selectVms = `WITH ${runsEverywhere} SELECT v.ref, v.resident_on AS host, v.scheduled_to_be_resident_on AS next, ${hostBindingOf} AS bond, ${needed} FROM vm v`;
const isUp = `(v.power_state IN ('Running', 'Paused') OR v.ha_always_run)`;

/** The live hosts and the VMs that HA is to keep running: those that are set so, or those that are named. */
export async function haPool(
  tx: Tx,
  only?: readonly string[],
): Promise<Pick<ha.HaPool, 'hosts'> & { readonly vms: readonly PlannedVm[] }> {
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
  const counted = new Set<string | null>(hosts.map((h) => h.ref));
  return {
    hosts,
    vms: vms.map((v) => ({
      ref: v.ref,
      host: placeOf(v, counted),
      bytes: memory.neededToStart(v),
      movable: v.bond === null,
      bond: v.bond,
    })),
  };
}

/** Where memory is taken for the VM already: where it runs, or where it is about to; on a host that takes no VMs it waits for another place. */
const placeOf = ({ host, next }: Row, counted: ReadonlySet<string | null>): string | undefined =>
  [host, next].find((h) => counted.has(h)) ?? undefined;

/** The plan as the pool's fields show it, with an alert when it gets worse; the plan itself is made anew whenever it is needed. */
export async function showPlan({ tx, plane }: { readonly tx: Tx; readonly plane: Plane }): Promise<void> {
  const [pool] = await tx.find('pool', { ha_enabled: true });
  if (!pool) return;
  const { ref, uuid, name_label, ha_host_failures_to_tolerate: wanted } = pool;
  const most = ha.mostFailures(await haPool(tx));
  const shown = { ha_plan_exists_for: Math.min(wanted, most), ha_overcommitted: most < wanted };
  if (
    shown.ha_plan_exists_for === pool.ha_plan_exists_for &&
    shown.ha_overcommitted === pool.ha_overcommitted
  )
    return;
  await tx.update('pool', ref, shown);
  const alert = { priority: 3, cls: 'Pool', obj_uuid: uuid } as const;
  if (most < pool.ha_plan_exists_for)
    await raiseAlert(tx, plane, { ...alert, name: 'HA_POOL_DROP_IN_PLAN_EXISTS_FOR', body: String(most) });
  if (shown.ha_overcommitted && !pool.ha_overcommitted)
    await raiseAlert(tx, plane, {
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

/**
 * Refuses a change that breaks a plan which there is, unless the pool lets that be; a plan that is broken already breaks no
 * further. Of two changes that would break it only together, the second waits for the first.
 */
export async function keepingPlan<T>(tx: Tx, change: () => Promise<T>, joins?: Ref<'VM'>): Promise<T> {
  const [guarding] = await tx.find('pool', { ha_enabled: true, ha_allow_overcommit: false });
  if (!guarding) return change();
  const { ha_plan_exists_for } = await tx.lock('pool', guarding.ref);
  const planned = ha.coversAll(await haPool(tx), ha_plan_exists_for);
  const result = await change();
  if (planned && !ha.coversAll(await joinedBy(tx, joins), ha_plan_exists_for))
    throw new XenError('HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN');
  return result;
}

/** The pool with a VM that is to be kept running from now on. */
async function joinedBy(tx: Tx, vm: Ref<'VM'> | undefined): Promise<ha.HaPool> {
  const pool = await haPool(tx);
  if (!vm || pool.vms.some(({ ref }) => ref === vm)) return pool;
  return { ...pool, vms: [...pool.vms, ...(await haPool(tx, [vm])).vms] };
}
