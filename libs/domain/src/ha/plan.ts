/**
 * The plan of high availability: all protected VMs can be started again after hosts have failed, or not. The answer errs on one side only: when it says
 * yes, every set of that many hosts may fail. It may say no although a cleverer packing would fit.
 */
import type { StoredRecord } from '@xenplane/model';
import { Agility, type HostBinding } from '../placement/agility';
import { fits, takesGuests } from '../placement/filters';
import type { Candidate, Guest } from '../placement/place';
import { occupied, type PlacementSnapshot } from '../placement/snapshot';

/** True if high availability keeps a VM running: it is set so, and was not stopped by will. */
export const isKept = ({
  ha_always_run,
  ha_restart_priority,
}: Pick<StoredRecord<'VM'>, 'ha_always_run' | 'ha_restart_priority'>): boolean =>
  ha_always_run && ha_restart_priority === 'restart';

/** True for a VM that has a part in the plan: one that is kept running or is up, and would be started again. */
export const isPlanned = (
  vm: Pick<
    StoredRecord<'VM'>,
    'is_a_template' | 'is_control_domain' | 'ha_restart_priority' | 'ha_always_run' | 'power_state'
  >,
): boolean =>
  vm.ha_restart_priority === 'restart' &&
  !vm.is_a_template &&
  !vm.is_control_domain &&
  (vm.ha_always_run || vm.power_state === 'Running' || vm.power_state === 'Paused');

/** Which VMs a plan is for: those that have a part in it and further ones, or certain ones instead. */
export interface PlanQuestion {
  readonly besides?: readonly string[];
  readonly instead?: readonly string[];
}

/** A guest of the plan. */
interface PlannedGuest {
  readonly guest: Guest;
  /** Where it has its place among the hosts that count; none when it waits for one already. */
  readonly host: string | undefined;
  /** True if nothing binds it to some of the hosts: only then it is counted on elsewhere. */
  readonly movable: boolean;
}
/** The snapshot as the plan sees it: on a host that takes no guests a VM has no place, it waits for another one. */
interface HaPool {
  readonly hosts: readonly Candidate[];
  readonly vms: readonly PlannedGuest[];
  /** Made when it is first asked for. */
  readonly rough: () => Rough;
}

function poolOf({ hosts, guests, reservations }: PlacementSnapshot): HaPool {
  const counted = hosts.filter(takesGuests);
  const names = new Set(counted.map(({ ref }) => ref));
  const placeOf = new Map(
    reservations
      .filter(({ host }) => names.has(host))
      .map(({ vm, host }): [string, string] => [vm, host])
      .reverse(),
  );
  const agility = new Agility(hosts);
  const vms = [...guests.values()].map((guest) => ({
    guest,
    host: placeOf.get(guest.ref),
    movable: agility.bindingOf(guest) === undefined,
  }));
  let rough: Rough | undefined;
  return { hosts: counted, vms, rough: () => (rough ??= roughly(counted, vms)) };
}

/** What binds each of the guests that something binds. */
export function bindings({ hosts, guests }: PlacementSnapshot): ReadonlyMap<string, HostBinding> {
  const agility = new Agility(hosts);
  return new Map(
    [...guests].flatMap(([vm, guest]): [string, HostBinding][] => {
      const binding = agility.bindingOf(guest);
      return binding ? [[vm, binding]] : [];
    }),
  );
}

const byNeed = ({ guest: a }: PlannedGuest, { guest: b }: PlannedGuest): number =>
  b.memoryBytes - a.memoryBytes || (a.ref < b.ref ? -1 : 1);
const byRoom = (a: Candidate, b: Candidate): number =>
  a.memoryFree - b.memoryFree || (a.ref < b.ref ? -1 : 1);

/** A place for each guest, the largest first, each where it fits and the least is left over; undefined for those without a place. */
function pack(
  vms: readonly PlannedGuest[],
  hosts: readonly Candidate[],
): ReadonlyMap<string, string | undefined> {
  const free = hosts.toSorted(byRoom);
  const plan = new Map<string, string | undefined>();
  for (const { guest, movable } of vms.toSorted(byNeed)) {
    const at = movable ? free.findIndex((host) => fits(guest, host)) : -1;
    const [best] = at < 0 ? [] : free.splice(at, 1);
    if (best) insert(free, occupied(best, guest));
    plan.set(guest.ref, best?.ref);
  }
  return plan;
}
/** Keeps the list in its order. */
function insert(free: Candidate[], host: Candidate): void {
  const at = free.findIndex((other) => byRoom(host, other) < 0);
  free.splice(at < 0 ? free.length : at, 0, host);
}

/** Where the VMs of these hosts, and these VMs besides, would be started. */
export const failoverPlan = (
  snapshot: PlacementSnapshot,
  failedHosts: ReadonlySet<string>,
  failedVms: ReadonlySet<string>,
): ReadonlyMap<string, string | undefined> => planFor(poolOf(snapshot), failedHosts, failedVms);

function planFor(
  { hosts, vms }: HaPool,
  failedHosts: ReadonlySet<string>,
  failedVms: ReadonlySet<string>,
): ReadonlyMap<string, string | undefined> {
  const displaced = vms.filter(
    (v) => v.host === undefined || failedHosts.has(v.host) || failedVms.has(v.guest.ref),
  );
  return pack(
    displaced,
    hosts.filter((h) => !failedHosts.has(h.ref)),
  );
}

/** More sets of hosts than this are not tried one by one. */
const mostSets = 400;

/** True if any `n` hosts may fail. */
export const planExists = (snapshot: PlacementSnapshot, n: number): boolean => existsFor(poolOf(snapshot), n);

function existsFor(pool: HaPool, n: number): boolean {
  const { hosts, vms } = pool;
  if (n < 0 || n >= Math.max(1, hosts.length)) return false;
  if (vms.length === 0) return true;
  if (n > 0 && vms.some((v) => !v.movable)) return false;
  return combinations(hosts.length, n) <= mostSets
    ? everySet(hosts, n, (failed) => survives(pool, failed))
    : fitsRoughly(pool, n);
}
const survives = (pool: HaPool, failed: ReadonlySet<string>): boolean =>
  [...planFor(pool, failed, new Set()).values()].every((host) => host !== undefined);

/** True if any `n` hosts may fail, and no VM is bound to its host. */
export function coversAll(snapshot: PlacementSnapshot, n: number): boolean {
  const pool = poolOf(snapshot);
  return pool.vms.every((vm) => vm.movable) && existsFor(pool, n);
}

/** The greatest number of hosts of which any may fail. */
export function mostFailures(snapshot: PlacementSnapshot): number {
  const pool = poolOf(snapshot);
  let n = 0;
  while (existsFor(pool, n + 1)) n += 1;
  return n;
}

/**
 * A VM of at most `s` bytes finds no place only where less than `s` is free on every host that it fits on. So if all displaced VMs
 * together are no more than what the hosts on which any of them fits have beyond `s` each, all of them find one, in any order. The
 * worst hosts to lose are taken twice over: those with the most VMs, and those with the most room.
 */
const fitsRoughly = ({ rough }: HaPool, n: number): boolean => {
  const { displaced, rooms } = rough();
  return (displaced[n] ?? Infinity) <= (rooms[n] ?? 0);
};

interface Rough {
  /** The bytes of all VMs that are without a host when the fullest 0, 1, 2 ... hosts fail. */
  readonly displaced: readonly number[];
  /** The bytes that are left for them when the roomiest 0, 1, 2 ... hosts fail. */
  readonly rooms: readonly number[];
}
function roughly(hosts: readonly Candidate[], vms: readonly PlannedGuest[]): Rough {
  const largest = vms.reduce((most, { guest }) => Math.max(most, guest.memoryBytes), 0);
  const load = new Map<string | undefined, number>();
  for (const { host, guest } of vms) load.set(host, (load.get(host) ?? 0) + guest.memoryBytes);
  const loads = hosts.map((h) => load.get(h.ref) ?? 0).sort((a, b) => b - a);
  const rooms = commonHosts(hosts, vms).map((h) => Math.max(0, h.memoryFree - largest));
  return {
    displaced: sums([load.get(undefined) ?? 0, ...loads]),
    rooms: sums([0, ...rooms.sort((a, b) => a - b)]).toReversed(),
  };
}
/** Of the first, of the first two, and so on. */
function sums(values: readonly number[]): number[] {
  let sum = 0;
  return values.map((value) => (sum += value));
}

/** The hosts on which each of the guests fits if it is there alone with all the memory that it needs; none where guests may want the same device. */
function commonHosts(hosts: readonly Candidate[], vms: readonly PlannedGuest[]): readonly Candidate[] {
  const kinds = new Map<string, Guest>();
  for (const { guest } of vms) {
    if ((guest.pcis ?? []).length > 0) return [];
    // What does not decide where a guest fits, and what differs from guest to guest, is left out.
    const { ref: _ref, memoryBytes: _bytes, vcpus: _vcpus, affinity: _affinity, ...needs } = guest;
    const { antiAffinityGroup: _group, policy: _policy, ...kind } = needs;
    kinds.set(JSON.stringify(kind), { ...guest, memoryBytes: 0 });
  }
  return hosts.filter((host) => [...kinds.values()].every((guest) => fits(guest, host)));
}

function combinations(of: number, n: number): number {
  let result = 1;
  for (let i = 1; i <= n && result <= mostSets; i += 1) result = (result * (of - n + i)) / i;
  return result;
}

function everySet(
  hosts: readonly Candidate[],
  n: number,
  holds: (set: ReadonlySet<string>) => boolean,
  from = 0,
  chosen: readonly string[] = [],
): boolean {
  if (chosen.length === n) return holds(new Set(chosen));
  return hosts.slice(from).every((host, i) => everySet(hosts, n, holds, from + i + 1, [...chosen, host.ref]));
}
