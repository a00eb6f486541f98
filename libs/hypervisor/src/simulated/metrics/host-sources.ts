/** The metrics of a host: the sums of what its VMs do, and a little of its own. */
import { rrd } from '@xenplane/domain';
import type { HostFacts } from '../../metrics';
import { hostPlugins } from './host-plugins';
import { hostWave } from './load';
import {
  bothPart,
  queuePart,
  readPart,
  transfers,
  writePart,
  type DiskFigures,
  type VmFigures,
} from './vm-sources';

const { chance, constant, kinds, scaled, seedOf, source, times } = rrd;
type Figure = rrd.Figure;
type Source = rrd.Source;
type Term = rrd.Term;

export interface HostFigures {
  readonly facts: HostFacts;
  readonly vms: readonly VmFigures[];
}

/** No more of a host's CPUs than this goes to VMs; what is above is its own. */
const guestPart = 0.75;
/** The share of each vCPU when there are more of them than CPUs. */
export const shareOf = (cpus: number, vcpus: number): number =>
  Math.min(1, (guestPart * cpus) / Math.max(1, vcpus));

const ownPart = 0.02;
/** A term for each VM, from its start on. */
export const each = (
  vms: readonly VmFigures[],
  weight: (vm: VmFigures) => number,
  of?: (vm: VmFigures) => Figure,
): Term[] => vms.map((vm) => ({ weight: weight(vm), since: vm.facts.since, ...(of ? { of: of(vm) } : {}) }));

export function hostSources({ facts, vms }: HostFigures): Source[] {
  const cpus = cpuFigures(facts, vms);
  const { since } = facts;
  const load = (): Figure => ({
    since,
    terms: [{ weight: 0.02 }, times(0.4, hostWave(facts.uuid, 'loadavg'))],
  });
  const average = (): Figure => ({ since, terms: cpus.map((c) => times(1 / facts.cpus, c)) });
  return [
    ...cpus.map((figure, i) => source(kinds.fraction, `cpu${i}`, `How busy CPU ${i} is`, () => figure)),
    source(kinds.fraction, 'cpu_avg', 'How busy all CPUs are together', average),
    source(kinds.load, 'loadavg', 'Load of the control domain', load),
    source(kinds.hostload, 'hostload', 'vCPUs that run or want to run, against CPUs', average),
    ...counts(facts, vms),
    ...memory(facts, vms),
    ...facts.pifs.flatMap(({ device }) => pifSources(facts, vms, device)),
    ...pifTotals(facts, vms),
    ...facts.srs.flatMap(({ uuid }) => srSources(facts, vms, uuid)),
    ...hostPlugins(facts, cpus),
  ];
}

/** Each CPU has its part of what all VMs take, the parts being of mean 1, and some work of its own. */
function cpuFigures({ uuid, cpus, since }: HostFacts, vms: readonly VmFigures[]): Figure[] {
  const total: Figure = {
    terms: each(
      vms,
      (vm) => vm.facts.vcpus,
      (vm) => vm.cpuUsage,
    ),
  };
  const raw = Array.from({ length: cpus }, (_, i) => 0.85 + 0.3 * chance(seedOf(uuid, 'cpus'), i));
  const sum = raw.reduce((a, b) => a + b, 0);
  return raw.map((part, i) => ({
    since,
    terms: [times(part / sum, total), times(ownPart, hostWave(uuid, `cpu${i}`))],
  }));
}

function counts({ since }: HostFacts, vms: readonly VmFigures[]): Source[] {
  const count = (weight: (vm: VmFigures) => number) => (): Figure => ({ since, terms: each(vms, weight) });
  return [
    source(
      kinds.count,
      'running_vcpus',
      'vCPUs of all running VMs',
      count((vm) => vm.facts.vcpus),
    ),
    source(
      kinds.count,
      'running_domains',
      'Running VMs, the control domain among them',
      count(() => 1),
    ),
  ];
}

const KiB = 1024;
function memory(
  { since, memoryTotalBytes, memoryFreeBytes }: HostFacts,
  vms: readonly VmFigures[],
): Source[] {
  const guests = vms.filter((vm) => !vm.facts.isControlDomain);
  const held = guests.reduce((sum, vm) => sum + vm.facts.memoryBytes, 0);
  const free: Figure = {
    since,
    terms: [{ weight: (memoryFreeBytes + held) / KiB }, ...each(guests, (vm) => -vm.facts.memoryBytes / KiB)],
  };
  const reclaimed = (of: (vm: VmFigures) => number) => (): Figure => ({ since, terms: each(guests, of) });
  return [
    source(kinds.kib, 'memory_total_kib', 'Memory of the host', () =>
      constant(memoryTotalBytes / KiB, since),
    ),
    source(kinds.kib, 'memory_free_kib', 'Memory that nothing holds', () => free),
    source(
      kinds.reclaimed,
      'memory_reclaimed',
      'Memory taken back from VMs by ballooning',
      reclaimed((vm) => Math.max(0, vm.facts.dynamicMaxBytes - vm.facts.targetBytes)),
    ),
    source(
      kinds.reclaimed,
      'memory_reclaimed_max',
      'Memory that could be taken back from VMs by ballooning',
      reclaimed((vm) => Math.max(0, vm.facts.targetBytes - vm.facts.dynamicMinBytes)),
    ),
  ];
}

type Way = 'rx' | 'tx';
/** The traffic of the VMs behind an interface, and on the first of all the host's own. */
function traffic(
  { uuid, pifs, since }: HostFacts,
  vms: readonly VmFigures[],
  device: string,
  way: Way,
): Figure {
  const carried = vms.flatMap((vm) =>
    vm.nics.flatMap((n) =>
      n.facts.through
        .filter((t) => t.device === device)
        .map(({ part }): Term => ({ weight: part, of: n[way], since: vm.facts.since })),
    ),
  );
  const own =
    pifs[0]?.device === device ? [{ weight: 400 }, times(60e3, hostWave(uuid, `${device} ${way}`))] : [];
  return { since, terms: [...own, ...carried] };
}

function pifSources(facts: HostFacts, vms: readonly VmFigures[], device: string): Source[] {
  const none = (): Figure => constant(0, facts.since);
  return [
    source(kinds.rate, `pif_${device}_rx`, `Bytes received through ${device}`, () =>
      traffic(facts, vms, device, 'rx'),
    ),
    source(kinds.rate, `pif_${device}_tx`, `Bytes sent through ${device}`, () =>
      traffic(facts, vms, device, 'tx'),
    ),
    source(kinds.errors, `pif_${device}_rx_errors`, `Packets lost on the way in through ${device}`, none),
    source(kinds.errors, `pif_${device}_tx_errors`, `Packets lost on the way out through ${device}`, none),
  ];
}
function pifTotals(facts: HostFacts, vms: readonly VmFigures[]): Source[] {
  const all = (way: Way) => (): Figure => ({
    since: facts.since,
    terms: facts.pifs
      .filter((p) => p.physical)
      .map(({ device }) => times(1, traffic(facts, vms, device, way))),
  });
  return [
    source(kinds.rate, 'pif_aggr_rx', 'Bytes received through all interfaces', all('rx')),
    source(kinds.rate, 'pif_aggr_tx', 'Bytes sent through all interfaces', all('tx')),
  ];
}

const firstChars = 8;
interface DiskThere {
  readonly disk: DiskFigures;
  readonly since: number;
}

function srSources({ since }: HostFacts, vms: readonly VmFigures[], sr: string): Source[] {
  const there = vms.flatMap((vm) =>
    vm.disks.filter((d) => d.facts.sr === sr).map((disk): DiskThere => ({ disk, since: vm.facts.since })),
  );
  const short = sr.slice(0, firstChars),
    of = `repository ${short}`;
  const sum = (which: 'read' | 'write' | 'wait') => (): Figure => ({
    since,
    terms: there.map((t) => ({ weight: 1, of: t.disk[which], since: t.since })),
  });
  const most = (which: 'latencyMicros' | 'queue', part: number) => (): Figure =>
    mostTouched(there, which, part, since);
  return [
    source(kinds.rate, `read_${short}`, `Bytes read from ${of}`, sum('read')),
    source(kinds.rate, `write_${short}`, `Bytes written to ${of}`, sum('write')),
    source(
      kinds.micros,
      `read_latency_${short}`,
      `Time that reads from ${of} take`,
      most('latencyMicros', readPart),
    ),
    source(
      kinds.micros,
      `write_latency_${short}`,
      `Time that writes to ${of} take`,
      most('latencyMicros', writePart),
    ),
    ...transfers((what) => `${what}_${short}`, of, { read: sum('read'), write: sum('write') }),
    source(kinds.iowait, `iowait_${short}`, `Time spent waiting for ${of}`, sum('wait')),
    source(kinds.requests, `inflight_${short}`, `Requests to ${of} under way`, () => underWay(there, since)),
    source(
      kinds.micros,
      `latency_${short}`,
      `Time that requests to ${of} take`,
      most('latencyMicros', bothPart),
    ),
    source(
      kinds.requests,
      `avgqu_sz_${short}`,
      `Mean length of the queue of ${of}`,
      most('queue', queuePart),
    ),
  ];
}

const underWay = (there: readonly DiskThere[], since: number): Figure => ({
  since,
  terms: there.flatMap(({ disk, since: from }): Term[] =>
    disk.storage ? [{ weight: disk.touch, of: disk.storage.queue, since: from }] : [],
  ),
});

/** The greatest over the disks. All feel the same repository, so that is what the most touched of those there feels: each that is more so adds the difference. */
function mostTouched(
  there: readonly DiskThere[],
  which: 'latencyMicros' | 'queue',
  part: number,
  since: number,
): Figure {
  let felt = 0;
  const terms = [...there]
    .sort((a, b) => a.since - b.since)
    .flatMap(({ disk, since: from }): Term[] => {
      if (!disk.storage || disk.touch <= felt) return [];
      const more = disk.touch - felt;
      felt = disk.touch;
      return [{ weight: more, of: disk.storage[which], since: from }];
    });
  return scaled(part, { since, terms });
}
