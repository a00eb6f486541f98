import fc from 'fast-check';
import { guestWith, hostWith } from '../fixtures/pool';
import type { PlacementSnapshot } from '../placement/snapshot';
import { coversAll, failoverPlan, mostFailures, planExists } from './plan';

const GiB = 2 ** 30;
const pool = (
  free: readonly number[],
  vms: readonly (readonly [number | undefined, number, boolean?])[],
): PlacementSnapshot => ({
  hosts: free.map((f, i) => hostWith(`h${i}`, { memoryFree: f * GiB, memoryTotal: 64 * GiB })),
  guests: new Map(
    vms.map(([, size, movable = true], i) => [
      `v${i}`,
      // What binds a guest here is a disk in a repository of one host.
      guestWith(`v${i}`, { memoryBytes: size * GiB, unsharedSrs: movable ? [] : ['sr'] }),
    ]),
  ),
  reservations: vms.flatMap(([host], i) => (host === undefined ? [] : [{ vm: `v${i}`, host: `h${host}` }])),
});
test.each([
  ['no VMs: all but one may fail', pool([4, 4, 4], []), 2],
  ['a host of its own: none may fail', pool([64], [[0, 1]]), 0],
  [
    'room for one host’s VMs on the others',
    pool(
      [4, 4, 4],
      [
        [0, 4],
        [1, 4],
        [2, 4],
      ],
    ),
    1,
  ],
  ['a VM larger than any hole', pool([3, 3, 3], [[0, 4]]), 0],
  [
    'fragments do not add up',
    pool(
      [0, 3, 3],
      [
        [0, 2],
        [0, 2],
        [0, 2],
      ],
    ),
    0,
  ],
  ['a VM bound to its host', pool([8, 8, 8], [[0, 1, false]]), 0],
  [
    'a VM that already waits takes room too',
    pool(
      [4, 4],
      [
        [undefined, 4],
        [0, 4],
      ],
    ),
    0,
  ],
])('%s', (_what, given, most) => expect(mostFailures(given)).toBe(most));

test.each([
  ['all VMs can move', [0, 1, true], 0, true],
  ['one cannot, though no host is to fail', [0, 1, false], 0, false],
  ['one that waits finds no place', [undefined, 9, true], 0, false],
  ['they can, but not so many hosts may fail', [0, 1, true], 2, false],
] as const)('a plan covers all: %s', (_what, vm, n, covers) =>
  expect(coversAll(pool([4, 4], [[1, 1], vm]), n)).toBe(covers),
);

test('the plan names a place for each VM of the hosts that fail, and for single VMs that do', () => {
  const given = pool(
    [0, 4, 2],
    [
      [0, 2],
      [0, 4],
      [1, 1],
    ],
  );
  expect(Object.fromEntries(failoverPlan(given, new Set(['h0']), new Set()))).toEqual({ v1: 'h1', v0: 'h2' });
  expect(Object.fromEntries(failoverPlan(given, new Set(['h0']), new Set(['v2'])))).toEqual({
    v1: 'h1',
    v0: 'h2',
    v2: undefined,
  });
});

const anyPool = fc
  .record({
    free: fc.array(fc.integer({ min: 0, max: 16 }), { minLength: 1, maxLength: 40 }),
    vms: fc.array(fc.tuple(fc.nat(39), fc.integer({ min: 1, max: 8 })), { maxLength: 40 }),
  })
  .map(({ free, vms }) =>
    pool(
      free,
      vms.map(([host, size]) => [host % free.length, size] as const),
    ),
  );

test('a plan that is said to exist is there for every set of hosts, however many hosts there are', () => {
  fc.assert(
    fc.property(
      anyPool,
      fc.nat(4),
      fc.array(fc.nat(39), { minLength: 4, maxLength: 4 }),
      (given, n, choice) => {
        fc.pre(planExists(given, n));
        const failed = new Set(choice.slice(0, n).map((c) => `h${c % given.hosts.length}`));
        const plan = failoverPlan(given, failed, new Set());
        expect([...plan.values()].filter((host) => host === undefined)).toEqual([]);
        for (const { ref, memoryFree } of given.hosts) {
          const taken = [...given.guests.values()]
            .filter((v) => plan.get(v.ref) === ref)
            .reduce((sum, v) => sum + v.memoryBytes, 0);
          expect(taken).toBeLessThanOrEqual(failed.has(ref) ? 0 : memoryFree);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('more room never makes a plan worse where hosts are many', () => {
  const many = pool(
    Array.from({ length: 60 }, () => 8),
    Array.from({ length: 60 }, (_, i) => [i, 2] as const),
  );
  expect(mostFailures(many)).toBeGreaterThanOrEqual(10);
  expect(planExists(many, 59)).toBe(false);
});
