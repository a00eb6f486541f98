import fc from 'fast-check';
import { rrd } from '@xenplane/domain';
import type { VmFacts } from '../../metrics';
import facts from './data-sources.json';
import { hostSources, shareOf } from './host-sources';
import { loadOf, storageOf, type Storage } from './load';
import { vmFigures, vmSources, type VmFigures } from './vm-sources';

const { Sheet, archives } = rrd;
const cfs: readonly rrd.Consolidation[] = ['AVERAGE', 'MIN', 'MAX', 'LAST'];
const GiB = 2 ** 30;
const now = 1_790_000_123;

const column = (
  figure: rrd.Figure,
  step: number,
  end: number,
  rows: number,
  cf: rrd.Consolidation,
): number[] => [...new Sheet({ step, end, rows }, cf).column(figure)];

const srs = ['aaaaaaaa-1', 'bbbbbbbb-2'];
const vmFacts = fc.record({
  uuid: fc.uuid(),
  isControlDomain: fc.constant(false),
  vcpus: fc.integer({ min: 1, max: 8 }),
  memoryBytes: fc.constant(4 * GiB),
  targetBytes: fc.constant(4 * GiB),
  dynamicMinBytes: fc.constant(2 * GiB),
  dynamicMaxBytes: fc.constant(4 * GiB),
  since: fc.integer({ min: 0, max: 1000 }).map((slots) => 5 * Math.floor(now / 5) - 5 * slots),
  hasAgent: fc.boolean(),
  nics: fc.constant([{ device: '0', through: [{ device: 'eth0', part: 1 }] }]),
  disks: fc.constantFrom(
    [{ device: 'xvda', sr: srs[0] }],
    [
      { device: 'xvda', sr: srs[1] },
      { device: 'xvdd', sr: undefined },
    ],
  ),
});
const storages = new Map(srs.map((sr) => [sr, storageOf(sr)]));
const storage = (sr: string): Storage => storages.get(sr) ?? storageOf(sr);

function hostOf(
  vms: readonly VmFacts[],
  cpus: number,
): { readonly vms: readonly VmFigures[]; readonly sources: Map<string, rrd.Source> } {
  const share = shareOf(
    cpus,
    vms.reduce((n, vm) => n + vm.vcpus, 0),
  );
  const figures = vms.map((vm) => vmFigures(vm, loadOf(vm.uuid, false), storage, share));
  const facts = {
    uuid: 'host',
    cpus,
    cpuMhz: 2450,
    memoryTotalBytes: 256 * GiB,
    memoryFreeBytes: 100 * GiB,
    since: 0,
    pifs: [
      { device: 'eth0', physical: true },
      { device: 'eth1', physical: true },
    ],
    srs: srs.map((uuid) => ({ uuid, cache: true })),
    pool: { sessions: 3, tasks: 2 },
    statefiles: ['s'],
    callerGroups: ['g'],
  };
  return { vms: figures, sources: new Map(hostSources({ facts, vms: figures }).map((s) => [s.name, s])) };
}

test('every metric keeps within its bounds at every step, and its names are its own', () => {
  fc.assert(
    fc.property(
      fc.array(vmFacts, { maxLength: 6 }),
      fc.constantFrom(4, 64),
      fc.constantFrom(...cfs),
      (vms, cpus, cf) => {
        const host = hostOf(vms, cpus);
        const [first] = host.vms;
        const lists = [
          [...host.sources.values()],
          first ? vmSources(first, loadOf(first.facts.uuid, false)) : [],
        ];
        for (const list of lists) {
          expect(new Set(list.map((s) => s.name)).size).toBe(list.length);
          for (const { seconds } of archives) {
            const sheet = new Sheet({ step: seconds, end: Math.floor(now / seconds) * seconds, rows: 3 }, cf);
            for (const s of list) {
              const wrong = [...sheet.column(s.figure())].filter(
                (v) => v < s.min - 1e-9 || v > s.max * (1 + 1e-9),
              );
              expect([s.name, cf, seconds, ...wrong]).toEqual([s.name, cf, seconds]);
            }
          }
        }
      },
    ),
    { numRuns: 12 },
  );
});

test('a host is the sum of its VMs: CPUs, traffic, disks, memory, at any step', () => {
  fc.assert(
    fc.property(
      fc.array(vmFacts, { minLength: 1, maxLength: 6 }),
      fc.constantFrom(5, 60, 3600),
      (vms, step) => {
        const { vms: figures, sources } = hostOf(vms, 64);
        const sheet = new Sheet({ step, end: Math.floor(now / step) * step, rows: 4 }, 'AVERAGE');
        const host = (name: string): Float64Array =>
          sheet.column(sources.get(name)?.figure() ?? rrd.constant(Number.NaN));
        const sumOf = (of: (vm: VmFigures) => rrd.Figure[]): number[] =>
          [0, 1, 2, 3].map((i) =>
            figures
              .flatMap((vm) =>
                of(vm).map(
                  (f) => sheet.column({ terms: [{ weight: 1, of: f, since: vm.facts.since }] })[i] ?? 0,
                ),
              )
              .reduce((a, b) => a + b, 0),
          );
        const guests = sumOf((vm) => [...vm.cpus]);
        host('cpu_avg').forEach((v, i) => {
          expect(v * 64).toBeGreaterThanOrEqual((guests[i] ?? 0) - 1e-9);
          expect(v * 64).toBeLessThanOrEqual((guests[i] ?? 0) + 0.02 * 64);
        });
        const received = sumOf((vm) => vm.nics.map((n) => n.rx));
        host('pif_eth0_rx').forEach((v, i) => expect(v - (received[i] ?? 0)).toBeGreaterThan(300));
        expect(host('pif_eth1_rx')).toEqual(new Float64Array(4));
        for (const sr of srs) {
          const reads = sumOf((vm) => vm.disks.filter((d) => d.facts.sr === sr).map((d) => d.read));
          host(`read_${sr.slice(0, 8)}`).forEach((v, i) => expect(v).toBeCloseTo(reads[i] ?? 0, 3));
          const felt = figures.flatMap((vm) =>
            vmSources(vm, loadOf(vm.facts.uuid, false)).filter(
              (s) => s.name === 'vbd_xvda_latency' && vm.disks[0]?.facts.sr === sr,
            ),
          );
          const most = Math.max(
            0,
            ...felt.map((s) => sheet.column(s.figure())[3] ?? 0).filter((v) => !Number.isNaN(v)),
          );
          if (felt.length === vms.length && vms.every((vm) => vm.since <= now - 2 * step))
            expect(host(`latency_${sr.slice(0, 8)}`)[3]).toBeCloseTo(most, 6);
        }
        // A source that began at the very end has nothing in the last row.
        const before = vms
          .filter((vm) => vm.since === Math.floor(now / 5) * 5)
          .reduce((sum, vm) => sum + vm.memoryBytes, 100 * GiB);
        if (step === 5) expect(host('memory_free_kib')[3]).toBeCloseTo(before / 1024, 3);
      },
    ),
    { numRuns: 25 },
  );
});

test('a week has a day and a night', () => {
  const busy = Array.from({ length: 40 }, (_, i) => `vm-${i}`)
    .map((uuid) => loadOf(uuid, false))
    .find((l) => l.work.swing.hour > 0.6);
  const day = column(
    {
      terms: [
        rrd.times(
          1,
          busy?.wave('cpu0') ?? { seed: 0, swing: { slot: 0, minute: 0, hour: 0, day: 0 }, shiftHours: 0 },
        ),
      ],
    },
    3600,
    20_001 * 86_400,
    24,
    'AVERAGE',
  );
  expect(Math.max(...day) / Math.min(...day)).toBeGreaterThan(2);
});

test('a year of days costs no more than as many rows', () => {
  const wave = loadOf('vm', false).wave('cpu0');
  let factors = 0;
  const counted = {
    ...wave,
    get seed(): number {
      factors += 1;
      return wave.seed;
    },
  };
  column({ terms: [rrd.times(1, counted)] }, 86_400, 20_000 * 86_400, 366, 'AVERAGE');
  expect(factors).toBe(366);
});

/** Placeholders of the facts: numbers, devices, uuids and other names. */
const pattern = (name: string): RegExp =>
  new RegExp(
    `^${name
      .replace(/<N>|<i>/g, '\\d+')
      .replace('<dev>', '(eth|xvd)[\\da-z]')
      .replace('<sr8>', '[ab]{8}')
      .replace(/<[^>]+>/, '[^/]+')}$`,
  );
/** The metric of a plugin that most hosts do not run: there, but recorded only when somebody asks. */
const unrecorded = /^(cpu<N>-[CP]<i>|CPU<N>-avg-freq)$/;
type Fact = readonly [
  name: string,
  units: string,
  type: string,
  standard: boolean,
  min: number | null,
  max: number | null,
];

test.each(['host', 'vm'] as const)(
  'the metrics of a %s are those of xapi, each of the same kind',
  (owner) => {
    const vm = {
      uuid: 'v',
      isControlDomain: false,
      vcpus: 2,
      memoryBytes: GiB,
      targetBytes: GiB,
      dynamicMinBytes: GiB,
      dynamicMaxBytes: GiB,
      since: 0,
      hasAgent: true,
      nics: [{ device: '0', through: [] }],
      disks: [{ device: 'xvda', sr: srs[0] }],
    };
    const { vms, sources } = hostOf([vm], 2);
    const [first] = vms;
    const list = owner === 'host' ? [...sources.values()] : first ? vmSources(first, loadOf('v', false)) : [];
    const known = (facts[owner] as unknown[]).map((f) => f as Fact);
    expect(known.length).toBeGreaterThan(30);
    for (const [name, units, type, standard, min, max] of known) {
      const found = list.filter((s) => pattern(name).test(s.name));
      const kind = {
        units,
        type,
        standard: standard && !unrecorded.test(name),
        min: min ?? -Infinity,
        max: max ?? Infinity,
      };
      expect({
        name,
        found: found.length > 0,
        kinds: found.map((s) => ({
          units: s.units,
          type: s.type,
          standard: s.standard,
          min: s.min,
          max: s.max,
        })),
      }).toEqual({
        name,
        found: true,
        kinds: found.map(() => kind),
      });
    }
    expect(
      list.filter((s) => !known.some(([name]) => pattern(name).test(s.name))).map((s) => s.name),
    ).toEqual([]);
  },
);
