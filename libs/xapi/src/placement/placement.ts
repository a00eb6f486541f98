/** Placement for real: a view of the hosts that is at most a moment old, the pure function over it, and one conditional statement that makes it so. */
import {
  explain,
  ha,
  noHostError,
  passthrough,
  placeIn,
  platform,
  type Candidate,
  type Explanation,
  type Guest,
  type Placement,
} from '@xenplane/domain';
import { asRef, XenError, type Ref, type StoredRecord } from '@xenplane/model';
import { Superseded, type PlacedVm } from '../core/agents';
import { antiAffinityGroups, countingGroups } from './placement-groups';
import type { Plane } from '../core/context';
import { equipped, takeGpus, takePcis } from '../graphics/device-assignment';
import { devicesOf, guestOf, requestedBy, type KnownGuest } from './guests';
import { keepingPlan } from './ha-plan';
import { HostsView, viewOf } from './hosts-view';
import type { Attached } from '../runs/domain-spec';
import type { Row, Tx } from '@xenplane/store';

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
    const chosen: Chosen = {
      vm,
      task,
      guest,
      host: best.host.ref,
      planned: view.planned,
      explanation: explain(placement, best.host.ref),
    };
    view.took(vm, best.host.ref, guest.memoryBytes, guest.vcpus);
    const take = async (): Promise<Placed | undefined> =>
      (await takeGpus(tx, guest, best.host.ref)) && (await takePcis(tx, guest, best.host.ref))
        ? commitPlacement(tx, chosen)
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
  const [run] = await tx.query("SELECT 1 AS yes FROM vm_run WHERE vm = $1 AND state <> 'H'", [vm]);
  if (run) throw new Superseded(vm);
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

interface Chosen {
  readonly vm: Ref<'VM'>;
  readonly task: Ref<'task'>;
  readonly guest: Guest;
  readonly host: string;
  /** True if the plan of high availability is kept meanwhile. */
  readonly planned: boolean;
  readonly explanation: Explanation;
}
/** The facts by which a host was chosen and which may have changed since, apart from its free memory. */
const stillReached = `NOT EXISTS (SELECT 1 FROM unnest($8::text[]) s(sr) WHERE NOT EXISTS (SELECT 1 FROM pbd p WHERE p."SR" = s.sr AND p.host = $2 AND p.currently_attached))
                     AND NOT EXISTS (SELECT 1 FROM unnest($9::text[]) n(network) WHERE NOT EXISTS (SELECT 1 FROM pif i WHERE i.network = n.network AND i.host = $2 AND i.bond_slave_of IS NULL))
                     AND coalesce((SELECT bool_or(ha_enabled) FROM pool), false) = $10`;

/** One statement: room taken, run begun, reservation and explanation written, or nothing at all (R3, R14). */
async function commitPlacement(
  tx: Tx,
  { vm, task, guest, host, planned, explanation }: Chosen,
): Promise<Placed | undefined> {
  const [row] = await tx.query<{ uuid: string; vm_epoch: number; host_epoch: number; ended: boolean }>(
    `WITH free AS (SELECT vm FROM vm_run WHERE vm = $1 AND state <> 'H'),
          room AS (UPDATE host_run SET memory_free = memory_free - $3, vcpus_placed = vcpus_placed + $4, vms_placed = vms_placed + 1
                   WHERE host = $2 AND alive AND accepting AND memory_free >= $3 AND NOT EXISTS (SELECT 1 FROM free) AND ${stillReached} RETURNING host, host_epoch),
          run AS (INSERT INTO vm_run(vm, vm_epoch, host, host_epoch, state, attempt, boots, domid, since, saved)
                  SELECT $1, nextval('vm_epochs'), host, host_epoch, 'A', 0, 1, -1, now(), NULL FROM room
                  ON CONFLICT (vm) DO UPDATE SET vm_epoch = excluded.vm_epoch, host = excluded.host, host_epoch = excluded.host_epoch, state = 'A', attempt = 0, boots = 1, domid = -1, claim_nonce = NULL, since = now()
                  RETURNING vm_epoch, host, host_epoch),
          reserved AS (INSERT INTO reservation(vm, vm_epoch, host, memory, vcpus) SELECT $1, vm_epoch, host, $3, $4 FROM run),
          explained AS (INSERT INTO placement(vm, task, host, policy, explanation) SELECT $1, $6, host, $7, $5::jsonb FROM run)
     UPDATE vm SET scheduled_to_be_resident_on = run.host FROM run WHERE vm.ref = $1 RETURNING vm.uuid, run.vm_epoch, run.host_epoch`,
    [
      vm,
      host,
      guest.memoryBytes,
      guest.vcpus,
      JSON.stringify(explanation),
      task,
      explanation.policy,
      guest.srs,
      guest.networks,
      planned,
    ],
  );
  return (
    row && {
      vm: row.uuid,
      vmEpoch: row.vm_epoch,
      host: asRef(host),
      hostEpoch: row.host_epoch,
      memoryBytes: guest.memoryBytes,
    }
  );
}

/** Makes the reservation of a running VM as big as it needs to be now; HOST_NOT_ENOUGH_FREE_MEMORY when its host has no more. */
export async function changeReservation(tx: Tx, vm: Ref<'VM'>, bytes: number): Promise<void> {
  const rows = await tx.query(
    `WITH mine AS (SELECT r.vm, r.vm_epoch, r.host, $2::bigint - r.memory AS more FROM reservation r JOIN vm_run v ON v.vm = r.vm AND v.vm_epoch = r.vm_epoch WHERE r.vm = $1 FOR UPDATE OF r),
          room AS (UPDATE host_run h SET memory_free = h.memory_free - m.more FROM mine m WHERE h.host = m.host AND h.memory_free >= m.more RETURNING h.host)
     UPDATE reservation r SET memory = $2 FROM mine m, room WHERE r.vm = m.vm AND r.vm_epoch = m.vm_epoch RETURNING r.vm`,
    [vm, bytes],
  );
  if (rows.length > 0) return;
  const [host] = await tx.query<{ memory_free: number }>(
    'SELECT h.memory_free FROM host_run h JOIN vm_run v ON v.host = h.host WHERE v.vm = $1',
    [vm],
  );
  throw host
    ? new XenError('HOST_NOT_ENOUGH_FREE_MEMORY', String(bytes), String(host.memory_free))
    : new Superseded(vm);
}
