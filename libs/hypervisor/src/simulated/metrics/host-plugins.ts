/** Metrics of a host beside its CPUs, memory and devices: xapi's own needs, caches, power, and the states of its CPUs. */
import { rrd } from '@xenplane/domain';
import type { HostFacts } from '../../metrics';
import { hostWave } from './load';

const { constant, kinds, optional, source, times } = rrd;
type Figure = rrd.Figure;
type Source = rrd.Source;
type Term = rrd.Term;

export function hostPlugins(facts: HostFacts, cpus: readonly Figure[]): Source[] {
  return [
    ...facts.srs.filter((sr) => sr.cache).flatMap(({ uuid }) => cacheSources(facts, uuid)),
    source(kinds.tapdisks, 'Tapdisks_in_low_memory_mode', 'Disk processes that are short of memory', () =>
      constant(0, facts.since),
    ),
    ...toolstack(facts),
    ...(facts.pool ? poolSources(facts, facts.pool) : []),
    source(kinds.watts, 'DCMI-power-reading', 'Power that the host draws', () => power(facts, cpus)),
    ...haSources(facts),
    ...facts.callerGroups.flatMap((group) => groupSources(facts, group)),
    ...cpus.flatMap((cpu, i) => cpuStates(facts, cpu, i)),
  ];
}

/** A base and at most so much more. */
const around = ({ uuid, since }: HostFacts, name: string, base: number, most: number): Figure => ({
  since,
  terms: [{ weight: base }, times(most, hostWave(uuid, name))],
});

function cacheSources(facts: HostFacts, sr: string): Source[] {
  const name = (what: string): string => `sr_${sr}_cache_${what}`;
  return [
    source(kinds.bytes, name('size'), 'Size of the local cache', () =>
      around(facts, name('size'), 2 ** 30, 2 ** 32),
    ),
    source(kinds.hits, name('hits'), 'Reads answered by the local cache', () =>
      around(facts, name('hits'), 1, 200),
    ),
    source(kinds.misses, name('misses'), 'Reads that the local cache could not answer', () =>
      around(facts, name('misses'), 1, 50),
    ),
  ];
}

const MiBinKiB = 1024;
function toolstack(facts: HostFacts): Source[] {
  return [
    source(kinds.kib, 'xapi_memory_usage_kib', 'Memory that xapi holds', () =>
      around(facts, 'xapi usage', 90 * MiBinKiB, 60 * MiBinKiB),
    ),
    source(kinds.kib, 'xapi_free_memory_kib', 'Memory that xapi holds and does not use', () =>
      around(facts, 'xapi free', 4 * MiBinKiB, 20 * MiBinKiB),
    ),
    source(kinds.kib, 'xapi_live_memory_kib', 'Memory that xapi uses', () =>
      around(facts, 'xapi live', 40 * MiBinKiB, 30 * MiBinKiB),
    ),
    source(kinds.allocation, 'xapi_allocation_kib', 'Memory that xapi takes anew', () =>
      around(facts, 'xapi allocation', 200, 8 * MiBinKiB),
    ),
    source(kinds.descriptors, 'xapi_open_fds', 'Files and connections that xapi has open', () =>
      around(facts, 'xapi files', 60, 40),
    ),
  ];
}

function poolSources(
  facts: HostFacts,
  { sessions, tasks }: { readonly sessions: number; readonly tasks: number },
): Source[] {
  return [
    source(kinds.sessions, 'pool_session_count', 'Open sessions of the pool', () =>
      constant(sessions, facts.since),
    ),
    source(kinds.tasks, 'pool_task_count', 'Tasks of the pool', () => constant(tasks, facts.since)),
    source(kinds.sessionRate, 'pool_session_creation_rate', 'Sessions that are opened', () =>
      around(facts, 'session rate', 0.01, 0.5),
    ),
    source(kinds.migrationRate, 'pool_vgpu_migration_rate', 'VMs with virtual GPUs that migrate', () =>
      constant(0, facts.since),
    ),
  ];
}

const groupSources = (facts: HostFacts, group: string): Source[] => [
  source(kinds.tokens, `group_${group}_tokens`, `Tokens that clients of group ${group} spend`, () =>
    around(facts, `tokens ${group}`, 0, 20),
  ),
  source(kinds.calls, `group_${group}_calls`, `Calls of clients of group ${group}`, () =>
    around(facts, `calls ${group}`, 0, 5),
  ),
];

/** At rest, and what each CPU adds at full load. */
const restWatts = 110;
const cpuWatts = 3.2;
const power = ({ since }: HostFacts, cpus: readonly Figure[]): Figure => ({
  since,
  terms: [{ weight: restWatts }, ...cpus.map((c) => times(cpuWatts, c))],
});

function haSources(facts: HostFacts): Source[] {
  const { statefiles } = facts;
  if (!statefiles) return [];
  const latency = (name: string, most: number): Source =>
    source(kinds.latency, name, `How long ${name.split('/')[0]} takes to answer`, () =>
      around(facts, name, most / 20, most),
    );
  return [
    ...statefiles.map((id) => latency(`statefile/${id}/latency`, 0.4)),
    latency('network/latency', 0.02),
    latency('xapi_healthcheck/latency', 0.8),
  ];
}

/** Idle states share the idle time, performance states the busy time; the clock follows the load. */
const idleParts = [0.15, 0.25, 0.6];
const busyParts = [0.7, 0.2, 0.1];

function cpuStates({ since, cpuMhz }: HostFacts, cpu: Figure, i: number): Source[] {
  const unrecorded = optional(kinds.fraction);
  const state = (name: string, text: string, terms: readonly Term[]): Source =>
    source(unrecorded, `cpu${i}-${name}`, text, () => ({ since, terms }));
  return [
    state('C0', `CPU ${i} is awake`, [times(1, cpu)]),
    ...idleParts.map((part, n) =>
      state(`C${n + 1}`, `CPU ${i} is in idle state ${n + 1}`, [{ weight: part }, times(-part, cpu)]),
    ),
    ...busyParts.map((part, n) =>
      state(
        `P${n}`,
        `CPU ${i} is in performance state ${n}`,
        n === 0 ? [{ weight: 1 - part }, times(2 * part - 1, cpu)] : otherState(n, part, cpu),
      ),
    ),
    source(optional(kinds.megahertz), `CPU${i}-avg-freq`, `Mean clock of CPU ${i}`, () => ({
      since,
      terms: [{ weight: cpuMhz * 0.6 }, times(cpuMhz * 0.4, cpu)],
    })),
  ];
}
/** All that is not in the first state, in the proportion of the others. */
function otherState(n: number, part: number, cpu: Figure): Term[] {
  const [first = 0, ...others] = busyParts;
  const share = part / others.reduce((a, b) => a + b, 0);
  return n > 0 ? [{ weight: share * first }, times(-share * (2 * first - 1), cpu)] : [];
}
