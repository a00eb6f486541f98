/**
 * The plan of high availability: all protected VMs can be started again after hosts have failed, or not. The answer errs on one side only: when it says
 * yes, every set of that many hosts may fail. It may say no although a cleverer packing would fit.
 */
import type { StoredRecord } from '@xenplane/model';

/** True if high availability keeps a VM running: it is set so, and was not stopped by will. */
export const isKept = ({
  ha_always_run,
  ha_restart_priority,
}: Pick<StoredRecord<'VM'>, 'ha_always_run' | 'ha_restart_priority'>): boolean =>
  ha_always_run && ha_restart_priority === 'restart';

export interface HaHost {
  readonly ref: string;
  /** Free memory, beside everything that runs there. */
  readonly freeBytes: number;
}
export interface HaVm {
  readonly ref: string;
  /** Where it runs; none when it waits for a place already. */
  readonly host: string | undefined;
  readonly bytes: number;
  /** True if it can be started on another host at all. */
  readonly movable: boolean;
}
export interface HaPool {
  readonly hosts: readonly HaHost[];
  readonly vms: readonly HaVm[];
}

/** A place for each VM, the largest first, each where the least is left over; undefined for those without a place. */
export function pack(
  vms: readonly HaVm[],
  hosts: readonly HaHost[],
): ReadonlyMap<string, string | undefined> {
  const free = hosts.map((h) => ({ ref: h.ref, bytes: h.freeBytes }));
  const plan = new Map<string, string | undefined>();
  for (const vm of [...vms].sort((a, b) => b.bytes - a.bytes || (a.ref < b.ref ? -1 : 1))) {
    const fitting = free
      .filter((h) => h.bytes >= vm.bytes)
      .sort((a, b) => a.bytes - b.bytes || (a.ref < b.ref ? -1 : 1));
    const [best] = vm.movable ? fitting : [];
    if (best) best.bytes -= vm.bytes;
    plan.set(vm.ref, best?.ref);
  }
  return plan;
}

/** Where the VMs of these hosts, and these VMs besides, would be started. */
export function failoverPlan(
  { hosts, vms }: HaPool,
  failedHosts: ReadonlySet<string>,
  failedVms: ReadonlySet<string>,
): ReadonlyMap<string, string | undefined> {
  const displaced = vms.filter(
    (v) => v.host === undefined || failedHosts.has(v.host) || failedVms.has(v.ref),
  );
  return pack(
    displaced,
    hosts.filter((h) => !failedHosts.has(h.ref)),
  );
}

/** More sets of hosts than this are not tried one by one. */
const mostSets = 400;

/** True if any `n` hosts may fail. */
export function planExists(pool: HaPool, n: number): boolean {
  const { hosts, vms } = pool;
  if (n < 0 || n >= Math.max(1, hosts.length)) return false;
  if (vms.length === 0) return true;
  if (n > 0 && vms.some((v) => !v.movable)) return false;
  return combinations(hosts.length, n) <= mostSets
    ? everySet(hosts, n, (failed) => survives(pool, failed))
    : fitsRoughly(pool, n);
}
const survives = (pool: HaPool, failed: ReadonlySet<string>): boolean =>
  [...failoverPlan(pool, failed, new Set()).values()].every((host) => host !== undefined);

/** True if any `n` hosts may fail, and no VM is bound to its host. */
export const coversAll = (pool: HaPool, n: number): boolean =>
  pool.vms.every((vm) => vm.movable) && planExists(pool, n);

/** The greatest number of hosts of which any may fail. */
export function mostFailures(pool: HaPool): number {
  let n = 0;
  while (planExists(pool, n + 1)) n += 1;
  return n;
}

/**
 * A VM of at most `s` bytes finds no place only where less than `s` is free everywhere. So if all displaced VMs together are no
 * more than what the hosts have beyond `s` each, all of them find one, in any order. The worst hosts to lose are taken twice
 * over: those with the most VMs, and those with the most room.
 */
function fitsRoughly({ hosts, vms }: HaPool, n: number): boolean {
  const largest = Math.max(...vms.map((v) => v.bytes));
  const load = new Map<string | undefined, number>();
  for (const vm of vms) load.set(vm.host, (load.get(vm.host) ?? 0) + vm.bytes);
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
  const displaced =
    (load.get(undefined) ?? 0) +
    sum(ascending(hosts.map((h) => load.get(h.ref) ?? 0)).slice(-n || hosts.length));
  const room = sum(
    ascending(hosts.map((h) => Math.max(0, h.freeBytes - largest))).slice(0, hosts.length - n),
  );
  return displaced <= room;
}

function combinations(of: number, n: number): number {
  let result = 1;
  for (let i = 1; i <= n && result <= mostSets; i += 1) result = (result * (of - n + i)) / i;
  return result;
}

function everySet(
  hosts: readonly HaHost[],
  n: number,
  holds: (set: ReadonlySet<string>) => boolean,
  from = 0,
  chosen: readonly string[] = [],
): boolean {
  if (chosen.length === n) return holds(new Set(chosen));
  return hosts.slice(from).every((host, i) => everySet(hosts, n, holds, from + i + 1, [...chosen, host.ref]));
}
