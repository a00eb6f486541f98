/** The promise of high availability: all VMs that it is to keep running find a place after hosts have failed, or not. */
import { ha } from '@xenplane/domain';
import { XenError, type Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import { raiseAlert } from '../core/alerts';
import type { Plane } from '../core/context';
import { haSnapshotFromTx } from './snapshot-from-tx';

/** The plan as the pool's fields show it, with an alert when it gets worse; the plan itself is made anew whenever it is needed. */
export async function showPlan({ tx, plane }: { readonly tx: Tx; readonly plane: Plane }): Promise<void> {
  const [pool] = await tx.find('pool', { ha_enabled: true });
  if (!pool) return;
  const { ref, uuid, name_label, ha_host_failures_to_tolerate: wanted } = pool;
  const most = ha.mostFailures(await haSnapshotFromTx(tx));
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
 * further. Of two changes that would break it only together, the second waits for the first. `joins` is a VM that is to be kept
 * running from now on.
 */
export async function keepingPlan<T>(tx: Tx, change: () => Promise<T>, joins?: Ref<'VM'>): Promise<T> {
  const [guarding] = await tx.find('pool', { ha_enabled: true, ha_allow_overcommit: false });
  if (!guarding) return change();
  const { ha_plan_exists_for } = await tx.lock('pool', guarding.ref);
  const joined = { besides: joins ? [joins] : [] };
  const planned = ha.coversAll(await haSnapshotFromTx(tx), ha_plan_exists_for);
  const result = await change();
  if (planned && !ha.coversAll(await haSnapshotFromTx(tx, joined), ha_plan_exists_for))
    throw new XenError('HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN');
  return result;
}
