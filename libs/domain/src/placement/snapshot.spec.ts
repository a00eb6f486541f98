import fc from 'fast-check';
import { failoverPlan, planExists } from '../ha/plan';
import { planEvacuation } from '../migration/evacuation';
import { guestWith, hostWith } from '../fixtures/pool';
import { Agility } from './agility';
import { explain } from './explain';
import { fits } from './filters';
import type { Candidate, Guest } from './place';
import { leastLoaded, packed, policies, policyKey, policyOf, refusePolicy } from './policies';
import { occupied, placeIn, type PlacementSnapshot } from './snapshot';

const GiB = 2 ** 30;
const srs = ['sr0', 'sr1', 'sr2'];
const networks = ['net0', 'net1'];
const addresses = ['0000:41:00.0', '0000:81:00.0'];
const groups = ['g0', 'g1'];
const features = ['0000000f', '000000ff', '00000fff'];

const anyHost = (n: number): fc.Arbitrary<Candidate> =>
  fc
    .record({
      uuid: fc.constant(String(n).padStart(4, '0')),
      enabled: fc.oneof({ arbitrary: fc.constant(true), weight: 4 }, fc.constant(false)),
      live: fc.oneof({ arbitrary: fc.constant(true), weight: 4 }, fc.constant(false)),
      memoryFree: fc.integer({ min: 0, max: 32 }).map((n) => n * GiB),
      memoryTotal: fc.constant(32 * GiB),
      vcpusPlaced: fc.nat(16),
      pcpus: fc.constantFrom(4, 8),
      vmsPlaced: fc.nat(8),
      hvmCapable: fc.boolean(),
      hasIommu: fc.boolean(),
      srs: fc.subarray(srs, { minLength: 1 }).map((list) => new Set(list)),
      networks: fc.subarray(networks, { minLength: 1 }).map((list) => new Set(list)),
      groups: fc.record({ g0: fc.nat(2), g1: fc.nat(2) }),
      gpus: fc.constantFrom([], [gpuOn(n)]),
      usbGroups: fc.constantFrom(new Set<string>(), new Set(['usb'])),
      pcis: fc
        .dictionary(fc.constantFrom(...addresses), fc.constantFrom('', 'someone'), { maxKeys: 2 })
        .map((held) => new Map(Object.entries(held))),
      cpu: fc.record({ vendor: fc.constantFrom('A', 'B'), features_hvm: fc.constantFrom(...features) }),
    })
    .map((more) => hostWith(`h${n}`, more));
const gpuOn = (n: number) => ({
  ref: `gpu${n}`,
  group: 'gpus',
  supported: ['half'],
  enabled: ['half'],
  most: { half: 2 },
  residents: [],
});

const anyGuest = (n: number): fc.Arbitrary<Guest> =>
  fc.record(
    {
      ref: fc.constant(`v${n}`),
      memoryBytes: fc.integer({ min: 1, max: 8 }).map((n) => n * GiB),
      vcpus: fc.constantFrom(1, 2),
      vcpusMax: fc.constantFrom(2, 6),
      needsHvm: fc.boolean(),
      srs: fc.subarray(srs, { maxLength: 2 }),
      networks: fc.subarray(networks, { maxLength: 1 }),
      unsharedSrs: fc.constantFrom([], ['sr2']),
      antiAffinityGroup: fc.constantFrom(...groups),
      affinity: fc.constantFrom('h0', 'h1'),
      gpus: fc.constantFrom(
        [],
        [],
        [],
        [{ vgpu: `vgpu${n}`, group: 'gpus', type: 'half', passthrough: false, packed: false }],
      ),
      usbGroups: fc.constantFrom([], [], [], ['usb']),
      pcis: fc.constantFrom([], [], [], [addresses[0] ?? '']),
      booted: fc.record({
        cpu: fc.record({ vendor: fc.constant('A'), features: fc.constantFrom(...features) }),
        isHvm: fc.constant(true),
      }),
      policy: fc.constantFrom('packed', 'least-loaded', 'none such'),
    },
    { requiredKeys: ['ref', 'memoryBytes', 'vcpus', 'needsHvm', 'srs', 'networks'] },
  );

const many = <T>(most: number, of: (n: number) => fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.integer({ min: 1, max: most }).chain((n) => fc.tuple(...Array.from({ length: n }, (_, i) => of(i))));
const anySnapshot: fc.Arbitrary<PlacementSnapshot> = fc
  .record(
    {
      hosts: many(6, anyHost),
      guests: many(12, anyGuest),
      places: fc.array(fc.option(fc.nat(5), { nil: undefined }), { minLength: 12, maxLength: 12 }),
      policy: fc.constantFrom('packed', 'least-loaded', 'none such'),
    },
    { requiredKeys: ['hosts', 'guests', 'places'] },
  )
  .map(({ hosts, guests, places, policy }) => ({
    hosts,
    guests: new Map(guests.map((guest) => [guest.ref, guest])),
    reservations: guests.flatMap(({ ref }, i) => {
      const at = places[i];
      return at === undefined || at >= hosts.length ? [] : [{ vm: ref, host: `h${at}` }];
    }),
    policy,
  }));

/** The declared meaning of "fits on a host", said once more in other words. */
function mayBeOn(guest: Guest, host: Candidate): boolean {
  const devices = guest.pcis ?? [],
    gpus = guest.gpus ?? [],
    seen = guest.booted?.cpu;
  const bits = (text: string | undefined): number => parseInt(text ?? '0', 16);
  return [
    host.enabled && host.live,
    guest.memoryBytes <= host.memoryFree,
    guest.vcpusMax === undefined || guest.vcpusMax <= host.pcpus,
    host.hvmCapable || !guest.needsHvm,
    guest.srs.every((sr) => host.srs.has(sr)),
    guest.networks.every((network) => host.networks.has(network)),
    host.hasIommu || devices.length === 0,
    devices.every((address) => ['', guest.ref].includes(host.pcis?.get(address) ?? 'nobody, there is none')),
    (guest.usbGroups ?? []).every((group) => host.usbGroups?.has(group)),
    gpus.length <= (host.gpus ?? []).reduce((room, gpu) => room + 2 - gpu.residents.length, 0),
    seen === undefined ||
      (seen['vendor'] === host.cpu?.['vendor'] &&
        (bits(seen['features']) & bits(host.cpu?.['features_hvm'])) === bits(seen['features'])),
  ].every(Boolean);
}

test('a snapshot places a guest on the hosts that its requirements allow, and on no other', () => {
  fc.assert(
    fc.property(anySnapshot, (snapshot) => {
      for (const [vm, guest] of snapshot.guests) {
        const { ranked, rejected } = placeIn(snapshot, vm);
        const allowed = snapshot.hosts.filter((host) => mayBeOn(guest, host)).map(({ ref }) => ref);
        expect(ranked.map(({ host }) => host.ref).sort()).toEqual(allowed.sort());
        expect([...rejected.keys(), ...allowed].sort()).toEqual(snapshot.hosts.map(({ ref }) => ref).sort());
        for (const host of snapshot.hosts) {
          const alone = placeIn(snapshot, vm, host.ref);
          expect([alone.ranked.length === 1, alone.rejected.get(host.ref)]).toEqual([
            allowed.includes(host.ref),
            rejected.get(host.ref),
          ]);
        }
      }
    }),
    { numRuns: 300 },
  );
});

/** The same order from the meaning of the policies: affinity, then apart from its group, then room. */
test('of the possible hosts the first is the one that the policy means', () => {
  fc.assert(
    fc.property(anySnapshot, (snapshot) => {
      for (const [vm, guest] of snapshot.guests) {
        const { policy, ranked } = placeIn(snapshot, vm);
        const known = [guest.policy, snapshot.policy].find((name) => name && policies.has(name));
        expect(policy.name).toBe(known ?? 'least-loaded');
        const [best, ...others] = ranked.map(({ host }) => host);
        if (!best) continue;
        const like = ({ ref }: Candidate): boolean => ref === guest.affinity;
        const peers = ({ groups: counts }: Candidate): number => counts[guest.antiAffinityGroup ?? ''] ?? 0;
        for (const other of others) {
          expect([like(best), like(other)]).not.toEqual([false, true]);
          if (like(best) !== like(other)) continue;
          expect(peers(best)).toBeLessThanOrEqual(peers(other));
          if (peers(best) !== peers(other)) continue;
          const [more, less] = policy.name === 'packed' ? [other, best] : [best, other];
          expect(more.memoryFree).toBeGreaterThanOrEqual(less.memoryFree);
        }
      }
    }),
  );
});

/** Moves in their order, each checked on the host as those before it have left it. */
function replay(
  snapshot: PlacementSnapshot,
  moves: readonly { readonly vm: string; readonly host: string }[],
): void {
  const now = new Map(snapshot.hosts.map((host) => [host.ref, host]));
  for (const { vm, host } of moves) {
    const guest = snapshot.guests.get(vm),
      to = now.get(host);
    expect(guest && to && fits(guest, to)).toBe(true);
    if (guest && to) now.set(host, occupied(to, guest));
  }
}

test('an evacuation names each guest of the host once, and moves it only where it fits', () => {
  fc.assert(
    fc.property(anySnapshot, (snapshot) => {
      const { moves, stuck } = planEvacuation(snapshot, { host: 'h0' });
      const there = snapshot.reservations.filter(({ host }) => host === 'h0').map(({ vm }) => vm);
      expect([...moves.map(({ vm }) => vm), ...stuck.keys()].sort()).toEqual(there.sort());
      expect(moves.map(({ host }) => host)).not.toContain('h0');
      replay(snapshot, moves);
    }),
    { numRuns: 300 },
  );
});

test('a plan for failures starts guests only where they fit, and none that something binds', () => {
  fc.assert(
    fc.property(anySnapshot, fc.subarray(['h0', 'h1', 'h2']), (snapshot, failing) => {
      const failed = new Set(failing);
      const plan = failoverPlan(snapshot, failed, new Set());
      const agility = new Agility(snapshot.hosts);
      const moves = [...plan].flatMap(([vm, host]) => (host === undefined ? [] : [{ vm, host }]));
      for (const { vm, host } of moves) {
        const guest = snapshot.guests.get(vm);
        expect([failed.has(host), guest && agility.bindingOf(guest)]).toEqual([false, undefined]);
      }
      replay(snapshot, moves);
    }),
    { numRuns: 300 },
  );
});

test('a plan that is said to exist holds for each host that may fail, in pools small and great', () => {
  const anyPool = fc.tuple(anySnapshot, fc.constantFrom(1, 12)).map(([snapshot, times]) => ({
    ...snapshot,
    hosts: Array.from({ length: times }, (_, i) =>
      snapshot.hosts.map((host) => ({ ...host, ref: `${host.ref}${i === 0 ? '' : `/${i}`}` })),
    ).flat(),
  }));
  fc.assert(
    fc.property(anyPool, (snapshot) => {
      const usable = snapshot.hosts.filter(({ enabled, live }) => enabled && live).slice(0, 30);
      for (const n of [1, 2]) {
        if (!planExists(snapshot, n)) continue;
        for (const [i, { ref }] of usable.entries()) {
          const failed = new Set([ref, ...usable.slice(i + 1, i + n).map((host) => host.ref)]);
          expect([...failoverPlan(snapshot, failed, new Set()).values()]).not.toContain(undefined);
        }
      }
    }),
  );
});

test('a move takes memory, vCPUs, devices and a place in its group', () => {
  const host = hostWith('h', {
    memoryFree: 8 * GiB,
    vcpusPlaced: 2,
    vmsPlaced: 1,
    groups: { g0: 1 },
    gpus: [gpuOn(0)],
    pcis: new Map([[addresses[0] ?? '', '']]),
  });
  const guest = guestWith('v', {
    memoryBytes: 3 * GiB,
    vcpus: 2,
    antiAffinityGroup: 'g0',
    pcis: [addresses[0] ?? ''],
    gpus: [{ vgpu: 'vgpu', group: 'gpus', type: 'half', passthrough: false, packed: false }],
  });
  expect(occupied(host, guest)).toMatchObject({
    memoryFree: 5 * GiB,
    vcpusPlaced: 4,
    vmsPlaced: 2,
    groups: { g0: 2 },
    gpus: [{ residents: ['half'] }],
    pcis: new Map([[addresses[0] ?? '', 'v']]),
  });
});

describe('the registry of policies', () => {
  test.each([
    [['packed', 'least-loaded'], 'packed'],
    [[undefined, 'packed'], 'packed'],
    [['none such', 'packed'], 'packed'],
    [['none such', 'none such either'], 'least-loaded'],
    [[], 'least-loaded'],
  ])('of %j it chooses %s', (names, chosen) => expect(policyOf(...names).name).toBe(chosen));

  test('no policy leaves out a rule of what fits on a host', () => {
    const { filters } = leastLoaded;
    for (const [name, policy] of policies) {
      expect([name, policy.name, policy.version > 0]).toEqual([name, name, true]);
      expect(policy.filters).toEqual(expect.arrayContaining([...filters]));
    }
  });

  test('a name that it does not have is refused where it is set', () => {
    expect(refusePolicy({ [policyKey]: 'spread' })?.description).toEqual([
      'INVALID_VALUE',
      'other_config:placement-policy',
      'spread',
    ]);
    expect([refusePolicy({ [policyKey]: packed.name }), refusePolicy({})]).toEqual([undefined, undefined]);
  });

  test('an explanation names the policy and its version', () => {
    const snapshot = {
      hosts: [hostWith('h')],
      guests: new Map([['v', guestWith('v')]]),
      reservations: [],
    };
    expect(explain(placeIn({ ...snapshot, policy: 'packed' }, 'v'))).toMatchObject({
      policy: 'packed',
      version: packed.version,
      chosen: null,
    });
  });
});
