/** Obstacles to emptying a host, and the plan to do it: the rules are the domain's, the facts are read here. */
import {
  ha,
  leastLoaded,
  planEvacuation,
  vmLifecycle,
  type EvacuationPlan,
  type Evacuee,
} from '@xenplane/domain';
import { asRef, type Ref } from '@xenplane/model';
import type { Row, Tx } from '@xenplane/store';
import { interfaceOn } from '../network/host-network';
import { guestOf } from '../placement/placement';
import { hostsNow } from '../placement/hosts-view';
import { attachedTo } from '../runs/domain-spec';
import { vmFromTx } from '../begin/lifecycle-subjects';

export interface EvacuatedVm {
  readonly host: Ref<'host'>;
  /** Over which the memory is to go; every target must be on it. */
  readonly network?: Ref<'network'>;
  /** A VM that is busy is waited for instead of being in the way. */
  readonly patient?: true;
}

export async function evacuationPlan(tx: Tx, leaving: EvacuatedVm): Promise<EvacuationPlan> {
  const hosts = (await hostsNow(tx)).filter((h) => h.ref !== leaving.host);
  const targets = leaving.network ? await onNetwork(tx, leaving.network, leaving.host) : undefined;
  const others = targets ? hosts.filter((h) => targets.has(h.ref)) : hosts;
  const watched = (await tx.find('pool', { ha_enabled: true })).length > 0;
  const evacuees: Evacuee[] = [];
  for (const vm of await residents(tx, leaving.host)) {
    const fixed = await whyFixed(tx, vm, { ...leaving, watched });
    evacuees.push({
      guest: guestOf(vm.ref, vm, await attachedTo(tx, vm.ref, { attached: true }), hosts),
      ...(fixed ? { fixed } : {}),
    });
  }
  return planEvacuation(leastLoaded, evacuees, others);
}

/** The guests of a host; its control domain is part of it. */
export async function residents(tx: Tx, host: Ref<'host'>): Promise<Row<'VM'>[]> {
  return (await tx.find('VM', { resident_on: host, is_control_domain: false })).filter(
    (vm) => !vm.is_a_snapshot,
  );
}

/** High availability wants the room elsewhere for what it keeps running: the others of a host that is to be empty have to be stopped. */
async function whyFixed(
  tx: Tx,
  vm: Row<'VM'>,
  { patient, watched }: Pick<EvacuatedVm, 'patient'> & { readonly watched: boolean },
): Promise<readonly string[] | undefined> {
  const refused = vmLifecycle.refusal('pool_migrate', await vmFromTx(tx, vm));
  if (refused && !(patient && refused.code === 'OTHER_OPERATION_IN_PROGRESS')) return refused.description;
  return watched && !ha.isKept(vm) ? ['HOST_NOT_ENOUGH_FREE_MEMORY', vm.ref] : undefined;
}

async function onNetwork(
  tx: Tx,
  network: Ref<'network'>,
  leaving: Ref<'host'>,
): Promise<ReadonlySet<string>> {
  await tx.get('network', network);
  await interfaceOn(tx, network, leaving);
  const pifs = await tx.find('PIF', { network });
  return new Set(pifs.filter((p) => p.IP !== '').map((p) => asRef<'host'>(p.host)));
}
