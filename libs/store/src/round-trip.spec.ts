import {
  asRef,
  storedClasses,
  storedFields,
  type AnyRecord,
  type ClassDef,
  type ClassName,
  type StoredRecord,
  type Type,
} from '@xenplane/model';
import { createTestDatabase, type TestDatabase } from '@xenplane/testing';
import { foreignKeys } from './schema/foreign-keys';
import { newRef } from './ids';
import type { Inserted } from './transaction/objects';
import { nameOf } from './schema/relations';
import { Store } from './store';
import { inTransaction } from './transaction/transaction';

let database: TestDatabase, store: Store;
beforeAll(async () => {
  database = await createTestDatabase();
  store = await Store.connect({ url: database.url });
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

const strange = `'"\\ {},;$1 %s\n\t\u0001\u007f\u00e9\u4e2d\ud83d\ude00 NULL ${'x'.repeat(5000)}`;
/** The values of a type that are easiest to get wrong. */
function extremes(type: Type): readonly unknown[] {
  const inner = type.of ? extremes(type.of) : [];
  switch (type.kind) {
    case 'string':
      return [strange, '', '\\'];
    case 'int':
      return [2 ** 62, -(2 ** 62), 0, Number.MAX_SAFE_INTEGER, -1];
    case 'float':
      return [Number.MAX_VALUE, 5e-324, -0.1, 0];
    case 'bool':
      return [true, false];
    case 'datetime':
      return ['99991231T23:59:59Z', '19700101T00:00:00Z', '00010101T00:00:00Z', '20240229T12:34:56Z'];
    case 'ref':
      return ['OpaqueRef:NULL', `OpaqueRef:${'0'.repeat(32)}`];
    case 'enum':
      return type.values ?? [''];
    case 'set':
      return [inner, [], inner.slice(0, 1)];
    case 'map':
      return [
        Object.fromEntries(
          inner.map((v, i) => [type.key?.kind === 'int' ? String(2 ** 40 + i) : `${strange}${i}`, v]),
        ),
        {},
      ];
    default:
      return [{ a: strange }, {}];
  }
}
const constrained = (cls: ClassDef, field: string): boolean =>
  foreignKeys.some((k) => k.from === cls.name && k.field === field);

function recordOf(cls: ClassDef, variant: number): AnyRecord {
  return Object.fromEntries(
    storedFields(cls).map((name) => {
      const all = extremes(cls.fields[name]?.type ?? { kind: 'string' });
      const value = constrained(cls, name) ? 'OpaqueRef:NULL' : all[variant % all.length];
      return [name, name === 'uuid' ? `${cls.name}-${variant}` : value];
    }),
  );
}
/** A record made from the model's types has the type that follows from them. */
const typed = <N extends ClassName>(record: AnyRecord): StoredRecord<N> => record as StoredRecord<N>;

test.each(storedClasses.map((cls) => [cls.name, cls] as const))(
  '%s comes back as it went, however it went',
  async (_name, cls) => {
    const name = nameOf(cls),
      records = [0, 1, 2, 3, 4].map((v) => recordOf(cls, v));
    const refs = records.map(() => newRef<ClassName>());
    await inTransaction(store, async (tx) => {
      await tx.insert(name, refs[0] ?? asRef(''), typed(records[0] ?? {}));
      await tx.insertAll(
        name,
        [1, 2].map((i) => ({ ...records[i], ref: refs[i] }) as Inserted<ClassName>),
      );
      await tx.insertAll(
        name,
        [3, 4].map((i) => ({ ref: refs[i], uuid: `${cls.name}-${i}` }) as Inserted<ClassName>),
      );
      await tx.update(name, refs[3] ?? asRef(''), typed(records[3] ?? {}));
      await tx.updateMany(name, [{ ...records[4], ref: refs[4] } as Inserted<ClassName>]);
    });
    const rows = await store.read((tx) => tx.getMany(name, refs));
    expect(rows).toEqual(records.map((record, i) => ({ ref: refs[i], ...record })));
    for (const [i, record] of records.entries()) {
      const found = await store.read((tx) => tx.find(name, typed(record)));
      expect(found.map((r) => r.ref)).toEqual([refs[i]]);
    }
  },
);

test('what is not said has the default of the model', async () => {
  const [one, two] = [newRef<'VM'>(), newRef<'VM'>()];
  const rows = await inTransaction(store, async (tx) => {
    await tx.insertAll('VM', [{ ref: one, uuid: 'one' }]);
    await tx.query("INSERT INTO vm(ref, uuid) VALUES ($1, 'two')", [two]);
    return tx.getMany('VM', [one, two]);
  });
  const [first, second] = rows.map(({ ref: _ref, uuid: _uuid, ...rest }) => rest);
  expect(first).toEqual(second);
  expect(first).toMatchObject({
    power_state: 'Halted',
    HVM_shadow_multiplier: 1,
    generation_id: '0:0',
    resident_on: 'OpaqueRef:NULL',
    snapshot_time: '19700101T00:00:00Z',
    platform: {},
    tags: [],
  });
});

test('integers are kept with all their digits, in columns and inside JSON', async () => {
  const ref = newRef<'VM'>(),
    metrics = newRef<'VM_metrics'>();
  await inTransaction(store, async (tx) => {
    await tx.insertAll('VM', [{ ref, uuid: 'digits', memory_static_max: 2 ** 62 }]);
    await tx.insertAll('VM_metrics', [{ ref: metrics, uuid: 'digits', numa_node_memory: { '0': 2 ** 62 } }]);
  });
  expect(await store.query('SELECT memory_static_max::text AS n FROM vm WHERE ref = $1', [ref])).toEqual([
    { n: '4611686018427387904' },
  ]);
  expect(
    await store.query("SELECT numa_node_memory->>'0' AS n FROM vm_metrics WHERE ref = $1", [metrics]),
  ).toEqual([{ n: '4611686018427387904' }]);
});

test('characters that Postgres cannot hold do not fail a call', async () => {
  const ref = newRef<'VM'>(),
    text = 'a\u0000b\ud800c';
  await inTransaction(store, async (tx) => {
    await tx.insertAll('VM', [
      { ref, uuid: 'nul', name_label: text, other_config: { [text]: text }, tags: [text] },
    ]);
    await tx.update('VM', ref, { name_description: text, xenstore_data: { k: text } });
  });
  const [row] = await store.read((tx) => tx.find('VM', { uuid: 'nul' }));
  const kept = 'ab\ufffdc';
  expect(row).toMatchObject({
    name_label: kept,
    name_description: kept,
    other_config: { [kept]: kept },
    xenstore_data: { k: kept },
    tags: [kept],
  });
});
