/** Which tasks have had their time: finished ones after 65 minutes, those destroyed before their end with it, and what nobody works on after a day. */
import { inTransaction } from '@xenplane/store';
import { housekeep, type Plane } from '@xenplane/xapi';
import { eventually, startWorld, type World } from '../world';
import { description, result, sessionOf } from './raw';

let world: World;
let plane: Plane;
let session: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
  const [api] = world.apis;
  if (!api) throw new Error('no API runs');
  plane = api.plane;
  session = await sessionOf(world);
});
afterAll(() => world?.stop());

const call = <T = string>(method: string, ...params: unknown[]): Promise<T> =>
  result<T>(world, method, session, ...params);
/** As if so much time had gone by for one row. */
const age = (column: 'created' | 'finished', task: string, ago: string): Promise<unknown> =>
  inTransaction(plane.store, (tx) =>
    tx.query(`UPDATE task SET ${column} = now() - $1::interval WHERE ref = $2`, [ago, task]),
  );

async function finishedTask(): Promise<string> {
  const [host] = await call<string[]>('host.get_all');
  const task = await call('Async.host.disable', host);
  await eventually(async () => expect(await call('task.get_status', task)).toBe('success'));
  return task;
}

test('a finished task can be read for an hour, and is gone after 65 minutes', async () => {
  const [young, old] = [await finishedTask(), await finishedTask()];
  const pending = await call('task.create', 'mine', 'goes on');
  await age('finished', young, '64 minutes');
  await age('finished', old, '66 minutes');
  await age('created', pending, '3 days');
  await housekeep(plane);
  await eventually(async () =>
    expect(await description(world, 'task.get_record', session, old)).toEqual([
      'HANDLE_INVALID',
      'task',
      old,
    ]),
  );
  expect(await call('task.get_status', young)).toBe('success');
  expect(await call('task.get_status', pending)).toBe('pending');
});

test('a task that was destroyed before its end goes soon after it', async () => {
  const [ended, going] = [await call('task.create', 'mine', ''), await call('task.create', 'mine', '')];
  for (const task of [ended, going]) await call('task.destroy', task);
  await call('task.set_status', ended, 'success');
  expect(await call<object>('task.get_record', ended)).toMatchObject({
    status: 'success',
    current_operations: { task: 'destroy' },
  });
  await housekeep(plane);
  await eventually(async () =>
    expect(await description(world, 'task.get_record', session, ended)).toEqual([
      'HANDLE_INVALID',
      'task',
      ended,
    ]),
  );
  expect(await call('task.get_status', going)).toBe('pending');
});

test('a task that nobody works on goes after a day without a change', async () => {
  const [idle, moved] = [await call('task.create', 'mine', ''), await call('task.create', 'mine', '')];
  for (const task of [idle, moved]) await age('created', task, '25 hours');
  // As if the log of changes reached no further back.
  await inTransaction(plane.store, (tx) => tx.query("DELETE FROM change WHERE cls = 'task'"));
  await call('task.set_progress', moved, 0.5);
  await housekeep(plane);
  await eventually(async () =>
    expect(await description(world, 'task.get_record', session, idle)).toEqual([
      'HANDLE_INVALID',
      'task',
      idle,
    ]),
  );
  expect(await call('task.get_status', moved)).toBe('pending');
});

test('what a task says of time is said by the database, whatever the clock of the service', async () => {
  const clock = jest.spyOn(plane.clock, 'now').mockReturnValue(new Date('2001-02-03T04:05:06Z'));
  try {
    const task = await finishedTask();
    const own = await call('task.create', 'mine', '');
    await call('task.set_status', own, 'failure');
    await housekeep(plane);
    for (const ref of [task, own]) {
      const [times] = await plane.store.query<{ ended: boolean; began: boolean }>(
        "SELECT now() - finished < interval '1 hour' AS ended, now() - created < interval '1 hour' AS began FROM task WHERE ref = $1",
        [ref],
      );
      expect(times).toEqual({ ended: true, began: true });
    }
  } finally {
    clock.mockRestore();
  }
});
