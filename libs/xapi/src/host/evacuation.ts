/** Obstacles to emptying a host, and the plan to do it: the rules are the domain's, the facts are read here. */
import { ha, planEvacuation, vmLifecycle, type EvacuationPlan } from '@xenplane/domain';
import { asRef, type Ref, type StoredRecord } from '@xenplane/model';
import { inSlices, type Replica, type Row, type Tx } from '@xenplane/store';
import { interfaceOn } from '../network/host-network';
import { poolOf, snapshotFromReplica } from '../placement/snapshot-from-replica';
import { snapshotFromTx } from '../placement/snapshot-from-tx';
import { vmFromReplica, vmFromTx } from '../begin/lifecycle-subjects';

export interface EvacuatedVm {
  readonly host: Ref<'host'>;
  /** Over which the memory is to go; every target must be on it. */
  readonly network?: Ref<'network'>;
  /** A VM that is busy is waited for instead of being in the way. */
  readonly patient?: true;
}

/** The plan that is carried out. */
export async function evacuationPlan(tx: Tx, leaving: EvacuatedVm): Promise<EvacuationPlan> {
  const targets = leaving.network ? await onNetwork(tx, leaving.network, leaving.host) : undefined;
  const [pools, vms] = await Promise.all([
    tx.find('pool', { ha_enabled: true }),
    residents(tx, leaving.host),
  ]);
  const subjects = await Promise.all(vms.map((vm) => vmFromTx(tx, vm)));
  const snapshot = await snapshotFromTx(
    tx,
    vms.map(({ ref }) => ref),
    'move',
  );
  const fixed = fixedOf(subjects, { ...leaving, watched: pools.length > 0 });
  return planEvacuation(snapshot, { host: leaving.host, fixed, targets });
}

/** The plans for these hosts, each as if it alone were to be emptied now: for who only asks. */
export async function presumedEvacuations(
  view: Replica,
  hosts: readonly Ref<'host'>[],
): Promise<ReadonlyMap<string, EvacuationPlan>> {
  const vms = hosts.flatMap((host) => guestsOn(view, host));
  const fixed = fixedOf(
    vms.map((vm) => ({ ...vmFromReplica(view, vm.ref, vm), vm })),
    { watched: poolOf(view)?.ha_enabled ?? false },
  );
  const snapshot = await snapshotFromReplica(
    view,
    vms.map(({ ref }) => ref),
    'move',
  );
  const plans = new Map<string, EvacuationPlan>();
  for await (const host of inSlices(hosts)) plans.set(host, planEvacuation(snapshot, { host, fixed }));
  return plans;
}
const guestsOn = (view: Replica, host: Ref<'host'>): Readonly<Row<'VM'>>[] =>
  view
    .pointingAt('VM.resident_on', host)
    .flatMap((ref) => view.stored('VM', ref) ?? [])
    .filter(isGuestOfHost);

/** The guests of a host; its control domain is part of it. */
export async function residents(tx: Tx, host: Ref<'host'>): Promise<Row<'VM'>[]> {
  return (await tx.find('VM', { resident_on: host, is_control_domain: false })).filter(isGuestOfHost);
}
const isGuestOfHost = (vm: StoredRecord<'VM'>): boolean => !vm.is_control_domain && !vm.is_a_snapshot;

type Watch = Pick<EvacuatedVm, 'patient'> & {
  /** True if high availability is on. */
  readonly watched: boolean;
};
type Resident = vmLifecycle.VmSubject & { readonly vm: StoredRecord<'VM'> };
/** VMs that stay wherever they might go, and why. */
function fixedOf(subjects: readonly Resident[], watch: Watch): ReadonlyMap<string, readonly string[]> {
  return new Map(
    subjects.flatMap((subject): [string, readonly string[]][] => {
      const reason = whyFixed(subject, watch);
      return reason ? [[subject.ref, reason]] : [];
    }),
  );
}

/** High availability wants the room elsewhere for what it keeps running: the others of a host that is to be empty have to be stopped. */
function whyFixed(subject: Resident, { patient, watched }: Watch): readonly string[] | undefined {
  const refused = vmLifecycle.refusal('pool_migrate', subject);
  if (refused && !(patient && refused.code === 'OTHER_OPERATION_IN_PROGRESS')) return refused.description;
  return watched && !ha.isKept(subject.vm) ? ['HOST_NOT_ENOUGH_FREE_MEMORY', subject.ref] : undefined;
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
