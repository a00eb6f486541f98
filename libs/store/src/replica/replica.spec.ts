import { asRef, classNamed, storedClasses, type ClassName, type Ref, type XenRecord } from '@xenplane/model';
import { createTestDatabase, type TestDatabase } from '@xenplane/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Derivations } from './derivations';
import { newRef } from '../ids';
import { nameOf } from '../schema/relations';
import { Replica, type ReplicaOptions } from './replica';
import { Store } from '../store';
import { inTransaction } from '../transaction/transaction';

let database: TestDatabase, store: Store, replica: Replica;
let encoded = 0;
const encode = (cls: ClassName, record: Readonly<Record<string, unknown>>): string => {
  encoded += 1;
  return JSON.stringify(
    Object.fromEntries(Object.keys(classNamed(cls).fields).map((name) => [name, record[name]])),
  );
};
/** How many disks a VM has, as a rule above the store might say it; a VDI's size is in it too. */
const derivations: Derivations<Replica> = {
  VM: {
    derive: (_vm, ref, view) => ({
      allowed_operations: view
        .pointingAt('VBD.VM', ref)
        .some((b) => view.stored('VBD', b)?.currently_attached)
        ? ['shutdown']
        : ['start'],
    }),
  },
  SR: {
    derive: (_sr, ref, view) => ({
      tags: view.pointingAt('VDI.SR', ref).map((v) => view.stored('VDI', v)?.name_label ?? ''),
    }),
  },
  network: {
    looks: [
      {
        fields: ['name_label'],
        by: (_network, _ref, view) => [...view.refs('pool')].map((ref) => ['pool', ref] as const),
      },
    ],
  },
  pool: {
    derive: (_pool, _ref, view) => ({
      tags: [...view.refs('network')].map((n) => view.stored('network', n)?.name_label ?? ''),
    }),
  },
  VM_metrics: {
    looks: [
      {
        fields: ['nested_virt'],
        by: (_metrics, ref, view) => view.pointingAt('VM.metrics', ref).map((vm) => ['VM', vm] as const),
      },
    ],
  },
  VBD: { looks: [{ fields: ['VM', 'currently_attached'], by: (vbd) => [['VM', String(vbd['VM'])]] }] },
  VDI: { looks: [{ fields: ['SR', 'name_label'], by: (vdi) => [['SR', String(vdi['SR'])]] }] },
};
const options: ReplicaOptions = { encode, derivations };

beforeAll(async () => {
  database = await createTestDatabase();
  store = await Store.connect({ url: database.url });
  replica = await Replica.start(store, options);
});
afterAll(async () => {
  await replica.stop();
  await store.close();
  await database.drop();
});

let made = 0;
const uuid = (): string => `object-${(made += 1)}`;
async function insert<N extends ClassName>(cls: N, record: Partial<XenRecord<N>>): Promise<Ref<N>> {
  const ref = newRef<N>();
  await inTransaction(store, (tx) => tx.insertAll(cls, [{ ref, ...{ uuid: uuid() }, ...record }]));
  return ref;
}
const sorted = (value: unknown): unknown => (Array.isArray(value) ? [...value].sort() : value);
/** All that a replica says, sets in one order. */
function contents(of: Replica): unknown {
  return storedClasses.map((cls) =>
    [...of.refs(nameOf(cls))].sort().map((ref) => {
      const record = of.record(nameOf(cls), ref) ?? {};
      return [
        cls.name,
        ref,
        Object.entries(record).map(([k, v]) => [k, sorted(v)]),
        Object.entries<unknown>(JSON.parse(of.fragment(nameOf(cls), ref))).map(([k, v]) => [k, sorted(v)]),
      ];
    }),
  );
}
const textOf = (of: Replica, cls: ClassName): Record<string, unknown> =>
  JSON.parse(`{${of.allRecords(cls).join()}}`) as Record<string, unknown>;

test('readers that wait for one another see what was committed before each of them asked', async () => {
  const reads: Promise<boolean>[] = [];
  // Many changes at a time make looks long.
  for (let round = 0; round < 4; round += 1) {
    const vms = Array.from({ length: 200 }, () => newRef<'VM'>());
    await inTransaction(store, (tx) =>
      tx.insertAll(
        'VM',
        vms.map((ref) => ({ ref, uuid: uuid() })),
      ),
    );
    reads.push(replica.freshForReaders().then(() => vms.every((ref) => replica.has('VM', ref))));
    if (round % 2 === 1) await Promise.all(reads);
  }
  expect(await Promise.all(reads)).toEqual([true, true, true, true]);
  await inTransaction(store, (tx) => tx.query("DELETE FROM vm WHERE uuid LIKE 'object-%'"));
});

test('what is committed is there when asked for, found by reference, uuid and label, with its relations', async () => {
  const vm = await insert('VM', { name_label: 'web', uuid: 'the-uuid' });
  const vbd = await insert('VBD', { VM: vm });
  await replica.fresh();
  expect(replica.record('VM', vm)).toMatchObject({
    name_label: 'web',
    VBDs: [vbd],
    allowed_operations: ['start'],
    resident_on: 'OpaqueRef:NULL',
    crash_dumps: [],
  });
  expect([
    replica.byUuid('VM', 'the-uuid'),
    replica.byNameLabel('VM', 'web'),
    replica.has('VM', vm),
    replica.stored('VBD', vbd)?.VM,
  ]).toEqual([vm, [vm], true, vm]);
  await inTransaction(store, async (tx) => {
    await tx.update('VM', vm, { name_label: 'db' });
    await tx.remove('VBD', vbd);
  });
  await replica.fresh();
  expect([
    replica.byNameLabel('VM', 'web'),
    replica.byNameLabel('VM', 'db'),
    replica.record('VM', vm)?.VBDs,
    replica.has('VBD', vbd),
    replica.byUuid('VM', 'no'),
  ]).toEqual([[], [vm], [], false, undefined]);
});

test('texts follow every change that goes into them', async () => {
  const vm = await insert('VM', {}),
    vbd = await insert('VBD', { VM: vm }),
    sr = await insert('SR', {});
  const vdi = await insert('VDI', { SR: sr, name_label: 'one' }),
    pool = await insert('pool', {}),
    network = await insert('network', { name_label: 'n1' });
  const see = async <N extends ClassName>(cls: N, ref: Ref<N>, part: object): Promise<void> => {
    await replica.fresh();
    expect(replica.record(cls, ref)).toMatchObject(part);
    expect(JSON.parse(replica.fragment(cls, ref))).toMatchObject(part);
    expect(textOf(replica, cls)[ref]).toMatchObject(part);
  };
  await see('VM', vm, { VBDs: [vbd], allowed_operations: ['start'] });
  await inTransaction(store, (tx) => tx.update('VBD', vbd, { currently_attached: true }));
  await see('VM', vm, { allowed_operations: ['shutdown'] });
  await see('SR', sr, { tags: ['one'] });
  await inTransaction(store, (tx) => tx.update('VDI', vdi, { name_label: 'two' }));
  await see('SR', sr, { tags: ['two'] });
  await see('pool', pool, { tags: ['n1'] });
  await inTransaction(store, (tx) => tx.update('network', network, { name_label: 'n2' }));
  await see('pool', pool, { tags: ['n2'] });
  await inTransaction(store, (tx) => tx.remove('network', network));
  await see('pool', pool, { tags: [] });
});

test('two replicas on one database: each sees at once what the other process commits', async () => {
  const other = await Store.connect({ url: database.url, connections: 2 }),
    far = await Replica.start(other, options);
  const vm = await insert('VM', {});
  for (let i = 1; i <= 50; i += 1) {
    await inTransaction(i % 2 ? store : other, (tx) => tx.update('VM', vm, { order: i }));
    await Promise.all([replica.fresh(), far.fresh()]);
    expect([replica.stored('VM', vm)?.order, far.stored('VM', vm)?.order]).toEqual([i, i]);
  }
  await inTransaction(other, (tx) => tx.update('VM', vm, { order: 0 }));
  for (let waited = 0; waited < 400 && replica.stored('VM', vm)?.order !== 0; waited += 10) await sleep(10);
  expect(replica.stored('VM', vm)?.order).toBe(0);
  await far.stop();
  await other.close();
});

test('many who ask at once share one look, on one connection', async () => {
  await replica.fresh();
  const looks = jest.spyOn(replica, 'pull');
  await Promise.all(Array.from({ length: 1000 }, () => replica.fresh()));
  expect(looks.mock.calls.length).toBeLessThanOrEqual(2);
  looks.mockRestore();
  expect(
    await store.query(
      "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name LIKE '%replica' AND datname = current_database()",
    ),
  ).toEqual([{ n: 1 }]);
});

test('after a storm a replica is what a new one loads', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  let state = seed;
  const random = (below: number): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below;
  const pick = <T>(from: readonly T[]): T | undefined => from[random(Math.max(1, from.length))];
  const vms: Ref<'VM'>[] = [],
    vdis: Ref<'VDI'>[] = [],
    vbds: Ref<'VBD'>[] = [],
    groups: Ref<'VM_group'>[] = [];
  const sr = await insert('SR', {});
  for (let i = 0; i < 4; i += 1) groups.push(await insert('VM_group', {}));
  const steps: (() => Promise<unknown>)[] = [
    async () =>
      vms.push(
        await insert('VM', { name_label: `vm ${random(5)}`, groups: groups.filter(() => random(2) === 0) }),
      ),
    async () => vdis.push(await insert('VDI', { SR: sr })),
    async () =>
      vbds.push(
        await insert('VBD', {
          VM: pick(vms) ?? asRef('OpaqueRef:NULL'),
          VDI: pick(vdis) ?? asRef('OpaqueRef:NULL'),
        }),
      ),
    async () => {
      const vm = pick(vms),
        from = pick(vms);
      if (vm && from)
        await inTransaction(store, (tx) =>
          tx.update('VM', vm, {
            name_label: `vm ${random(5)}`,
            snapshot_of: from,
            groups: groups.filter(() => random(2) === 0),
          }),
        );
    },
    async () => {
      const vbd = pick(vbds),
        vm = pick(vms);
      if (vbd && vm)
        await inTransaction(store, (tx) =>
          tx.update('VBD', vbd, { VM: vm, currently_attached: random(2) === 0 }),
        );
    },
    async () => {
      const [vbd] = vbds.splice(random(Math.max(1, vbds.length)), 1);
      if (vbd) await inTransaction(store, (tx) => tx.remove('VBD', vbd));
    },
    async () => {
      const vm = pick(vms);
      if (vm)
        await inTransaction(store, (tx) => tx.query('UPDATE vbd SET "VM" = NULL WHERE "VM" = $1', [vm])).then(
          () => replica.fragment('VM', vm),
        );
    },
  ];
  const walk = async (): Promise<void> => {
    for (let i = 0; i < 150; i += 1)
      await pick(steps)?.().catch((error: { code?: string }) =>
        expect(error.code).toMatch(/HANDLE_INVALID|23503/),
      );
  };
  const reading = new AbortController();
  const readers = (async () => {
    for (; !reading.signal.aborted; await sleep(1))
      storedClasses.forEach((cls) => replica.allRecords(nameOf(cls)));
  })();
  await Promise.all([walk(), walk(), walk(), walk()]);
  reading.abort();
  await readers;
  const loaded = await Replica.start(store, options);
  await replica.fresh();
  expect({ seed, contents: contents(replica) }).toEqual({ seed, contents: contents(loaded) });
  for (const cls of storedClasses)
    expect(Object.keys(textOf(replica, nameOf(cls)))).toHaveLength(replica.count(nameOf(cls)));
  expect(replica.counts()).toEqual(loaded.counts());
  await loaded.stop();
});

test('a load in the midst of writers neither loses nor repeats', async () => {
  const vm = await insert('VM', {});
  let running = true,
    last = 0;
  const writers = Promise.all(
    [0, 1, 2].map(async () => {
      while (running)
        await inTransaction(store, async (tx) =>
          tx.query('UPDATE vm SET "order" = "order" + 1 WHERE ref = $1', [vm]),
        ).then(() => (last += 1));
    }),
  );
  for (let i = 0; i < 5; i += 1) {
    const late = await Replica.start(store, options);
    await sleep(20);
    const atLeast = last;
    await late.fresh();
    expect(late.stored('VM', vm)?.order).toBeGreaterThanOrEqual(atLeast);
    await late.stop();
  }
  running = false;
  await writers;
});

/** The most by which the counts grow between two turns of others, while something is done. */
async function longestStride(
  counts: readonly (() => number)[],
  work: () => Promise<unknown>,
): Promise<number[]> {
  let last = counts.map((count) => count()),
    watching = true;
  const longest = counts.map(() => 0);
  const watch = (): void => {
    const now = counts.map((count) => count());
    now.forEach((n, i) => (longest[i] = Math.max(longest[i] ?? 0, n - (last[i] ?? 0))));
    last = now;
    if (watching) setImmediate(watch);
  };
  setImmediate(watch);
  await work();
  watching = false;
  watch();
  return longest;
}

test('10,000 changes at once leave others their turn', async () => {
  await inTransaction(store, (tx) =>
    tx.insertAll(
      'VM',
      Array.from({ length: 10_000 }, () => ({ ref: newRef<'VM'>(), uuid: uuid(), name_label: 'burst' })),
    ),
  );
  const before = encoded;
  const [taken, written] = await longestStride([() => replica.count('VM'), () => encoded], async () => {
    await replica.fresh();
    await replica.prepare('VM');
  });
  expect(replica.byNameLabel('VM', 'burst')).toHaveLength(10_000);
  expect(taken).toBeLessThanOrEqual(1_000);
  expect(encoded - before).toBeGreaterThanOrEqual(10_000);
  expect(written).toBeLessThan(5_000);
  expect(Object.values(textOf(replica, 'VM'))).toHaveLength(replica.count('VM'));
  await store.query(`DELETE FROM vm WHERE name_label = 'burst'`);
  await replica.fresh();
  expect(replica.byNameLabel('VM', 'burst')).toEqual([]);
});

test('a lost connection is made anew, and what was missed is made up', async () => {
  const vm = await insert('VM', {});
  await store.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%replica' AND datname = current_database()",
  );
  await inTransaction(store, (tx) => tx.update('VM', vm, { order: 7 }));
  await replica.fresh();
  expect(replica.stored('VM', vm)?.order).toBe(7);
});

test('nobody can write into what is shared', async () => {
  const vm = await insert('VM', {});
  await replica.fresh();
  const record = replica.record('VM', vm);
  expect(() => record?.tags.push('x')).toThrow(TypeError);
});

test('a process that answers no reads keeps nothing', async () => {
  const idle = await Replica.start(store, { encode, idle: true });
  expect(idle.count('VM')).toBe(0);
  await idle.waitForChange({ base: 0, seen: 0n }, 1);
  await idle.stop();
});
