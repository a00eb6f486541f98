/** What has had its time goes: finished tasks after 65 minutes, sessions after a day without a call. */
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

const call = <T = string>(method: string, ...params: unknown[]): Promise<T> => result<T>(world, method, session, ...params);
/** As if so much time had gone by for one row. */
const age = (table: 'task' | 'session_state', column: string, key: string, ref: string, ago: string): Promise<unknown> =>
  inTransaction(plane.store, (tx) => tx.query(`UPDATE ${table} SET ${column} = now() - $1::interval WHERE ${key} = $2`, [ago, ref]));

async function finishedTask(): Promise<string> {
  const [host] = await call<string[]>('host.get_all');
  const task = await call('Async.host.disable', host);
  await eventually(async () => expect(await call('task.get_status', task)).toBe('success'));
  return task;
}

test('a finished task can be read for an hour, and is gone after 65 minutes', async () => {
  const [young, old] = [await finishedTask(), await finishedTask()];
  const pending = await call('task.create', 'mine', 'goes on');
  await age('task', 'finished', 'ref', young, '64 minutes');
  await age('task', 'finished', 'ref', old, '66 minutes');
  await age('task', 'created', 'ref', pending, '3 days');
  await housekeep(plane);
  await eventually(async () => expect(await description(world, 'task.get_record', session, old)).toEqual(['HANDLE_INVALID', 'task', old]));
  expect(await call('task.get_status', young)).toBe('success');
  expect(await call('task.get_status', pending)).toBe('pending');
});

/** A token, and the reference of what it opens: the token itself is stored nowhere. */
async function opened(originator: string): Promise<{ token: string; ref: string }> {
  const token = await result<string>(world, 'session.login_with_password', 'root', world.password, '2.0', originator);
  const [row] = await plane.store.query<{ ref: string }>('SELECT ref FROM session WHERE originator = $1', [originator]);
  return { token, ref: row?.ref ?? '' };
}

test('a session without a call for a day is refused, and gone; one in use stays', async () => {
  const [idle, used] = [await opened('idle'), await opened('used')];
  await age('session_state', 'last_active', 'session', idle.ref, '25 hours');
  await age('session_state', 'last_active', 'session', used.ref, '23 hours');
  expect(await description(world, 'pool.get_all', idle.token)).toEqual(['SESSION_INVALID', idle.token]);
  await housekeep(plane);
  const left = await plane.store.query<{ originator: string }>("SELECT originator FROM session WHERE originator IN ('idle', 'used')", []);
  expect(left).toEqual([{ originator: 'used' }]);
  expect(await result<string[]>(world, 'pool.get_all', used.token)).toHaveLength(1);
});
