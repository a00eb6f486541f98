import type { ClassName, Ref } from '@xenplane/model';
import { createTestDatabase, type TestDatabase } from '@xenplane/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Change } from './replica/events';
import { newRef } from './ids';
import type { Tx } from './transaction/objects';
import { pruneChanges } from './prune';
import { asToken, beginning, knows, span } from './replica/position';
import { Replica } from './replica/replica';
import { Store } from './store';
import { inTransaction } from './transaction/transaction';

let database: TestDatabase, store: Store;
const open: Replica[] = [];
async function start(recent?: number): Promise<Replica> {
  const made = await Replica.start(store, { encode: () => '{}', recent });
  open.push(made);
  return made;
}
beforeAll(async () => {
  database = await createTestDatabase();
  store = await Store.connect({ url: database.url, connections: 16 });
});
afterEach(async () => {
  for (const replica of open.splice(0)) await replica.stop();
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

let made = 0;
async function vm(label = ''): Promise<Ref<'VM'>> {
  const ref = newRef<'VM'>();
  await inTransaction(store, (tx) =>
    tx.insertAll('VM', [{ ref, uuid: `vm-${(made += 1)}`, name_label: label }]),
  );
  return ref;
}
const all = (): boolean => true;
/** A transaction that may stand still for as long as the test needs. */
const underWay = (tx: Tx): Promise<unknown> =>
  tx.query("SELECT set_config('idle_in_transaction_session_timeout', '0', true)");
/** A committed change may be sent at once, unless something of other spec files, in other databases, takes long: then once that has been looked at. */
async function settled(replica: Replica): Promise<void> {
  const [now] = await store.query<{ xid: number }>(
    'SELECT coalesce(max(xid::text::bigint), 0) AS xid FROM change',
  );
  for (
    let waited = 0;
    waited < 10_000 && (waited === 0 || !knows(replica.position(), now?.xid ?? 0));
    waited += 5
  )
    await sleep(5).then(() => replica.fresh());
}
/** Transactions under way in another database leave the end of the log as it is. */
async function pruned(): Promise<void> {
  for (
    let rows = 2;
    rows > 1;
    rows = (await store.query<{ n: number }>('SELECT count(*)::int AS n FROM change'))[0]?.n ?? 0
  )
    await pruneChanges(store, { rows: 1 }).then(() => sleep(5));
}
const ops = (changes: readonly Change[]): string[] => changes.map((c) => `${c.op} ${c.cls}`);

test('each object once, from where the reader stood', async () => {
  const replica = await start(),
    kept = await vm();
  await settled(replica);
  const before = replica.position();
  const passing = await vm(),
    fresh = await vm();
  await inTransaction(store, async (tx) => {
    await tx.update('VM', kept, { order: 1 });
    await tx.update('VM', fresh, { order: 1 });
    await tx.remove('VM', passing);
  });
  await settled(replica);
  const { events, position } = await replica.changesSince(before, all);
  expect(events.map((e) => [e.op, e.ref])).toEqual([
    ['add', fresh],
    ['mod', kept],
  ]);
  expect(position).toEqual(replica.position());
  expect(await replica.changesSince(position, all)).toEqual({ events: [], position });
  await inTransaction(store, (tx) => tx.remove('VM', kept));
  await settled(replica);
  expect(ops((await replica.changesSince(before, (_cls, ref) => ref === kept)).events)).toEqual(['del VM']);
});

test('position 0 is before everything, one from the future has nothing after it', async () => {
  const replica = await start(),
    ref = await vm();
  await settled(replica);
  const { events } = await replica.changesSince(beginning, (cls) => cls === 'VM');
  expect(new Set(events.map((e) => e.op))).toEqual(new Set(['add']));
  expect(events).toHaveLength(replica.count('VM'));
  expect(events.map((e) => e.ref)).toContain(ref);
  const future = { base: replica.position().base + 1000, seen: 0n };
  expect(await replica.changesSince(future, all)).toEqual({ events: [], position: future });
});

test('sessions are known and make no events', async () => {
  const replica = await start(),
    ref = newRef<'session'>();
  await settled(replica);
  const before = replica.position();
  await inTransaction(store, (tx) => tx.insertAll('session', [{ ref, uuid: 'session' }]));
  await settled(replica);
  expect([
    replica.has('session', ref),
    (await replica.changesSince(before, all)).events,
    replica.counts()['session'],
  ]).toEqual([true, [], 1]);
});

test('a replica that was not there knows as well as one that was, from the log', async () => {
  const was = await start();
  await settled(was);
  const before = was.position(),
    gone = await vm(),
    kept = await vm();
  await settled(was);
  const between = was.position();
  await inTransaction(store, (tx) => tx.remove('VM', gone));
  await inTransaction(store, (tx) => tx.update('VM', kept, { order: 2 }));
  const [later, tiny] = [await start(), await start(1)];
  for (const replica of [was, later, tiny]) {
    await settled(replica);
    expect(ops((await replica.changesSince(before, all)).events)).toEqual(['add VM']);
    expect(ops((await replica.changesSince(between, all)).events)).toEqual(['mod VM', 'del VM']);
  }
});

test('who was away longer than the log is kept is told that anything may have changed', async () => {
  const was = await start();
  await settled(was);
  const before = was.position(),
    ref = await vm();
  for (let i = 1; i < 5; i += 1) await inTransaction(store, (tx) => tx.update('VM', ref, { order: i }));
  await settled(was);
  await pruned();
  const later = await start();
  const { events } = await later.changesSince(before, (cls) => cls === 'VM');
  expect(new Set(events.map((e) => e.op))).toEqual(new Set(['mod']));
  expect(events).toHaveLength(later.count('VM'));
});

test('waiting ends with the next change, the time, or the signal; before the announcement could get lost', async () => {
  const replica = await start(),
    ref = await vm();
  await settled(replica);
  const timed = performance.now();
  await replica.waitForChange(replica.position(), 30);
  expect(performance.now() - timed).toBeGreaterThan(25);
  const stop = new AbortController(),
    position = replica.position();
  const waiting = Array.from({ length: 1000 }, () => replica.waitForChange(position, 20_000)),
    moved = replica.waitForMove(20_000);
  const stopped = replica.waitForChange({ base: position.base + 1_000_000, seen: 0n }, 20_000, stop.signal);
  await inTransaction(store, (tx) => tx.update('VM', ref, { order: 5 }));
  await Promise.all([...waiting, moved]);
  expect(ops((await replica.changesSince(position, all)).events)).toEqual(['mod VM']);
  stop.abort();
  await stopped;
  await replica.waitForChange(position, 20_000);
});

test('a transaction under way holds nothing back, and is told of when it ends', async () => {
  const replica = await start(),
    [slow, quick] = [await vm(), await vm()];
  await settled(replica);
  const position = replica.position();
  let told = position;
  await inTransaction(store, async (tx) => {
    await underWay(tx);
    await tx.update('VM', slow, { order: 1 });
    await inTransaction(store, (other) => other.update('VM', quick, { order: 1 }));
    await settled(replica);
    expect([replica.stored('VM', quick)?.order, replica.stored('VM', slow)?.order]).toEqual([1, 0]);
    const { events, position: next } = await replica.changesSince(position, all);
    expect(events.map((e) => e.ref)).toEqual([quick]);
    told = next;
  });
  await settled(replica);
  expect((await replica.changesSince(told, all)).events.map((e) => e.ref)).toEqual([slow]);
  for (const later of [await start(), await start(1)])
    expect((await later.changesSince(told, all)).events.map((e) => e.ref)).toEqual([slow]);
  expect((await replica.changesSince(position, all)).events.map((e) => e.ref).sort()).toEqual(
    [slow, quick].sort(),
  );
});

test('behind one that takes very long some events wait; then all are told once', async () => {
  const replica = await start(),
    [slow, quick] = [await vm(), await vm()];
  await settled(replica);
  let { position } = { position: replica.position() };
  const seen: string[] = [];
  const read = async (): Promise<void> => {
    const found = await replica.changesSince(position, all);
    position = found.position;
    seen.push(...found.events.map((e) => e.ref));
  };
  await inTransaction(store, async (tx) => {
    await underWay(tx);
    await tx.update('VM', slow, { order: 1 });
    const refs: string[] = [];
    for (let i = 0; i < 2 * span; i += 1) refs.push(await vm());
    await inTransaction(store, (other) => other.update('VM', quick, { order: 1 }));
    await replica.fresh();
    await replica.fresh();
    await read();
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.length).toBeLessThan(refs.length);
    expect(seen).not.toContain(quick);
    expect(replica.stored('VM', quick)?.order).toBe(1);
  });
  await settled(replica);
  await read();
  expect(seen).toHaveLength(2 * span + 2);
  expect(new Set(seen).size).toBe(seen.length);
});

test('what another database has under way holds nothing back, however long it takes', async () => {
  const other = await createTestDatabase(),
    elsewhere = await Store.connect({ url: other.url, connections: 2 });
  try {
    const replica = await start();
    await settled(replica);
    const position = replica.position();
    await inTransaction(elsewhere, async (tx) => {
      await underWay(tx);
      await tx.query('SELECT pg_current_xact_id()');
      const refs: string[] = [];
      for (let i = 0; i < 2 * span; i += 1) refs.push(await vm());
      await settled(replica);
      expect((await replica.changesSince(position, all)).events.map((e) => e.ref)).toEqual(refs);
    });
  } finally {
    await elsewhere.close();
    await other.drop();
  }
});

/** As a client puts one write behind another and looks for the second: what it then has of the first must be no older. */
test('what an event shows of one object is no newer than what was told of the others', async () => {
  const replica = await start(),
    [first, second] = [await vm(), await vm()];
  await settled(replica);
  const told = new Map([first, second].map((ref) => [ref, 0]));
  let { position } = { position: replica.position() },
    running = true;
  const write = async (): Promise<void> => {
    for (let i = 1; running; i += 1) {
      await inTransaction(store, (tx) => tx.update('VM', first, { order: i }));
      await inTransaction(store, (tx) => tx.update('VM', second, { order: i }));
    }
  };
  const noise = async (): Promise<void> => {
    while (running)
      await inTransaction(store, async (tx) => {
        await tx.query('SELECT pg_current_xact_id()');
        await sleep(Math.random() * 20);
      });
  };
  const writing = [write(), ...Array.from({ length: 6 }, noise)];
  for (let round = 0; round < 300; round += 1) {
    await replica.waitForChange(position, 1000);
    const { events, position: next } = await replica.changesSince(position, (cls) => cls === 'VM');
    position = next;
    for (const { ref } of events) told.set(ref as typeof first, Number(replica.stored('VM', ref)?.order));
    expect(told.get(first)).toBeGreaterThanOrEqual(Number(told.get(second)));
  }
  running = false;
  await Promise.all(writing);
});

/** The state of a reader after it followed the events: no gap, whatever the order of commits. */
class Follower {
  readonly seen: string[] = [];
  private readonly known = new Set<string>();
  position = beginning;
  constructor(private readonly replica: Replica) {}

  async step(): Promise<void> {
    await this.replica.waitForChange(this.position, 20);
    const { events, position } = await this.replica.changesSince(
      this.position,
      (cls: ClassName) => cls === 'VM_group',
    );
    expect(asToken(position) >= asToken(this.position)).toBe(true);
    this.position = position;
    for (const { op, ref } of events) {
      expect({ op, ref, known: this.known.has(ref) }).toEqual({ op, ref, known: op !== 'add' });
      if (op === 'add') this.known.add(ref);
      this.seen.push(`${op} ${ref}`);
    }
  }
}

test('transactions that commit in another order than they began: every change is seen exactly once', async () => {
  const replicas = [await start(), await start(50), await start()];
  const followers = replicas.map((r) => new Follower(r)),
    committed: string[] = [];
  let running = true;
  const following = followers.map(async (f) => {
    while (running) await f.step();
  });
  const writer = async (w: number): Promise<void> => {
    for (let i = 0; i < 40; i += 1) {
      const ref = newRef<'VM_group'>();
      await inTransaction(store, async (tx) => {
        await tx.query('SELECT pg_current_xact_id()');
        await sleep(Math.random() * 8);
        await tx.insertAll('VM_group', [{ ref, uuid: `${w}/${i}` }]);
        await sleep(Math.random() < 0.1 ? 40 : Math.random() * 5);
        if (Math.random() < 0.1) throw new Error('changed my mind');
      }).then(
        () => committed.push(`add ${ref}`),
        () => undefined,
      );
    }
  };
  await Promise.all(Array.from({ length: 12 }, (_, w) => writer(w)));
  running = false;
  await Promise.all(following);
  const deadline = performance.now() + 60_000;
  for (const follower of followers) {
    while (follower.seen.length < committed.length && performance.now() < deadline) await follower.step();
    expect([...follower.seen].sort()).toEqual([...committed].sort());
  }
});
