/** Agility as calls ask for it: of a VM, and of what a VM is to be given. The rule is the domain's. */
import { Agility, ha } from '@xenplane/domain';
import { XenError, type Ref } from '@xenplane/model';
import type { Row, Tx } from '@xenplane/store';
import type { Context } from '../core/context';
import { hostsNow } from './hosts-view';
import { freshReplica } from './possible-hosts';
import { snapshotFromReplica, storedOf } from './snapshot-from-replica';

export async function assertAgile(context: Pick<Context, 'plane'>, vm: Ref<'VM'>): Promise<void> {
  const view = await freshReplica(context);
  storedOf(view, 'VM', vm);
  const binding = ha.bindings(await snapshotFromReplica(view, [vm], 'start')).get(vm);
  if (binding) throw new XenError(...binding);
}

/** High availability lets nothing be given to a VM that it keeps running which some host does not have. */
export async function assertStaysAgile(
  tx: Tx,
  vm: Row<'VM'>,
  given: { readonly sr: Ref<'SR'> } | { readonly network: Ref<'network'> },
): Promise<void> {
  if (!ha.isKept(vm)) return;
  const guarding = await tx.find('pool', { ha_enabled: true, ha_allow_overcommit: false });
  if (guarding.length === 0) return;
  const agility = new Agility((await hostsNow(tx)).hosts);
  const isEverywhere =
    'sr' in given
      ? agility.isStorageEverywhere(given.sr) && (await tx.get('SR', given.sr)).shared
      : agility.isNetworkEverywhere(given.network);
  if (!isEverywhere) throw new XenError('HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN');
}
