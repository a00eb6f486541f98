/** The metrics of a VM, from what its records say and the work that it does. */
import { rrd } from '@xenplane/domain';
import type { DiskFacts, NicFacts, VmFacts } from '../../metrics';
import type { Load, Storage } from './load';

const { constant, kinds, scaled, source, times } = rrd;
type Figure = rrd.Figure;
type Source = rrd.Source;

/** A running VM with the figures that its host's are made of. */
export interface VmFigures {
  readonly facts: VmFacts;
  readonly cpus: readonly Figure[];
  readonly cpuUsage: Figure;
  readonly nics: readonly { readonly facts: NicFacts; readonly rx: Figure; readonly tx: Figure }[];
  readonly disks: readonly DiskFigures[];
}
export interface DiskFigures {
  readonly facts: DiskFacts;
  readonly read: Figure;
  readonly write: Figure;
  readonly wait: Figure;
  /** How much of its repository's latency and queue it feels, from 0 to 1. */
  readonly touch: number;
  readonly storage: Storage | undefined;
}

/** `share`: the part of a CPU that each vCPU can have on its host. */
export function vmFigures(
  facts: VmFacts,
  load: Load,
  storage: (sr: string) => Storage,
  share: number,
): VmFigures {
  const { since } = facts;
  const varying = (name: string, least: number, most: number): Figure => ({
    since,
    terms: [{ weight: least }, times(most, load.wave(name))],
  });
  const { cpu, network, disk } = load.work;
  const cpus = Array.from({ length: facts.vcpus }, (_, i) =>
    varying(`cpu${i}`, 0.002 * share, share * load.between(`cpu${i}`, ...cpu)),
  );
  const rate = (name: string, most: number): Figure =>
    varying(name, most / 500, load.between(name, most / 4, most));
  return {
    facts,
    cpus,
    cpuUsage: { since, terms: cpus.map((c) => times(1 / facts.vcpus, c)) },
    nics: facts.nics.map((nic) => ({
      facts: nic,
      rx: rate(`rx ${nic.device}`, network),
      tx: rate(`tx ${nic.device}`, network / 2),
    })),
    disks: facts.disks.map((d) => ({
      facts: d,
      read: d.sr === undefined ? constant(0, since) : rate(`read ${d.device}`, disk),
      write: d.sr === undefined ? constant(0, since) : rate(`write ${d.device}`, disk),
      wait: d.sr === undefined ? constant(0, since) : varying(`wait ${d.device}`, 0, 0.05),
      touch: load.between(`touch ${d.device}`, 0.6, 1),
      storage: d.sr === undefined ? undefined : storage(d.sr),
    })),
  };
}

const KiB = 1024,
  MiB = 2 ** 20;
const requestBytes = 16 * KiB;

export function vmSources(figures: VmFigures, load: Load): Source[] {
  const { facts, cpus, cpuUsage, nics, disks } = figures;
  const fixed = (value: number) => (): Figure => constant(value, facts.since);
  const free = {
    since: facts.since,
    terms: [
      { weight: (0.15 * facts.memoryBytes) / KiB },
      times((0.6 * facts.memoryBytes) / KiB, load.wave('free')),
    ],
  };
  return [
    ...cpus.map((figure, i) => source(kinds.fraction, `cpu${i}`, `How busy vCPU ${i} is`, () => figure)),
    source(kinds.fraction, 'cpu_usage', 'How busy all vCPUs are together', () => cpuUsage),
    source(kinds.bytes, 'memory', 'Memory that the VM holds', fixed(facts.memoryBytes)),
    source(kinds.bytes, 'memory_target', 'Memory that the VM was told to hold', fixed(facts.targetBytes)),
    ...(facts.hasAgent
      ? [
          source(
            kinds.kib,
            'memory_internal_free',
            'Memory unused inside the guest, as its agent says',
            () => free,
          ),
        ]
      : []),
    ...nics.flatMap((nic) => nicSources(nic, facts.since)),
    ...disks.flatMap((d) => diskSources(d, facts.since)),
    ...runStates(cpuUsage, facts),
  ];
}

function nicSources({ facts: { device }, rx, tx }: VmFigures['nics'][number], since: number): Source[] {
  const none = (): Figure => constant(0, since);
  return [
    source(kinds.rate, `vif_${device}_tx`, `Bytes sent through interface ${device}`, () => tx),
    source(kinds.rate, `vif_${device}_rx`, `Bytes received through interface ${device}`, () => rx),
    source(
      kinds.errors,
      `vif_${device}_rx_errors`,
      `Packets lost on the way in through interface ${device}`,
      none,
    ),
    source(
      kinds.errors,
      `vif_${device}_tx_errors`,
      `Packets lost on the way out through interface ${device}`,
      none,
    ),
  ];
}

/** Reads, writes, their sum and what follows from them, for a disk or for all disks of a repository. */
export function transfers(
  name: (what: string) => string,
  of: string,
  { read, write }: { read: () => Figure; write: () => Figure },
): Source[] {
  const total = (unit: number) => (): Figure => {
    const both = [read(), write()];
    const since = both[0]?.since;
    return { terms: both.map((b) => times(1 / unit, b)), ...(since === undefined ? {} : { since }) };
  };
  const per = (unit: number, figure: () => Figure) => (): Figure => scaled(1 / unit, figure());
  return [
    source(kinds.throughput, name('io_throughput_read'), `Data read from ${of}`, per(MiB, read)),
    source(kinds.throughput, name('io_throughput_write'), `Data written to ${of}`, per(MiB, write)),
    source(kinds.throughput, name('io_throughput_total'), `Data read from and written to ${of}`, total(MiB)),
    source(kinds.iops, name('iops_read'), `Read requests to ${of}`, per(requestBytes, read)),
    source(kinds.iops, name('iops_write'), `Write requests to ${of}`, per(requestBytes, write)),
    source(kinds.iops, name('iops_total'), `Requests to ${of}`, total(requestBytes)),
  ];
}

function diskSources({ facts, read, write, wait, touch, storage }: DiskFigures, since: number): Source[] {
  const { device } = facts,
    of = `disk ${device}`;
  const felt = (part: number, figure: Figure | undefined) => (): Figure =>
    figure ? { since, terms: [times(part * touch, figure)] } : constant(0, since);
  return [
    source(kinds.rate, `vbd_${device}_read`, `Bytes read from ${of}`, () => read),
    source(kinds.rate, `vbd_${device}_write`, `Bytes written to ${of}`, () => write),
    source(
      kinds.micros,
      `vbd_${device}_read_latency`,
      `Time that reads from ${of} take`,
      felt(readPart, storage?.latencyMicros),
    ),
    source(
      kinds.micros,
      `vbd_${device}_write_latency`,
      `Time that writes to ${of} take`,
      felt(writePart, storage?.latencyMicros),
    ),
    ...transfers((what) => `vbd_${device}_${what}`, of, { read: () => read, write: () => write }),
    source(kinds.iowait, `vbd_${device}_iowait`, `Time spent waiting for ${of}`, () => wait),
    source(kinds.requests, `vbd_${device}_inflight`, `Requests to ${of} under way`, felt(1, storage?.queue)),
    source(
      kinds.micros,
      `vbd_${device}_latency`,
      `Time that requests to ${of} take`,
      felt(bothPart, storage?.latencyMicros),
    ),
    source(
      kinds.requests,
      `vbd_${device}_avgqu_sz`,
      `Mean length of the queue of ${of}`,
      felt(queuePart, storage?.queue),
    ),
  ];
}
/** Reads and writes against the latency of their repository; a mean queue against the requests under way. */
export const readPart = 0.8;
export const writePart = 1;
export const bothPart = 0.9;
export const queuePart = 0.5;

/** The shares of a domain's time by state; together with the idle part they make 1. */
const busyStates = [
  ['runstate_fullrun', 0.8, 'All vCPUs run'],
  ['runstate_full_contention', 0.01, 'All vCPUs wait for a CPU'],
  ['runstate_concurrency_hazard', 0.03, 'Some vCPUs run and others wait for a CPU'],
  ['runstate_partial_run', 0.15, 'Some vCPUs run, the others are idle'],
  ['runstate_partial_contention', 0.01, 'Some vCPUs wait for a CPU, the others are idle'],
  ['runnable_any', 0.05, 'At least one vCPU waits for a CPU'],
  ['runnable_vcpus', 0.02, 'Part of the vCPUs that wait for a CPU'],
] as const;

function runStates(usage: Figure, { since, memoryBytes }: VmFacts): Source[] {
  const unrecorded = { ...kinds.fraction, standard: false };
  const idle = (): Figure => ({ since, terms: [{ weight: 1 }, times(-1, usage)] });
  return [
    ...busyStates.map(([name, part, text]) =>
      source(unrecorded, name, text, () => ({ since, terms: [times(part, usage)] })),
    ),
    source(unrecorded, 'runstate_blocked', 'All vCPUs are idle', idle),
    source(unrecorded, 'numa_node_nonaffine_vcpus', 'Part of the vCPUs that run away from their memory', () =>
      constant(0, since),
    ),
    source({ ...kinds.count, standard: false }, 'numa_nodes', 'NUMA nodes that hold memory of the VM', () =>
      constant(1, since),
    ),
    source({ ...kinds.bytes, standard: false }, 'memory_numa_node_0', 'Memory of the VM on NUMA node 0', () =>
      constant(memoryBytes, since),
    ),
  ];
}
