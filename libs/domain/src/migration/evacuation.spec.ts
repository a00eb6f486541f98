import fc from 'fast-check';
import { guestWith, hostWith } from '../fixtures/pool';
import type { Candidate, Guest } from '../placement/place';
import { hasFeatures, refuseCpu } from './cpu';
import { occupied } from '../placement/snapshot';
import { planEvacuation, type EvacuationPlan } from './evacuation';

const host = hostWith;
const guest = (ref: string, memoryBytes = 10, more: Partial<Guest> = {}): Guest =>
  guestWith(ref, { memoryBytes, ...more });
/** The guests run on a host that is to be empty. */
const planOf = (
  guests: readonly Guest[],
  others: readonly Candidate[],
  fixed?: ReadonlyMap<string, readonly string[]>,
): EvacuationPlan =>
  planEvacuation(
    {
      hosts: [host('leaving'), ...others],
      guests: new Map(guests.map((g) => [g.ref, g])),
      reservations: guests.map((g) => ({ vm: g.ref, host: 'leaving' })),
    },
    { host: 'leaving', ...(fixed ? { fixed } : {}) },
  );

test('guests spread over the other hosts, the largest first', () => {
  const { moves, stuck } = planOf(
    [guest('small', 10), guest('large', 60), guest('middle', 30)],
    [host('a'), host('b')],
  );
  expect(stuck.size).toBe(0);
  expect(moves).toEqual([
    { vm: 'large', host: 'a' },
    { vm: 'middle', host: 'b' },
    { vm: 'small', host: 'b' },
  ]);
});

test.each<[string, Guest, Candidate[], string[]]>([
  ['no other host', guest('v'), [], ['NO_HOSTS_AVAILABLE']],
  [
    'only hosts that are away',
    guest('v'),
    [host('a', { live: false }), host('b', { enabled: false })],
    ['NO_HOSTS_AVAILABLE'],
  ],
  [
    'a disk that only this host has',
    guest('v', 10, { srs: ['local'] }),
    [host('a'), host('b', { live: false })],
    ['VM_REQUIRES_SR', 'v', 'local'],
  ],
  [
    'a network that only this host has',
    guest('v', 10, { networks: ['dmz'] }),
    [host('a')],
    ['VM_REQUIRES_NETWORK', 'v', 'dmz'],
  ],
  [
    'no room; the host with the most is quoted',
    guest('v', 90),
    [host('a', { memoryFree: 50 }), host('b', { memoryFree: 60 })],
    ['HOST_NOT_ENOUGH_FREE_MEMORY', '90', '60'],
  ],
])('a guest stays for %s', (_why, one, others, reason) => {
  expect(planOf([one], others)).toEqual({
    moves: [],
    stuck: new Map([['v', reason]]),
  });
});

test('what keeps a guest here for its own sake is said, and takes no room elsewhere', () => {
  const fixed = ['VM_HAS_PCI_ATTACHED', 'v'];
  const { moves, stuck } = planOf([guest('v', 90), guest('w', 90)], [host('a')], new Map([['v', fixed]]));
  expect(stuck).toEqual(new Map([['v', fixed]]));
  expect(moves).toEqual([{ vm: 'w', host: 'a' }]);
});

test('a plan never takes more than a host has, and names every guest once', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 30 }),
      fc.integer({ min: 1, max: 4 }),
      (sizes, count) => {
        const guests = sizes.map((size, i) => guest(`v${i}`, size));
        const hosts = Array.from({ length: count }, (_, i) => host(`h${i}`));
        const { moves, stuck } = planOf(guests, hosts);
        expect([...moves.map((m) => m.vm), ...stuck.keys()].sort()).toEqual(guests.map((g) => g.ref).sort());
        const full = new Map(hosts.map((h) => [h.ref, h]));
        for (const { vm, host: to } of moves)
          full.set(to, occupied(full.get(to) ?? host(to), guests.find((g) => g.ref === vm) ?? guest(vm)));
        for (const h of full.values()) expect(h.memoryFree).toBeGreaterThanOrEqual(0);
      },
    ),
  );
});

test('a CPU suits a guest that has seen no more than it has', () => {
  expect(hasFeatures('ff-0f', '0f-0f')).toBe(true);
  expect(hasFeatures('ff-0f', '0f-1f')).toBe(false);
  expect(hasFeatures('ffffffff', 'ffffffff-00000000')).toBe(true);
  const seen = { vendor: 'AuthenticAMD', features: '0f' };
  expect(
    refuseCpu('v', seen, 'h', { vendor: 'AuthenticAMD', features_pv: '1f', features_hvm: '01' }, false),
  ).toBeUndefined();
  expect(
    refuseCpu('v', seen, 'h', { vendor: 'AuthenticAMD', features_pv: '1f', features_hvm: '01' }, true)?.code,
  ).toBe('VM_INCOMPATIBLE_WITH_THIS_HOST');
  expect(
    refuseCpu('v', seen, 'h', { vendor: 'GenuineIntel', features_pv: '1f' }, false)?.params.slice(0, 2),
  ).toEqual(['v', 'h']);
  expect(refuseCpu('v', {}, 'h', { vendor: 'GenuineIntel' }, false)).toBeUndefined();
});
