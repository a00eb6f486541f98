import { seeded } from './simulated/timing';
import { rules, type Rule } from './lease-model';
import { walk, type WalkOptions } from './lease-walk';

/** For what is found where no time passes and nothing breaks. */
const still = /tick|renewal|crash|restart|register|observe|fence|lost/;
const unbroken = /crash|restart|lost/;
const noMigration = /migrat|suspend|unpause/;
const find = (options: Omit<WalkOptions, 'seed' | 'walks'> & Partial<WalkOptions>) =>
  walk({ seed: 1, walks: 20_000, ...options }, seeded);

test.each(['empty', 'running'] as const)('with all rules a VM never runs twice, from %s', (from) => {
  const { steps, violation } = find({ from, walks: 10_000 });
  expect(violation).toBeUndefined();
  expect(steps).toBeGreaterThan(500_000);
});

test('nor where only messages are late', () => {
  expect(find({ from: 'running', without: still, depth: 30, walks: 10_000 }).violation).toBeUndefined();
});

/** Each rule alone holds something up; of R8's halves either is enough, so only both together are missed. */
const caught: readonly [
  readonly Rule[],
  Omit<WalkOptions, 'seed' | 'walks' | 'off'> & Partial<WalkOptions>,
][] = [
  [['claim'], { from: 'empty' }],
  [['deadlineFromSend'], { from: 'empty', without: /migrat|crash|restart/ }],
  [['rejectFenced'], { from: 'empty', without: /migrat|crash|restart/, seed: 100_001 }],
  [['fullWait'], { from: 'running' }],
  [['fenceOnlyUnchanged'], { from: 'empty', without: unbroken }],
  [['leaseAtCreate'], { from: 'empty' }],
  [['watchdog'], { from: 'running', without: /migrat|crash/ }],
  [['bindToHostEpoch', 'dropPendingOnFence'], { from: 'empty', without: noMigration }],
  [['tombstone'], { from: 'empty' }],
  [['vmLock'], { from: 'running', without: still, depth: 20 }],
  [['epochInReports'], { from: 'running' }],
  [['adoptOnlyPlaced'], { from: 'running', without: /crash/ }],
  [['attemptNumber'], { from: 'running', without: still, depth: 20 }],
  [['claimToUnpause'], { from: 'running' }],
];
test.each(caught)('without %p it does', (off, options) => {
  expect(find({ ...options, off }).violation).toBeDefined();
});

test.each(['bindToHostEpoch', 'dropPendingOnFence'] as const)(
  '%s alone may be missing: the other half holds',
  (rule) => {
    expect(
      find({ from: 'empty', without: noMigration, off: [rule], walks: 6_000 }).violation,
    ).toBeUndefined();
  },
);

test('every rule is tried', () => {
  expect(new Set(caught.flatMap(([off]) => off))).toEqual(new Set(rules));
});
