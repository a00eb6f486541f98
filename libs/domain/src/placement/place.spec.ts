import fc from 'fast-check';
import {
  explain,
  filters,
  leastLoaded,
  noHostError,
  place,
  type Candidate,
  type Guest,
} from '@xenplane/domain';
import { guestWith, hostWith } from '../fixtures/pool';

const GiB = 2 ** 30;
const host = (n: number, more: Partial<Candidate> = {}): Candidate =>
  hostWith(`h${n}`, {
    uuid: String(n).padStart(4, '0'),
    memoryFree: 64 * GiB,
    memoryTotal: 64 * GiB,
    pcpus: 32,
    ...more,
  });
const guest = (more: Partial<Guest> = {}): Guest =>
  guestWith('vm', { memoryBytes: 4 * GiB, vcpus: 2, ...more });
const best = (hosts: readonly Candidate[], g = guest()): string | undefined =>
  place(leastLoaded, g, hosts).ranked[0]?.host.ref;

test.each([
  [
    'the host with most free memory',
    [host(1, { memoryFree: 10 * GiB }), host(2, { memoryFree: 20 * GiB })],
    'h2',
  ],
  [
    'with equal memory the one with fewer vCPUs placed',
    [host(1, { vcpusPlaced: 4 }), host(2, { vcpusPlaced: 2 })],
    'h2',
  ],
  ['with all equal the one with fewer VMs', [host(1, { vmsPlaced: 2 }), host(2)], 'h2'],
  ['with nothing between them the first by uuid', [host(2), host(1)], 'h1'],
])('chooses %s', (_what, hosts, chosen) => expect(best(hosts)).toBe(chosen));

test('affinity wins when the host can take it, and only then', () => {
  expect(best([host(1), host(2, { memoryFree: 8 * GiB })], guest({ affinity: 'h2' }))).toBe('h2');
  expect(best([host(1), host(2, { memoryFree: 1 * GiB })], guest({ affinity: 'h2' }))).toBe('h1');
});

test.each([
  ['HOST_DISABLED', { enabled: false }],
  ['HOST_NOT_LIVE', { live: false }],
  ['VM_HVM_REQUIRED', { hvmCapable: false }],
  ['VM_REQUIRES_SR', { srs: new Set<string>() }],
  ['VM_REQUIRES_NETWORK', { networks: new Set<string>() }],
  ['HOST_NOT_ENOUGH_FREE_MEMORY', { memoryFree: GiB }],
  ['HOST_NOT_ENOUGH_PCPUS', { pcpus: 3 }],
])('says %s of a host that cannot', (code, more) => {
  const { ranked, rejected } = place(leastLoaded, guest({ vcpusMax: 4 }), [host(1, more)]);
  expect([ranked.length, rejected.get('h1')?.[0]]).toEqual([0, code]);
});

test.each<[string, Partial<Guest>, readonly string[] | undefined]>([
  ['a PCI device', { pcis: ['0000:81:00.0'] }, ['VM_REQUIRES_IOMMU', 'h1']],
  [
    'a whole GPU',
    { gpus: [{ vgpu: 'v', group: 'g', type: 't', passthrough: true, packed: false }] },
    ['VM_REQUIRES_IOMMU', 'h1'],
  ],
  [
    'a share of a GPU',
    { gpus: [{ vgpu: 'v', group: 'g', type: 't', passthrough: false, packed: false }] },
    undefined,
  ],
  ['neither', {}, undefined],
])('a guest with %s on a host without IOMMU', (_what, more, reason) => {
  expect(filters.iommu(guest(more), host(1, { hasIommu: false }))).toEqual(reason);
  expect(filters.iommu(guest(more), host(1))).toBeUndefined();
});

test('names memory when nothing else is in the way, with the most that there is', () => {
  const short = place(leastLoaded, guest(), [
    host(1, { memoryFree: GiB }),
    host(2, { memoryFree: 2 * GiB }),
    host(3, { enabled: false }),
  ]);
  expect(noHostError(short).description).toEqual([
    'HOST_NOT_ENOUGH_FREE_MEMORY',
    String(4 * GiB),
    String(2 * GiB),
  ]);
  expect(noHostError(place(leastLoaded, guest(), [host(1, { srs: new Set() })])).description).toEqual([
    'NO_HOSTS_AVAILABLE',
  ]);
});

test('names CPUs when all hosts that are there have too few, with the most that one has', () => {
  const wide = guest({ vcpusMax: 100 });
  const few = place(leastLoaded, wide, [host(1), host(2, { pcpus: 64 }), host(3, { live: false })]);
  expect(noHostError(few).description).toEqual(['HOST_NOT_ENOUGH_PCPUS', '100', '64']);
  expect(noHostError(place(leastLoaded, wide, [host(1), host(2, { memoryFree: 0 })])).description).toEqual([
    'NO_HOSTS_AVAILABLE',
  ]);
  expect(place(leastLoaded, guest(), [host(1, { pcpus: 1 })]).ranked).toHaveLength(1);
});

test('explains itself', () => {
  const placement = place(leastLoaded, guest(), [
    host(1),
    host(2, { enabled: false }),
    host(3, { enabled: false }),
  ]);
  expect(explain(placement, 'h1')).toMatchObject({
    policy: 'least-loaded',
    chosen: 'h1',
    possible: 1,
    rejected: { HOST_DISABLED: { hosts: 2, example: 'h2' } },
  });
});

/** Places guests one after the other, as a scheduler would. */
function fill(hosts: readonly Candidate[], guests: number): Map<string, number> {
  const now = new Map(hosts.map((h) => [h.ref, h]));
  for (let i = 0; i < guests; i += 1) {
    const chosen = place(leastLoaded, guest(), [...now.values()]).ranked[0]?.host;
    if (chosen)
      now.set(chosen.ref, {
        ...chosen,
        memoryFree: chosen.memoryFree - 4 * GiB,
        vcpusPlaced: chosen.vcpusPlaced + 2,
        vmsPlaced: chosen.vmsPlaced + 1,
      });
  }
  return new Map([...now].map(([ref, h]) => [ref, h.vmsPlaced]));
}
test('fills equal hosts within one VM of one another', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 60 }), (hosts, guests) => {
      const placed = [
        ...fill(
          Array.from({ length: hosts }, (_, i) => host(i)),
          guests,
        ).values(),
      ];
      return Math.max(...placed) - Math.min(...placed) <= 1;
    }),
  );
});
test('never places where a filter refuses, and does not depend on the order of the hosts', () => {
  const any = fc.array(
    fc.record({
      enabled: fc.boolean(),
      live: fc.boolean(),
      memoryFree: fc.integer({ min: 0, max: 64 }).map((n) => n * GiB),
      vcpusPlaced: fc.nat(64),
    }),
    { minLength: 1, maxLength: 8 },
  );
  fc.assert(
    fc.property(any, (list) => {
      const hosts = list.map((more, i) => host(i, more));
      const { ranked, rejected } = place(leastLoaded, guest(), hosts);
      const same = place(leastLoaded, guest(), [...hosts].reverse()).ranked.map((r) => r.host.ref);
      expect(ranked.map((r) => r.host.ref)).toEqual(same);
      expect(ranked.length + rejected.size).toBe(hosts.length);
      for (const { host: h } of ranked)
        expect([h.enabled, h.live, h.memoryFree >= 4 * GiB]).toEqual([true, true, true]);
    }),
  );
});
