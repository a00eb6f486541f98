import { asRef, XenError, type Ref } from '@xenplane/model';
import { createTestDatabase, type TestDatabase } from '@xenplane/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { newRef } from '../ids';
import { idleMs, limitMs, Store } from '../store';
import { CommitUnknown, inTransaction, TooBusy } from './transaction';
import type { Tx } from './objects';

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
async function vm(label = ''): Promise<Ref<'VM'>> {
  const ref = newRef<'VM'>();
  await inTransaction(store, (tx) =>
    tx.insertAll('VM', [{ ref, uuid: `vm-${(made += 1)}`, name_label: label }]),
  );
  return ref;
}
const label = async (ref: Ref<'VM'>): Promise<string | undefined> =>
  (await store.read((tx) => tx.getMany('VM', [ref])))[0]?.name_label;
const nowhere = asRef<'VM'>('OpaqueRef:nowhere');
/** Ends the connection that a transaction uses, as an administrator would. */
const cut = async (tx: Tx): Promise<void> => {
  const [own] = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  await store.query('SELECT pg_terminate_backend($1)', [own?.pid]);
  await sleep(20);
};

test('an error takes everything back, and is the one that the caller sees', async () => {
  const ref = await vm('before');
  const failing = inTransaction(store, async (tx) => {
    await tx.update('VM', ref, { name_label: 'after' });
    throw new XenError('VM_IS_TEMPLATE', ref, 'start');
  });
  await expect(failing).rejects.toMatchObject({ code: 'VM_IS_TEMPLATE' });
  expect(await label(ref)).toBe('before');
});

test.each<[string, (tx: Tx) => Promise<unknown>]>([
  ['get', (tx) => tx.get('VM', nowhere)],
  ['lock', (tx) => tx.lock('VM', nowhere)],
  ['update', (tx) => tx.update('VM', nowhere, { name_label: '' })],
  ['updateMany', (tx) => tx.updateMany('VM', [{ ref: nowhere, name_label: '' }])],
  ['remove', (tx) => tx.remove('VM', nowhere)],
])('%s of an object that is not there is HANDLE_INVALID', async (_what, work) => {
  await expect(inTransaction(store, work)).rejects.toMatchObject({
    code: 'HANDLE_INVALID',
    params: ['VM', nowhere],
  });
});

test('updateMany takes rows in one order, whatever the order and the fields it is given', async () => {
  const refs = await Promise.all(Array.from({ length: 20 }, () => vm()));
  const writers = Array.from({ length: 6 }, (_, w) =>
    inTransaction(store, (tx) =>
      tx.updateMany(
        'VM',
        [...refs]
          .sort(() => Math.random() - 0.5)
          .map((ref, i) =>
            i % 2 === w % 2 ? { ref, name_label: `w${w}` } : { ref, name_description: `w${w}`, order: w },
          ),
      ),
    ),
  );
  await Promise.all(writers);
  await inTransaction(store, (tx) =>
    tx.updateMany('VM', [
      ...refs.map((ref) => ({ ref, name_label: 'a' })),
      ...refs.map((ref) => ({ ref, name_label: 'b' })),
    ]),
  );
  const rows = await store.read((tx) => tx.getMany('VM', refs));
  expect(new Set(rows.map((r) => r.name_label))).toEqual(new Set(['b']));
  expect(rows.map((r) => r.ref)).toEqual(refs);
});

test('two that wait for one another: one is restarted whole, and both get through', async () => {
  const [a, b] = [await vm('0'), await vm('0')];
  let runs = 0;
  const add = (first: Ref<'VM'>, second: Ref<'VM'>): Promise<void> =>
    inTransaction(store, async (tx) => {
      runs += 1;
      for (const ref of [first, second]) {
        const row = await tx.lock('VM', ref);
        await tx.update('VM', ref, { name_label: String(Number(row.name_label) + 1) });
        await sleep(30);
      }
    });
  await Promise.all([add(a, b), add(b, a)]);
  expect(runs).toBeGreaterThan(2);
  expect([await label(a), await label(b)]).toEqual(['2', '2']);
});

test('a conflict that does not end is TooBusy after a bounded number of restarts, and nothing has happened', async () => {
  const ref = await vm('before');
  let runs = 0;
  const work = inTransaction(store, async (tx) => {
    runs += 1;
    await tx.update('VM', ref, { name_label: 'after' });
    await tx.query("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$");
  });
  await expect(work).rejects.toBeInstanceOf(TooBusy);
  expect(runs).toBe(9);
  expect(await label(ref)).toBe('before');
});

test('a connection lost before the commit: the work is done again, once in effect', async () => {
  const ref = await vm('0');
  let runs = 0;
  await inTransaction(store, async (tx) => {
    runs += 1;
    const row = await tx.lock('VM', ref);
    await tx.update('VM', ref, { name_label: String(Number(row.name_label) + 1) });
    if (runs === 1) await cut(tx);
    await tx.get('VM', ref);
  });
  expect([runs, await label(ref)]).toEqual([2, '1']);
});

test('a connection lost at the commit: nobody may pretend to know', async () => {
  const ref = await vm('before');
  const work = inTransaction(store, async (tx) => {
    await tx.update('VM', ref, { name_label: 'after' });
    tx.leave('SELECT pg_terminate_backend(pg_backend_pid())');
  });
  await expect(work).rejects.toBeInstanceOf(CommitUnknown);
  expect(await label(ref)).toBe('before');
});

test('a connection lost behind the last statement, before the commit is sent: the work is done again', async () => {
  const ref = await vm('0');
  let runs = 0;
  await inTransaction(store, async (tx) => {
    runs += 1;
    await tx.update('VM', ref, { name_label: String(runs) });
    if (runs === 1) await cut(tx);
  });
  expect([runs, await label(ref)]).toEqual([2, '2']);
});

test.each<[string, (tx: Tx, ref: Ref<'VM'>) => Promise<unknown>]>([
  ['behind its last statement', async () => undefined],
  ['between two statements', (tx, ref) => tx.get('VM', ref)],
])(
  'a process that stood still %s lost its transaction, keeps nobody waiting, and does the work again',
  async (_where, last) => {
    const ref = await vm('0');
    let runs = 0;
    await inTransaction(store, async (tx) => {
      runs += 1;
      const row = await tx.lock('VM', ref);
      await tx.update('VM', ref, { name_label: String(Number(row.name_label) + 1) });
      // As when the process is stopped: Postgres waits for it, and others for the row.
      if (runs === 1) await inTransaction(store, (other) => other.update('VM', ref, { name_label: '10' }));
      await last(tx, ref);
    });
    expect([runs, await label(ref)]).toEqual([2, '11']);
  },
);

test('a statement whose failure was ignored cannot be committed in silence', async () => {
  const ref = await vm('before');
  const work = inTransaction(store, async (tx) => {
    await tx.update('VM', ref, { name_label: 'after' });
    await tx.query('SELECT 1 / 0').catch(() => undefined);
  });
  await expect(work).rejects.toThrow(/nothing was committed/);
  expect(await label(ref)).toBe('before');
});

test('effects come after the commit, once, and not at all without one', async () => {
  const ref = await vm('before'),
    heard: (string | undefined)[] = [];
  let runs = 0;
  await inTransaction(store, async (tx) => {
    tx.afterCommit(() => heard.push('committed'));
    await tx.update('VM', ref, { name_label: 'after' });
    if ((runs += 1) === 1) await tx.query("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$");
  });
  const failing = inTransaction(store, async (tx) => {
    tx.afterCommit(() => heard.push('never'));
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  expect([runs, heard]).toEqual([2, ['committed']]);
});

test('a reference that must not dangle is refused at the commit; the order inside is free', async () => {
  const lost = newRef<'VBD'>();
  await expect(
    inTransaction(store, (tx) => tx.insertAll('VBD', [{ ref: lost, uuid: 'lost', VM: nowhere }])),
  ).rejects.toMatchObject({
    code: '23503',
    constraint: 'vbd_VM_fkey',
  });
  const [owner, vbd] = [newRef<'VM'>(), newRef<'VBD'>()];
  await inTransaction(store, async (tx) => {
    await tx.insertAll('VBD', [{ ref: vbd, uuid: 'kept', VM: owner }]);
    await tx.insertAll('VM', [{ ref: owner, uuid: 'owner' }]);
  });
  await expect(inTransaction(store, (tx) => tx.remove('VM', owner))).rejects.toMatchObject({ code: '23503' });
  await inTransaction(store, async (tx) => {
    await tx.remove('VM', owner);
    await tx.remove('VBD', vbd);
  });
});

test('a locked object does not keep others from pointing at it', async () => {
  const owner = await vm();
  await inTransaction(store, async (tx) => {
    await tx.lock('VM', owner);
    await inTransaction(store, (other) =>
      other.insertAll('VBD', [{ ref: newRef(), uuid: 'beside', VM: owner }]),
    );
  });
});

test('every connection has time limits, and times come in UTC', async () => {
  const settings = await Promise.all(
    Array.from({ length: 8 }, () =>
      store.query<{ statement: string; idle: string; zone: string }>(
        `SELECT current_setting('statement_timeout') AS statement, current_setting('idle_in_transaction_session_timeout') AS idle, current_setting('TimeZone') AS zone`,
      ),
    ),
  );
  for (const [row] of settings)
    expect(row).toEqual({ statement: `${limitMs / 1000}s`, idle: `${idleMs / 1000}s`, zone: 'UTC' });
});

test('statements are prepared once a connection', async () => {
  const single = await Store.connect({ url: database.url, connections: 1 });
  const ref = await vm();
  for (let i = 0; i < 5; i += 1)
    await inTransaction(single, (tx) =>
      tx.update('VM', ref, i % 2 === 0 ? { name_label: `${i}`, order: i } : { order: i, name_label: `${i}` }),
    );
  const rows = await single.query<{ statement: string }>('SELECT statement FROM pg_prepared_statements');
  expect(rows.filter((r) => r.statement.startsWith('UPDATE "vm" SET'))).toHaveLength(1);
  await single.close();
});

test('reads that belong together are of one moment and cannot write', async () => {
  const ref = await vm('before');
  const seen = await store.read(async (tx) => {
    const first = (await tx.get('VM', ref)).name_label;
    await inTransaction(store, (other) => other.update('VM', ref, { name_label: 'after' }));
    return [first, (await tx.get('VM', ref)).name_label];
  });
  expect(seen).toEqual(['before', 'before']);
  await expect(store.read((tx) => tx.update('VM', ref, { name_label: 'x' }))).rejects.toMatchObject({
    code: '25006',
  });
  expect(await label(ref)).toBe('after');
});

test('a transaction that is over sends nothing', async () => {
  let kept: Tx | undefined;
  await inTransaction(store, async (tx) => void (kept = tx));
  await expect(kept?.query('SELECT 1')).rejects.toThrow('over');
});

describe('what is left for the commit', () => {
  const rename = 'UPDATE vm SET name_label = $2 WHERE ref = $1 RETURNING ref';
  test('goes with it, in the order of the statements', async () => {
    const ref = await vm('before');
    const seen = await inTransaction(store, async (tx) => {
      tx.leave(rename, [ref, 'left']);
      const { name_label } = await tx.get('VM', ref);
      tx.leaveUpdate('VM', ref, { name_label: `${name_label} behind` });
      return name_label;
    });
    expect([seen, await label(ref)]).toEqual(['left', 'left behind']);
  });

  test('takes everything back when it fails, and the caller sees why', async () => {
    const ref = await vm('before');
    const failing = inTransaction(store, async (tx) => {
      await tx.update('VM', ref, { name_label: 'after' });
      tx.leave('INSERT INTO vm(ref, uuid) VALUES ($1, $1)', [ref]);
    });
    await expect(failing).rejects.toMatchObject({ code: '23505' });
    expect(await label(ref)).toBe('before');
  });

  test('is what the caller sees when a later statement, which is waited for, is refused because of it', async () => {
    const ref = await vm('before');
    const duplicate = inTransaction(store, async (tx) => {
      await tx.update('VM', ref, { name_label: 'after' });
      tx.leave('INSERT INTO vm(ref, uuid) VALUES ($1, $1)', [ref]);
      return tx.get('VM', ref);
    });
    await expect(duplicate).rejects.toMatchObject({ code: '23505' });
    const absent = inTransaction(store, async (tx) => {
      tx.leave(rename, [nowhere, 'x'], () => new XenError('HANDLE_INVALID', 'VM', nowhere));
      return tx.get('VM', ref);
    });
    await expect(absent).rejects.toMatchObject({ code: 'HANDLE_INVALID' });
    expect(await label(ref)).toBe('before');
  });

  test('is not hidden by that of a statement beside it which is seen first', async () => {
    const ref = await vm('before');
    const failing = inTransaction(store, async (tx) => {
      const duplicate = tx
        .query('INSERT INTO vm(ref, uuid) VALUES ($1, $1)', [ref])
        .then(async (rows) => Promise.resolve(rows));
      duplicate.catch(() => undefined);
      await tx.query('SELECT 1');
      return duplicate;
    });
    await expect(failing).rejects.toMatchObject({ code: '23505' });
    expect(await label(ref)).toBe('before');
  });

  test('takes everything back when it must find something and does not', async () => {
    const ref = await vm('before');
    const failing = inTransaction(store, async (tx) => {
      await tx.update('VM', ref, { name_label: 'after' });
      tx.leave(rename, [nowhere, 'x'], () => new XenError('HANDLE_INVALID', 'VM', nowhere));
    });
    await expect(failing).rejects.toMatchObject({ code: 'HANDLE_INVALID' });
    expect(await label(ref)).toBe('before');
    await inTransaction(store, async (tx) =>
      tx.leave(rename, [ref, 'found'], () => new XenError('HANDLE_INVALID', 'VM', ref)),
    );
    expect(await label(ref)).toBe('found');
  });

  test('is done again with the rest after a conflict', async () => {
    const ref = await vm('before');
    let tries = 0;
    await inTransaction(store, async (tx) => {
      tx.leave(rename, [ref, `try ${(tries += 1)}`]);
      if (tries === 1) tx.leave("DO $$ BEGIN RAISE EXCEPTION 'conflict' USING ERRCODE = '40001'; END $$");
    });
    expect([tries, await label(ref)]).toEqual([2, 'try 2']);
  });

  test('leaves the outcome unknown when the connection goes with it', async () => {
    const ref = await vm('before');
    const failing = inTransaction(store, async (tx) => {
      await tx.update('VM', ref, { name_label: 'after' });
      tx.leave('SELECT pg_terminate_backend(pg_backend_pid())');
    });
    await expect(failing).rejects.toThrow(CommitUnknown);
    expect(await label(ref)).toBe('before');
  });
});
