import { ReaderPace } from './reader-pace';

/** Looks that take so long, on a clock that moves only when it is moved. */
class Looks {
  begun = 0;
  private now = 0;
  private readonly sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  readonly pace = new ReaderPace(
    async () => {
      this.begun += 1;
      this.now += this.takesMs;
      this.pace.tookMs(this.takesMs);
    },
    {
      now: () => this.now,
      wait: (ms) => new Promise<void>((wake) => this.sleepers.push({ at: this.now + ms, wake })),
    },
  );
  constructor(private readonly takesMs: number) {}

  /** Answers whether the read ended by the time that so much has passed. */
  async endedAfter(ms: number, read: Promise<void>): Promise<boolean> {
    let ended = false;
    void read.then(() => (ended = true));
    this.now += ms;
    for (const { wake } of this.sleepers.filter(({ at }) => at <= this.now)) wake();
    for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
    return ended;
  }
}

test('while looks are short every reader has one at once', async () => {
  const looks = new Looks(3);
  for (let i = 0; i < 5; i += 1) expect(await looks.endedAfter(0, looks.pace.fresh())).toBe(true);
  expect(looks.begun).toBe(5);
});

test.each<[what: string, takesMs: number, pauseMs: number]>([
  ['four times as long as it took', 5, 20],
  ['four times as long as it took', 30, 120],
  ['no longer than 200 ms', 900, 200],
])('after a long look readers wait %s, and share the next one', async (_what, takesMs, pauseMs) => {
  const looks = new Looks(takesMs);
  expect(await looks.endedAfter(0, looks.pace.fresh())).toBe(true);
  const together = [looks.pace.fresh(), looks.pace.fresh()];
  expect(await looks.endedAfter(pauseMs - 1, Promise.race(together))).toBe(false);
  together.push(looks.pace.fresh());
  expect(looks.begun).toBe(1);
  expect(
    await looks.endedAfter(
      1,
      Promise.all(together).then(() => undefined),
    ),
  ).toBe(true);
  expect(looks.begun).toBe(2);
});

test('whoever comes when the pause is over waits for nobody', async () => {
  const looks = new Looks(30);
  await looks.pace.fresh();
  await looks.endedAfter(120, Promise.resolve());
  expect(await looks.endedAfter(0, looks.pace.fresh())).toBe(true);
});

test('once looks are short again nobody waits', async () => {
  const looks = new Looks(30);
  await looks.pace.fresh();
  looks.pace.tookMs(1);
  expect(await looks.endedAfter(0, looks.pace.fresh())).toBe(true);
});

test('a look that fails fails for all who share it, and the next reader has one of its own', async () => {
  let failing = true,
    now = 0;
  const wakes: (() => void)[] = [];
  const pace: ReaderPace = new ReaderPace(
    () => (failing ? Promise.reject(new Error('no database')) : Promise.resolve()),
    {
      now: () => now,
      wait: () => new Promise<void>((wake) => wakes.push(wake)),
    },
  );
  await expect(pace.fresh()).rejects.toThrow('no database');
  failing = false;
  await pace.fresh();
  pace.tookMs(10);
  failing = true;
  const both = Promise.allSettled([pace.fresh(), pace.fresh()]);
  now += 40;
  for (const wake of wakes) wake();
  expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  failing = false;
  await expect(pace.fresh()).resolves.toBeUndefined();
});
