/** The journal of durable operations on a real database: undos, the point of no return, attempts that are over, waiting. */
import { randomUUID } from 'node:crypto';
import { Store, type Tx } from '@xenplane/store';
import { createTestDatabase, type TestDatabase } from '@xenplane/testing';
import { Later, Lost, OperationWorker, Sweeper, type Operation, type Phase } from '@xenplane/work';
import { describeError, PostgresOperations } from '@xenplane/xapi';
import { XenError } from '@xenplane/model';

let database: TestDatabase;
let store: Store;
beforeAll(async () => {
  database = await createTestDatabase();
  store = await Store.connect({ url: database.url });
});
afterAll(async () => {
  await store?.close();
  await database?.drop();
});

/** A queued operation with its task. */
async function queued(): Promise<string> {
  const uuid = randomUUID();
  const ref = `OpaqueRef:${uuid}`;
  await store.query(
    `INSERT INTO task(ref, uuid, name_label, name_description, created, status, type, subtask_of, other_config, backtrace) VALUES ($1, $2, '', '', now(), 'pending', '', NULL, '{}', '')`,
    [ref, uuid],
  );
  await store.query("INSERT INTO operation(ref, method) VALUES ($1, 'test')", [ref]);
  return ref;
}
interface Ended {
  readonly state: string;
  readonly status: string;
  readonly error_info: readonly string[];
}
const ended = async (ref: string): Promise<Ended | undefined> =>
  (
    await store.query<Ended & Record<string, unknown>>(
      'SELECT o.state, t.status, t.error_info FROM operation o JOIN task t ON t.ref = o.ref WHERE o.ref = $1',
      [ref],
    )
  )[0];

type Around = (step: string, phase: Phase, act: () => Promise<unknown>) => Promise<unknown>;
function worker(operation: Operation<Tx>, around?: Around, errors: unknown[] = []): OperationWorker<Tx> {
  return new OperationWorker<Tx>({
    owner: randomUUID(),
    store: new PostgresOperations({ store }),
    operations: new Map([['test', operation]]),
    describe: describeError,
    tries: 1,
    beatMs: 20,
    onError: (_ref, error) => errors.push(error),
    ...(around
      ? { around: around as <T>(step: string, phase: Phase, act: () => Promise<T>) => Promise<T> }
      : {}),
  });
}
const broken = (): Promise<never> => Promise.reject(new XenError('INTERNAL_ERROR', 'broken'));
/** Dies at the nth undo: before its transaction, or after it. */
const dyingAtUndo = (nth: number, when: 'before' | 'after'): Around => {
  let seen = 0;
  return async (_step, phase, act) => {
    if (phase !== 'undo' || (seen += 1) !== nth) return act();
    if (when === 'after') await act();
    throw new Lost('worker died');
  };
};
const release = (ref: string): Promise<unknown> =>
  store.query('UPDATE operation SET owner = NULL WHERE ref = $1', [ref]);

/** Counts in the database, in the transaction of whoever counts. */
const count = (tx: Tx, key: string): Promise<unknown> =>
  tx.query(
    "INSERT INTO setting(key, value) VALUES ($1, '1') ON CONFLICT (key) DO UPDATE SET value = to_jsonb((setting.value)::int + 1)",
    [key],
  );
const counted = async (key: string): Promise<number> =>
  Number(
    (await store.query<{ value: number }>('SELECT value FROM setting WHERE key = $1', [key]))[0]?.value ?? 0,
  );

test('undos run in reverse, those of their own among those of steps, and the first failure is the error of the task', async () => {
  const undone: string[] = [];
  const undo = (name: string) => async (): Promise<void> => void undone.push(name);
  const ref = await queued();
  await worker(async (run) => {
    await run.step('first', async () => 1, undo('first'));
    run.undo('second', undo('second'));
    await run.commit('third', async () => 3, undo('third'));
    await run.step('fourth', broken, undo('fourth'));
  }).run(ref);
  expect(undone).toEqual(['fourth', 'third', 'second', 'first']);
  expect(await ended(ref)).toEqual({
    state: 'done',
    status: 'failure',
    error_info: ['INTERNAL_ERROR', 'broken'],
  });
});

describe.each(['before', 'after'] as const)('a worker that dies %s the transaction of an undo', (when) => {
  test.each([1, 2, 3])('number %i: each undo counts once', async (nth) => {
    const ref = await queued();
    const keys = ['commit', 'outside', 'own'].map((name) => `${ref} ${name}`);
    const outside: string[] = [];
    const operation: Operation<Tx> = async (run) => {
      await run.commit(
        'commit',
        async () => 0,
        (tx) => count(tx, keys[0] ?? '').then(() => undefined),
      );
      await run.step(
        'outside',
        async () => 0,
        async () => void outside.push('outside'),
      );
      run.undo('own', async () => void outside.push('own'));
      await run.step('fails', broken);
    };
    await worker(operation, dyingAtUndo(nth, when)).run(ref);
    expect((await ended(ref))?.status).toBe('pending');
    await release(ref);
    await worker(operation).run(ref);
    expect((await ended(ref))?.status).toBe('failure');
    expect(await counted(keys[0] ?? '')).toBe(1);
    expect(outside).toEqual(['own', 'outside']);
  });
});

describe('past the point of no return', () => {
  test('the undos before it are dropped, and the settlement is the only one', async () => {
    const done: string[] = [];
    const ref = await queued();
    await worker(async (run) => {
      await run.step(
        'before',
        async () => 0,
        async () => void done.push('undone'),
      );
      const onward = run.pointOfNoReturn('passed', {
        outside: async () => void done.push('outside'),
        show: async () => void done.push('shown'),
      });
      await onward.step('after', broken);
    }).run(ref);
    expect(done).toEqual(['outside', 'shown']);
    expect((await ended(ref))?.status).toBe('failure');
  });

  test.each(['before', 'after'] as const)(
    'a worker that dies %s the settlement shows it once',
    async (when) => {
      const ref = await queued();
      const operation: Operation<Tx> = async (run) => {
        await run.step('before', async () => 0);
        const onward = run.pointOfNoReturn('passed', { show: (tx) => count(tx, ref).then(() => undefined) });
        await onward.step('after', broken);
      };
      await worker(operation, dyingAtUndo(1, when)).run(ref);
      await release(ref);
      await worker(operation).run(ref);
      expect([await counted(ref), (await ended(ref))?.status]).toEqual([1, 'failure']);
    },
  );

  test('an operation that was asked to stop goes on', async () => {
    const ref = await queued();
    await store.query('UPDATE operation SET cancel_requested = true WHERE ref = $1', [ref]);
    await worker(async (run) => {
      const onward = run.pointOfNoReturn('passed', { show: async () => undefined });
      run.checkpoint();
      return onward.conclude('end', async () => undefined);
    }).run(ref);
    expect((await ended(ref))?.status).toBe('success');
  });

  test('a step with an undo is a mistake of the operation', async () => {
    const ref = await queued();
    await worker(async (run) => {
      run.pointOfNoReturn('passed', { show: async () => undefined });
      await run.step(
        'late',
        async () => 0,
        async () => undefined,
      );
    }).run(ref);
    expect((await ended(ref))?.error_info).toEqual([
      'INTERNAL_ERROR',
      'step late is past the point of no return and has an undo',
    ]);
  });
});

test('an operation that was asked to stop ends at its next safe point, undone', async () => {
  const undone: string[] = [];
  const ref = await queued();
  await store.query('UPDATE operation SET cancel_requested = true WHERE ref = $1', [ref]);
  await worker(async (run) => {
    await run.step(
      'first',
      async () => 0,
      async () => void undone.push('first'),
    );
    run.checkpoint();
    await run.step('second', async () => void undone.push('never'));
  }).run(ref);
  expect([undone, (await ended(ref))?.status]).toEqual([['first'], 'cancelled']);
});

test('a worker whose attempt is over changes nothing any more', async () => {
  const ref = await queued();
  const errors: unknown[] = [];
  let shown = false;
  await worker(
    async (run) => {
      await store.query('UPDATE operation SET attempt = attempt + 1 WHERE ref = $1', [ref]);
      await run.commit('late', (tx) => count(tx, ref));
      shown = true;
    },
    undefined,
    errors,
  ).run(ref);
  expect([await counted(ref), shown, errors]).toEqual([0, false, [expect.any(Lost)]]);
  expect((await ended(ref))?.status).toBe('pending');
});

test('a step that cannot be done yet is tried again until its limit, and the operation has no owner meanwhile', async () => {
  const ref = await queued();
  const owners: (string | null)[] = [];
  let tries = 0;
  const one = worker(async (run) => {
    await run.step('wait', async () => {
      tries += 1;
      throw new Later(30, tries > 3 ? 0 : 60_000, new XenError('HOST_OFFLINE', 'OpaqueRef:NULL'));
    });
  });
  await one.run(ref);
  for (let status = 'pending'; status === 'pending'; status = (await ended(ref))?.status ?? '') {
    const [row] = await store.query<{ owner: string | null }>('SELECT owner FROM operation WHERE ref = $1', [
      ref,
    ]);
    owners.push(row?.owner ?? null);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await one.stop();
  expect((await ended(ref))?.error_info).toEqual(['HOST_OFFLINE', 'OpaqueRef:NULL']);
  expect([tries, owners.includes(null)]).toEqual([4, true]);
});

describe('the sweeper', () => {
  test('takes an operation from its owner only after it stood still for the whole time, and rings for it', async () => {
    const ref = await queued();
    const operations = new PostgresOperations({ store });
    await operations.take(ref, 'owner');
    let now = 0;
    const rung: string[] = [];
    const sweeper = new Sweeper({
      store: operations,
      ring: async (rings) => void rung.push(...rings.map((ring) => ring.ref)),
      now: () => now,
      idleMs: 60_000,
      staleMs: 1_000,
    });
    const owner = async (): Promise<string | null> =>
      (await store.query<{ owner: string | null }>('SELECT owner FROM operation WHERE ref = $1', [ref]))[0]
        ?.owner ?? null;
    await sweeper.sweep();
    now = 999;
    await sweeper.sweep();
    await operations.beat('owner');
    now = 1_000;
    await sweeper.sweep();
    expect([await owner(), rung.includes(ref)]).toEqual(['owner', false]);
    now = 2_000;
    await sweeper.sweep();
    expect([await owner(), rung.includes(ref)]).toEqual([null, true]);
  });
});
