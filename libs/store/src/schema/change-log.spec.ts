import { asRef, type ClassName, type Ref } from '@xenplane/model';
import { createTestDatabase, type TestDatabase } from '@xenplane/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { newRef } from '../ids';
import type { Tx } from '../transaction/objects';
import { pruneChanges, type Keep } from '../prune';
import { Store } from '../store';
import { inTransaction } from '../transaction/transaction';

let database: TestDatabase, store: Store;
beforeAll(async () => {
  database = await createTestDatabase();
  store = await Store.connect({ url: database.url });
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

let made = 0;
const uuid = (): string => `object-${(made += 1)}`;
/** The log of the work, in order, as `op class name`. */
async function logs(
  work: (tx: Tx) => Promise<unknown>,
  names: Readonly<Record<string, string>>,
): Promise<string[]> {
  await store.query('TRUNCATE change');
  await inTransaction(store, work);
  const rows = await store.query<{ op: string; cls: string; ref: string }>(
    'SELECT op, cls, ref FROM change ORDER BY seq',
  );
  return rows.map((r) => `${r.op} ${r.cls} ${names[r.ref] ?? r.ref}`);
}
const named = (
  ...names: string[]
): { refs: Record<string, Ref<ClassName & string>>; names: Record<string, string> } => {
  const refs = Object.fromEntries(names.map((n) => [n, newRef()]));
  return { refs, names: Object.fromEntries(Object.entries(refs).map(([n, ref]) => [ref, n])) };
};
const ref = <N extends ClassName>(refs: Record<string, string>, name: string): Ref<N> =>
  asRef<N>(refs[name] ?? '');

test('making, moving and deleting a child touches its parents, old and new', async () => {
  const { refs, names } = named('vm1', 'vm2', 'disk', 'vbd', 'sr');
  await inTransaction(store, async (tx) => {
    await tx.insertAll('SR', [{ ref: ref(refs, 'sr'), uuid: uuid() }]);
    await tx.insertAll(
      'VM',
      ['vm1', 'vm2'].map((n) => ({ ref: ref<'VM'>(refs, n), uuid: uuid() })),
    );
    await tx.insertAll('VDI', [{ ref: ref(refs, 'disk'), uuid: uuid(), SR: ref(refs, 'sr') }]);
  });
  const vbd = ref<'VBD'>(refs, 'vbd');
  expect(
    await logs(
      (tx) => tx.insertAll('VBD', [{ ref: vbd, uuid: uuid(), VM: ref(refs, 'vm1'), VDI: ref(refs, 'disk') }]),
      names,
    ),
  ).toEqual(['a VBD vbd', 'm VM vm1', 'm VDI disk']);
  expect(await logs((tx) => tx.update('VBD', vbd, { device: 'xvda' }), names)).toEqual(['m VBD vbd']);
  expect(await logs((tx) => tx.update('VBD', vbd, { VM: ref(refs, 'vm2') }), names)).toEqual([
    'm VBD vbd',
    'm VM vm1',
    'm VM vm2',
  ]);
  expect(await logs((tx) => tx.update('VBD', vbd, { VDI: asRef('OpaqueRef:NULL') }), names)).toEqual([
    'm VBD vbd',
    'm VDI disk',
  ]);
  expect(await logs((tx) => tx.remove('VBD', vbd), names)).toEqual(['d VBD vbd', 'm VM vm2']);
});

test('sets of references touch those that came and those that went', async () => {
  const { refs, names } = named('vm', 'g1', 'g2', 'g3');
  await inTransaction(store, (tx) =>
    tx.insertAll(
      'VM_group',
      ['g1', 'g2', 'g3'].map((n) => ({ ref: ref<'VM_group'>(refs, n), uuid: uuid() })),
    ),
  );
  const vm = ref<'VM'>(refs, 'vm'),
    groups = (...n: string[]): Ref<'VM_group'>[] => n.map((x) => ref(refs, x));
  expect(
    await logs((tx) => tx.insertAll('VM', [{ ref: vm, uuid: uuid(), groups: groups('g1', 'g2') }]), names),
  ).toEqual(['a VM vm', 'm VM_group g1', 'm VM_group g2']);
  expect(await logs((tx) => tx.update('VM', vm, { groups: groups('g2', 'g3') }), names)).toEqual([
    'm VM vm',
    'm VM_group g1',
    'm VM_group g3',
  ]);
  expect(await logs((tx) => tx.update('VM', vm, { groups: groups('g3', 'g2') }), names)).toEqual(['m VM vm']);
  expect(await logs((tx) => tx.remove('VM', vm), names)).toEqual([
    'd VM vm',
    'm VM_group g3',
    'm VM_group g2',
  ]);
});

test('an update that changes nothing is no change; SQL outside of the objects is logged like any other', async () => {
  const { refs, names } = named('vm');
  const vm = ref<'VM'>(refs, 'vm');
  await inTransaction(store, (tx) =>
    tx.insertAll('VM', [{ ref: vm, uuid: uuid(), name_label: 'same', other_config: { a: '1', b: '2' } }]),
  );
  expect(
    await logs((tx) => tx.update('VM', vm, { name_label: 'same', other_config: { b: '2', a: '1' } }), names),
  ).toEqual([]);
  expect(
    await logs((tx) => tx.query(`UPDATE vm SET name_label = name_label || '!' WHERE ref = $1`, [vm]), names),
  ).toEqual(['m VM vm']);
});

test('what is rolled back was never logged', async () => {
  await store.query('TRUNCATE change');
  await inTransaction(store, async (tx) => {
    await tx.insertAll('VM', [{ ref: newRef(), uuid: uuid() }]);
    throw new Error('no');
  }).catch(() => undefined);
  expect(await store.query('SELECT 1 FROM change')).toEqual([]);
});

/** How many go, up to so many: what is not settled is not cut yet, and transactions of other spec files hold that back too. */
async function pruned(keep: Keep, most: number): Promise<number> {
  let deleted = 0;
  for (let tries = 0; tries < 500 && deleted < most; tries += 1) {
    deleted += await pruneChanges(store, keep);
    if (deleted < most) await sleep(20);
  }
  return deleted;
}

test('pruning cuts by age and by number, keeps the rest, and says where it cut', async () => {
  await store.query('TRUNCATE change');
  const vm = newRef<'VM'>();
  await inTransaction(store, (tx) => tx.insertAll('VM', [{ ref: vm, uuid: uuid() }]));
  for (let i = 0; i < 9; i += 1) await inTransaction(store, (tx) => tx.update('VM', vm, { order: i + 1 }));
  expect(await pruneChanges(store)).toBe(0);
  expect(await pruned({ rows: 6 }, 4)).toBe(4);
  const [first] = await store.query<{ xid: string }>(
    'SELECT min(xid::text::bigint)::text AS xid FROM change',
  );
  const [floor] = await store.query<{ value: string }>(
    "SELECT value FROM setting WHERE key = 'change_floor'",
  );
  expect(Number(floor?.value)).toBeLessThanOrEqual(Number(first?.xid));
  await store.query("UPDATE change SET at = at - interval '1 hour'");
  await inTransaction(store, (tx) => tx.update('VM', vm, { order: 99 }));
  expect(await pruned({ ms: 60_000 }, 6)).toBe(6);
  expect(await store.query('SELECT op FROM change')).toEqual([{ op: 'm' }]);
});
