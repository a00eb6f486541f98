/** Placement for real: a view of the hosts that is at most a moment old, the pure function over it, and one conditional statement that makes it so. */
import {
  explain,
  ha,
  leastLoaded,
  memory,
  noHostError,
  passthrough,
  place,
  platform,
  type Candidate,
  type Guest,
  type Placement,
} from '@xenplane/domain';
import { asRef, isNullRef, XenError, type Ref, type StoredRecord } from '@xenplane/model';
import { Superseded, type PlacedVm } from '../core/agents';
import { antiAffinityGroup, countingGroup } from './placement-groups';
import type { Context, Plane } from '../core/context';
import { equipped, takeGpus, takePcis, type RequestedDevices } from '../graphics/device-assignment';
import { keepingPlan } from './ha-plan';
import { hostsNow, HostsView, viewOf } from './hosts-view';
import { attachedTo, modeOf, type Attached } from '../runs/domain-spec';
import type { Row, Tx } from '@xenplane/store';

export interface Placed extends PlacedVm {
  readonly memoryBytes: number;
}

/** PCI devices are given to a VM when it starts; what its settings name while it runs counts from its next start on. */
const pcisOf = ({ power_state, other_config }: StoredRecord<'VM'>): readonly string[] =>
  power_state === 'Running' || power_state === 'Paused' ? [] : passthrough.pciAddresses(other_config);
const askedOf = (record: StoredRecord<'VM'>, { gpus, usbGroups }: Attached): RequestedDevices => ({
  gpus,
  usbGroups,
  pcis: pcisOf(record),
});

/** The VM's requirements of a host. A network that no host is on is inside one host and needs nothing. */
export function guestOf(
  vm: Ref<'VM'>,
  record: StoredRecord<'VM'>,
  { disks, nics, gpus, usbGroups }: Attached,
  hosts: readonly Candidate[],
): Guest {
  const networks = [...new Set(nics.map((n) => n.network))].filter((n) =>
    hosts.some((h) => h.networks.has(n)),
  );
  return {
    ref: vm,
    memoryBytes: memory.neededToStart(record),
    vcpus: record.VCPUs_at_startup,
    ...(platform.isOn(record.platform, 'vcpu-unrestricted') ? {} : { vcpusMax: record.VCPUs_max }),
    needsHvm: modeOf(record) !== 'pv',
    srs: [...new Set(disks.flatMap((d) => (d.vdi ? [d.vdi.SR] : [])))],
    networks,
    gpus,
    usbGroups,
    pcis: pcisOf(record),
    ...(isNullRef(record.affinity) ? {} : { affinity: record.affinity }),
  };
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
): ReadonlyMap<string, Pick<Candidate, 'gpus' | 'usbGroups' | 'pcis' | 'groups'>> =>
  new Map(
    hosts.map(({ ref, gpus, usbGroups, pcis, groups }) => [
      ref,
      { groups, ...(gpus ? { gpus } : {}), ...(usbGroups ? { usbGroups } : {}), ...(pcis ? { pcis } : {}) },
    ]),
  );

function assertPossible(record: StoredRecord<'VM'>): void {
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
  const group = await antiAffinityGroup(tx, record);
  for (let tried = 1; ; tried += 1) {
    const known = await equipped(
      tx,
      askedOf(record, attached),
      await (tried === 1 ? view.candidates(tx) : view.anew(tx)),
    );
    const own = ownOf(group ? await countingGroup(tx, group, known) : known);
    const hosts = view.present().map((host) => ({ ...host, ...own.get(host.ref) }));
    const guest = { ...guestOf(vm, record, attached, hosts), ...(group ? { antiAffinityGroup: group } : {}) };
    const placement = place(leastLoaded, guest, only ? hosts.filter((h) => h.ref === only) : hosts);
    const [best] = placement.ranked;
    if (!best) {
      if (tried > 1) throw unknownPci(record, hosts) ?? refusalOf(placement, only);
      continue;
    }
    if (refused) throw refused;
    const chosen: Chosen = {
      vm,
      task,
      guest,
      host: best.host.ref,
      planned: view.planned,
      explanation: explain(leastLoaded, placement, best.host.ref),
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
function unknownPci(record: StoredRecord<'VM'>, hosts: readonly Candidate[]): XenError | undefined {
  const known = new Set(hosts.flatMap((host) => [...(host.pcis?.keys() ?? [])]));
  return pcisOf(record).length === 0 ? undefined : passthrough.refusePci(record.other_config, known);
}

function refusalOf(placement: Placement, only: Ref<'host'> | undefined): XenError {
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
  readonly explanation: unknown;
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
      leastLoaded.name,
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

/** A VM that runs is looked at as if it were to start: its settings then count, those that choose PCI devices too. */
async function asHalted(tx: Tx, vm: Ref<'VM'>): Promise<StoredRecord<'VM'>> {
  const record = await tx.get('VM', vm);
  return record.power_state === 'Suspended' ? record : { ...record, power_state: 'Halted' };
}

/** Where the VM could start now, best first; from what the database has at this moment, as the caller may have changed it just now by another process. */
export async function possibleHosts({ tx }: Context, vm: Ref<'VM'>): Promise<Ref<'host'>[]> {
  const attached = await attachedTo(tx, vm);
  const record = await asHalted(tx, vm);
  if (platform.refuseBasics(record)) return [];
  const hosts = await equipped(tx, askedOf(record, attached), await hostsNow(tx));
  const guest = guestOf(vm, record, attached, hosts);
  return place(leastLoaded, guest, hosts).ranked.map((r) => asRef<'host'>(r.host.ref));
}

export async function assertCanBootHere(
  { tx }: Pick<Context, 'tx'>,
  vm: Ref<'VM'>,
  host: Ref<'host'>,
): Promise<void> {
  await assertFits(tx, host, { vm, record: await asHalted(tx, vm), attached: await attachedTo(tx, vm) });
}

/** The first reason why the host, as it is at this moment, could not take the VM with these devices. */
export async function assertFits(
  tx: Tx,
  host: Ref<'host'>,
  { vm, record, attached }: Pick<PlacementRequest, 'vm' | 'record' | 'attached'>,
): Promise<void> {
  await tx.get('host', host);
  assertPossible(record);
  const hosts = await equipped(tx, askedOf(record, attached), await hostsNow(tx));
  const placement = place(
    leastLoaded,
    guestOf(vm, record, attached, hosts),
    hosts.filter((h) => h.ref === host),
  );
  if (placement.ranked.length === 0) throw unknownPci(record, hosts) ?? refusalOf(placement, host);
}
