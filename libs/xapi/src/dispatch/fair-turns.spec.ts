import { Shares, FairTurns, type Caller } from './fair-turns';

const room = { inside: 1, waiting: 100, waitingOfOne: 60, waitingOfSession: 40 };
/** Calls that end on command, in the order in which they began. */
class Calls {
  readonly begun: string[] = [];
  private readonly ends: (() => void)[] = [];
  constructor(readonly turns: FairTurns) {}

  ask(name: string, caller: Caller, cost = 1): Promise<void> {
    return this.turns.through(caller, cost, () => {
      this.begun.push(name);
      return new Promise<void>((resolve) => this.ends.push(resolve));
    });
  }
  async endAll(): Promise<void> {
    while (this.turns.inside > 0) {
      this.ends.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
const many = (calls: Calls, name: string, count: number, caller: Caller, cost = 1): Promise<void[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => calls.ask(`${name}${i}`, caller, cost)));

test('of one session calls have their turn as they came', async () => {
  const calls = new Calls(new FairTurns(room));
  void many(calls, 'a', 5, ['x', 'root', 's1']);
  await calls.endAll();
  expect(calls.begun).toEqual(['a0', 'a1', 'a2', 'a3', 'a4']);
});

test.each<[string, Caller, Caller]>([
  ['session of the same user', ['x', 'root', 's1'], ['x', 'root', 's2']],
  ['user at the same address', ['x', 'root', 's1'], ['x', 'alice', 's2']],
  ['address', ['x', 'root', 's1'], ['y', 'root', 's2']],
])('the one call of another %s waits for no more than one of many', async (_what, heavy, light) => {
  const calls = new Calls(new FairTurns(room));
  void many(calls, 'heavy', 30, heavy);
  void calls.ask('light', light);
  await calls.endAll();
  expect(calls.begun.indexOf('light')).toBeLessThanOrEqual(2);
  expect(calls.begun).toHaveLength(31);
});

test('an address with many sessions has no more than one with a single one', async () => {
  const calls = new Calls(new FairTurns(room));
  for (let s = 0; s < 10; s += 1) void many(calls, `many${s}-`, 3, ['x', 'root', `s${s}`]);
  void many(calls, 'single', 10, ['y', 'root', 't']);
  await calls.endAll();
  const first = calls.begun.slice(1, 21);
  expect(first.filter((name) => name.startsWith('single')).length).toBeGreaterThanOrEqual(9);
});

test('who asks for what is cheap has more turns than who asks for what is dear', async () => {
  const calls = new Calls(new FairTurns(room));
  void many(calls, 'dear', 20, ['x', 'root', 's1'], 100);
  void many(calls, 'cheap', 20, ['x', 'root', 's2'], 10);
  await calls.endAll();
  expect(calls.begun.slice(0, 14).filter((name) => name.startsWith('dear')).length).toBeLessThanOrEqual(3);
});

test('leaving the queue for a moment pays nobody', async () => {
  const turns = new FairTurns(room);
  const order: string[] = [];
  const work = (name: string): Promise<void> => {
    order.push(name);
    return new Promise((resolve) => setImmediate(resolve));
  };
  const oneByOne = async (): Promise<void> => {
    for (let i = 0; i < 10; i += 1) await turns.through(['x', 'root', 's1'], 100, () => work('dear'));
  };
  const others = Array.from({ length: 30 }, () =>
    turns.through(['x', 'root', 's2'], 10, () => work('cheap')),
  );
  await Promise.all([oneByOne(), ...others]);
  expect(order.slice(0, 20).filter((name) => name === 'dear').length).toBeLessThanOrEqual(3);
});

test('what does not fit is turned away at once: of a session, of one address, of all', async () => {
  const turns = new FairTurns({ inside: 1, waiting: 4, waitingOfOne: 3, waitingOfSession: 2 });
  const calls = new Calls(turns);
  void many(calls, 'a', 3, ['x', 'root', 's1']);
  expect(() => turns.assertRoom(['x', 'root', 's1'])).toThrow('TOO_BUSY');
  await expect(calls.ask('a3', ['x', 'root', 's1'])).rejects.toThrow('TOO_BUSY');
  void calls.ask('b', ['x', 'alice', 's2']);
  await expect(calls.ask('c', ['x', 'bob', 's3'])).rejects.toThrow('TOO_BUSY');
  void calls.ask('d', ['y', 'root', 's4']);
  await expect(calls.ask('e', ['z', 'root', 's5'])).rejects.toThrow('TOO_BUSY');
  await calls.endAll();
  expect([calls.begun.toSorted(), turns.waiting, turns.inside]).toEqual([['a0', 'a1', 'a2', 'b', 'd'], 0, 0]);
});

test('a call that only waits lets the next one in', async () => {
  const turns = new FairTurns(room);
  let end = (): void => undefined;
  const waits = turns.through(['x', 'root', 's1'], 1, (release) => {
    release();
    return new Promise<void>((resolve) => (end = resolve));
  });
  await expect(turns.through(['x', 'root', 's1'], 1, () => Promise.resolve('done'))).resolves.toBe('done');
  end();
  await waits;
  expect(turns.inside).toBe(0);
});

test('a call that fails gives its place back', async () => {
  const turns = new FairTurns(room);
  await expect(turns.through(['x', 'root', 's1'], 1, () => Promise.reject(new Error('no')))).rejects.toThrow(
    'no',
  );
  expect(turns.inside).toBe(0);
});

describe('those who wait all together', () => {
  const bounds = { waiting: 100, waitingOfOne: 60, waitingOfSession: 40 };
  const enterAll = (shares: Shares, callers: readonly Caller[]): (() => void)[] =>
    callers.map((caller) => shares.enter(caller));
  const times = (count: number, caller: (i: number) => Caller): readonly Caller[] =>
    Array.from({ length: count }, (_, i) => caller(i));

  test.each<[string, readonly Caller[], Caller, Caller]>([
    ['session', times(40, () => ['x', 'root', 's']), ['x', 'root', 's'], ['x', 'root', 't']],
    ['user', times(60, (i) => ['x', 'root', `s${i}`]), ['x', 'root', 'new'], ['y', 'root', 'new']],
    ['address', times(60, (i) => ['x', `user${i}`, 's']), ['x', 'new', 's'], ['y', 'new', 's']],
  ])('no %s has more than its share of the places', (_what, many, tooMany, other) => {
    const shares = new Shares(bounds);
    const leave = enterAll(shares, many);
    expect(() => shares.enter(tooMany)).toThrow('TOO_BUSY');
    expect(() => shares.assertRoom(tooMany)).toThrow('TOO_BUSY');
    shares.enter(other)();
    leave[0]?.();
    shares.enter(tooMany)();
    expect(shares.waiting).toBe(many.length - 1);
  });

  test('all of them have no more places than there are', () => {
    const shares = new Shares(bounds);
    const leave = enterAll(
      shares,
      times(100, (i) => [`address${i}`, 'root', 's']),
    );
    expect(() => shares.enter(['new', 'root', 's'])).toThrow('TOO_BUSY');
    for (const one of leave) one();
    expect(shares.waiting).toBe(0);
    shares.enter(['new', 'root', 's'])();
  });
});
