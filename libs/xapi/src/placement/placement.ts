/** Placement for real: a view of the hosts that is at most a moment old, the pure function over it, and one conditional statement that makes it so. */
import {
  explain,
  ha,
  noHostError,
  passthrough,
  placeIn,
  platform,
  type Candidate,
  type Guest,
  type Placement,
} from '@xenplane/domain';
import { XenError, type Ref, type StoredRecord } from '@xenplane/model';
import { Superseded, type PlacedVm } from '../core/agents';
import { antiAffinityGroups, countingGroups } from './placement-groups';
import type { Plane } from '../core/context';
import { equipped, takeGpus, takePcis } from '../graphics/device-assignment';
import { devicesOf, guestOf, requestedBy, type KnownGuest } from './guests';
import { keepingPlan } from './ha-plan';
import { HostsView, viewOf } from './hosts-view';
import type { Attached } from '../runs/domain-spec';
import type { Row, Tx } from '@xenplane/store';
import { commitPlacement, hasPlace, type NewPlacement } from '../tables/runs/placements';

export interface Placed extends PlacedVm {
  readonly memoryBytes: number;
}

export interface PlacementRequest {
  readonly vm: Ref<'VM'>;
  readonly record: StoredRecord<'VM'>;
  readonly attached: Attached;
  readonly task: Ref<'task'>;
  readonly only?: Ref<'host'> | undefined;
  /** The VM's features that a host which could take it does not accept. */
  readonly refused?: XenError | undefined;
}

const mostTries = 5;

/** Facts about hosts that were read for this guest alone. */
const ownOf = (
  hosts: readonly Candidate[],
): ReadonlyMap<string, Pick<Candidate, 'gpus' | 'usbGroups' | 'pcis' | 'groups' | 'cpu'>> =>
  new Map(
    hosts.map(({ ref, gpus, usbGroups, pcis, groups, cpu }) => [
      ref,
      {
        groups,
        ...(gpus ? { gpus } : {}),
        ...(usbGroups ? { usbGroups } : {}),
        ...(pcis ? { pcis } : {}),
        ...(cpu ? { cpu } : {}),
      },
    ]),
  );

export function assertPossible(record: StoredRecord<'VM'>): void {
  const refused = platform.refuseBasics(record);
  if (refused) throw refused;
}

/** Chooses a host and takes the place, in the caller's transaction. HOST_NOT_ENOUGH_FREE_MEMORY or NO_HOSTS_AVAILABLE when there is none. */
export async function placeVm(
  plane: Plane,
  tx: Tx,
  { vm, record, attached, task, only, refused }: PlacementRequest,
): Promise<Placed> {
  assertPossible(record);
  const view = viewOf(plane);
  const groups = await antiAffinityGroups(tx, [record]);
  const known: KnownGuest = { vm, record, devices: devicesOf(attached) };
  for (let tried = 1; ; tried += 1) {
    const seen = await (tried === 1 ? view.candidates(tx) : view.anew(tx));
    const asked = guestOf(known, 'start', { hosts: seen, antiAffinityGroups: groups });
    const own = ownOf(await countingGroups(tx, groups, await equipped(tx, requestedBy([asked]), seen)));
    const hosts = view.present().map((host) => ({ ...host, ...own.get(host.ref) }));
    const guest = guestOf(known, 'start', { hosts, antiAffinityGroups: groups });
    const placement = placeIn(
      { hosts, guests: new Map([[vm, guest]]), reservations: [], policy: view.policy },
      vm,
      only,
    );
    const [best] = placement.ranked;
    if (!best) {
      if (tried > 1) throw unknownPci(record, guest, hosts) ?? refusalOf(placement, only);
      continue;
    }
    if (refused) throw refused;
    const chosen = chosenPlace({ vm, task, guest, planned: view.planned }, placement, best.host.ref);
    view.took(vm, best.host.ref, guest.memoryBytes, guest.vcpus);
    const take = async (): Promise<Placed | undefined> =>
      (await takeGpus(tx, guest, best.host.ref)) && (await takePcis(tx, guest, best.host.ref))
        ? withMemory(await commitPlacement(tx, chosen), guest)
        : undefined;
    const placed = await (chosen.planned ? takePlanned(tx, view, { ref: vm, ...record }, take) : take());
    if (placed) {
      view.wrote(vm, placed.vmEpoch);
      return placed;
    }
    view.left(vm);
    await assertAtRest(tx, vm);
    if (tried === mostTries) throw refusalOf(placement, only);
  }
}

/** A VM that has a place already is at something else: no host could change that. */
async function assertAtRest(tx: Tx, vm: Ref<'VM'>): Promise<void> {
  if (await hasPlace(tx, vm)) throw new Superseded(vm);
}

/** Takes a place that the plan of high availability can spare; a VM that it is to keep running has its place in the plan. */
async function takePlanned<T>(tx: Tx, view: HostsView, vm: Row<'VM'>, take: () => Promise<T>): Promise<T> {
  if (ha.isKept(vm)) return take();
  try {
    return await keepingPlan(tx, take, vm.ha_restart_priority === 'restart' ? vm.ref : undefined);
  } catch (error) {
    view.left(vm.ref);
    throw error;
  }
}

/** An address at which no host of the pool has a device. */
export function unknownPci(
  { other_config }: StoredRecord<'VM'>,
  { pcis = [] }: Guest,
  hosts: readonly Candidate[],
): XenError | undefined {
  if (pcis.length === 0) return undefined;
  return passthrough.refusePci(
    other_config,
    new Set(hosts.flatMap((host) => [...(host.pcis?.keys() ?? [])])),
  );
}

export function refusalOf(placement: Placement, only: Ref<'host'> | undefined): XenError {
  const reason = only ? placement.rejected.get(only) : undefined;
  const [code, ...params] = reason ?? [];
  return code ? new XenError(code as XenError['code'], ...params) : noHostError(placement);
}

const withMemory = (placed: PlacedVm | undefined, { memoryBytes }: Guest): Placed | undefined =>
  placed && { ...placed, memoryBytes };

interface Choice {
  readonly vm: Ref<'VM'>;
  readonly task: Ref<'task'>;
  readonly guest: Guest;
  readonly planned: boolean;
}
function chosenPlace(
  { vm, task, guest: { memoryBytes, vcpus, srs, networks }, planned }: Choice,
  placement: Placement,
  host: string,
): NewPlacement {
  const explanation = explain(placement, host);
  return {
    vm,
    task,
    host,
    memoryBytes,
    vcpus,
    srs,
    networks,
    planned,
    policy: explanation.policy,
    explanation,
  };
}
