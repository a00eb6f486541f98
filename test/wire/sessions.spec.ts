/** Sections 1.4 and 1.6 of the protocol notes: logins, what a session says of itself, how many there may be, and how they end. */
import { asRef, type Role } from '@xenplane/model';
import { inTransaction } from '@xenplane/store';
import { housekeep, openSession, sessionRef, type Plane } from '@xenplane/xapi';
import { eventually, startWorld, type World } from '../world';
import { description, result, sessionOf } from './raw';

let world: World;
let plane: Plane;
let session: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 1, scheduler: false });
  const [api] = world.apis;
  if (!api) throw new Error('no API runs');
  plane = api.plane;
  session = await sessionOf(world);
});
afterAll(() => world?.stop());

const logIn = (originator = ''): Promise<string> =>
  result<string>(world, 'session.login_with_password', 'root', world.password, '2.0', originator);
const opened = (user: string, role: Role, originator = 'test'): Promise<string> =>
  openSession(plane, { user, root: false, role, originator, userRef: asRef<'user'>('OpaqueRef:NULL') });
const isAlive = async (token: string): Promise<boolean> =>
  (await description(world, 'pool.get_all', token)) === null;
const lastUsed = (token: string, ago: string): Promise<unknown> =>
  inTransaction(plane.store, (tx) =>
    tx.query('UPDATE session_state SET last_active = now() - $1::interval WHERE session = $2', [
      ago,
      sessionRef(token),
    ]),
  );

test.each(['OpaqueRef:NULL', 'OpaqueRef:00000000-0000-0000-0000-000000000000', '', 'root', "' OR true --"])(
  '%j is no session',
  async (token) => {
    expect(await description(world, 'VM.get_all', token)).toEqual(['SESSION_INVALID', token]);
  },
);

test('a session says who it is for, and what it began', async () => {
  const token = await logIn('a program');
  const [host] = await result<string[]>(world, 'host.get_all', token);
  const record = await result<Record<string, unknown>>(world, 'session.get_record', token, token);
  expect(record).toEqual({
    uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
    this_host: host,
    this_user: expect.stringMatching(/^OpaqueRef:/),
    last_active: expect.stringMatching(/^20\d{6}T\d\d:\d\d:\d\dZ$/),
    pool: false,
    other_config: {},
    is_local_superuser: true,
    subject: 'OpaqueRef:NULL',
    validation_time: '19700101T00:00:00Z',
    auth_user_sid: '',
    auth_user_name: 'root',
    rbac_permissions: [],
    tasks: [],
    parent: 'OpaqueRef:NULL',
    originator: 'a program',
    client_certificate: false,
  });
  const task = await result<string>(world, 'task.create', token, 'mine', '');
  expect(await result(world, 'session.get_tasks', token, token)).toEqual([task]);
  expect(await result(world, 'session.get_record', token, token)).toMatchObject({ tasks: [task] });
  expect(await result(world, 'session.get_this_host', token, token)).toBe(host);
  expect(await result(world, 'session.get_uuid', token, token)).toBe(record['uuid']);
});

test('when a session was last used is told of its last call, not of its login', async () => {
  const token = await logIn();
  await lastUsed(token, '10 hours');
  const before = await result<string>(world, 'session.get_last_active', session, token);
  expect(await isAlive(token)).toBe(true);
  await eventually(async () =>
    expect((await result<string>(world, 'session.get_last_active', session, token)) > before).toBe(true),
  );
});

test('a logout ends the session that asks, and no other', async () => {
  const [one, other] = [await logIn(), await logIn()];
  expect(await result(world, 'session.logout', one)).toBe('');
  for (const method of ['VM.get_all', 'session.logout'])
    expect(await description(world, method, one)).toEqual(['SESSION_INVALID', one]);
  expect(await isAlive(other)).toBe(true);
});

test.each(['root', 'nobody'])('a refused login names %s, by either way in', async (user) => {
  for (const method of ['session.login_with_password', 'session.slave_local_login_with_password'])
    expect(await description(world, method, user, 'wrong')).toEqual([
      'SESSION_AUTHENTICATION_FAILED',
      user,
      expect.any(String),
    ]);
});

test('a session for emergencies is a session, until its own logout', async () => {
  const token = await result<string>(
    world,
    'session.slave_local_login_with_password',
    'root',
    world.password,
  );
  expect(await isAlive(token)).toBe(true);
  expect(await result(world, 'session.local_logout', token)).toBe('');
  expect(await description(world, 'pool.get_all', token)).toEqual(['SESSION_INVALID', token]);
});

test('root changes its password without the old one, though not with a wrong one; nobody else does', async () => {
  const token = await logIn();
  expect(await description(world, 'session.change_password', token, 'wrong', 'other')).toEqual([
    'CHANGE_PASSWORD_REJECTED',
    expect.any(String),
  ]);
  expect(await description(world, 'session.change_password', token, '', '')).toEqual([
    'CHANGE_PASSWORD_REJECTED',
    expect.any(String),
  ]);
  expect(
    await description(
      world,
      'session.change_password',
      await opened('ann', 'pool-admin'),
      world.password,
      'other',
    ),
  ).toEqual([
    'RBAC_PERMISSION_DENIED',
    'session.change_password',
    'No permission in user session. (Roles with this permission: )',
  ]);
  await result(world, 'session.change_password', token, '', 'other');
  expect(await description(world, 'session.login_with_password', 'root', world.password)).toEqual([
    'SESSION_AUTHENTICATION_FAILED',
    'root',
    expect.any(String),
  ]);
  const again = await result<string>(world, 'session.login_with_password', 'root', 'other');
  await result(world, 'session.change_password', again, 'other', world.password);
  expect(await isAlive(await logIn())).toBe(true);
});

test('a tool that logs in two hundred times at once, with a password that nobody has tried yet, comes in', async () => {
  const token = await logIn();
  await result(world, 'session.change_password', token, '', 'new to all');
  const all = Array.from({ length: 200 }, () =>
    result<string>(world, 'session.login_with_password', 'root', 'new to all'),
  );
  expect(new Set(await Promise.all(all)).size).toBe(200);
  await result(world, 'session.change_password', token, '', world.password);
});

test('the sessions of a subject are told of and ended, but for the one that asks', async () => {
  const external = { identifier: 'u1001', subject: asRef<'subject'>('OpaqueRef:NULL'), subjects: [] };
  const opening = {
    user: 'dan',
    root: false,
    role: 'pool-operator',
    originator: 'test',
    userRef: asRef<'user'>('OpaqueRef:NULL'),
    external,
  } as const;
  const [asking, other] = [await openSession(plane, opening), await openSession(plane, opening)];
  expect(await result(world, 'session.get_all_subject_identifiers', session)).toEqual(['u1001']);
  expect(await result(world, 'session.logout_subject_identifier', asking, 'u1001')).toBe('');
  expect([await isAlive(asking), await isAlive(other), await isAlive(session)]).toEqual([true, false, true]);
  expect(await result(world, 'session.logout_subject_identifier', session, 'nobody')).toBe('');
  await result(world, 'session.logout_subject_identifier', session, 'u1001');
  expect(await result(world, 'session.get_all_subject_identifiers', session)).toEqual([]);
});

test('a session without a call for a day is refused, and gone; one in use stays, or one whose work goes on', async () => {
  const [idle, used, working] = [await logIn('idle'), await logIn('used'), await logIn('working')];
  const task = await result<string>(world, 'task.create', working, 'goes on', '');
  await lastUsed(idle, '25 hours');
  await lastUsed(used, '23 hours');
  await lastUsed(working, '25 hours');
  await eventually(async () =>
    expect(await description(world, 'pool.get_all', idle)).toEqual(['SESSION_INVALID', idle]),
  );
  await housekeep(plane);
  const left = async (): Promise<unknown> =>
    plane.store.query(
      "SELECT originator FROM session WHERE originator IN ('idle', 'used', 'working') ORDER BY originator",
      [],
    );
  expect(await left()).toEqual([{ originator: 'used' }, { originator: 'working' }]);
  expect([await isAlive(used), await isAlive(working)]).toEqual([true, true]);
  await result(world, 'task.set_status', session, task, 'success');
  await eventually(async () => {
    await lastUsed(working, '25 hours');
    await housekeep(plane);
    expect(await left()).toEqual([{ originator: 'used' }]);
  });
});

describe('the oldest sessions go when there are too many', () => {
  const many = async (count: number, open: () => Promise<string>): Promise<string[]> => {
    const tokens: string[] = [];
    while (tokens.length < count) tokens.push(await open());
    return tokens;
  };
  const asRoot = (originator: string): Promise<string> =>
    openSession(plane, {
      user: 'root',
      root: true,
      role: 'local-root',
      originator,
      userRef: asRef<'user'>('OpaqueRef:NULL'),
    });

  /** Asking with a token would make it a young one. */
  const are = (...tokens: string[]): Promise<boolean[]> =>
    Promise.all(
      tokens.map(
        async (t) =>
          (await plane.store.query('SELECT 1 AS one FROM session_state WHERE session = $1', [sessionRef(t)]))
            .length > 0,
      ),
    );

  test('of one program', async () => {
    const other = await asRoot('another program');
    const [first = '', second = ''] = await many(500, () => asRoot('a program of many'));
    expect(await are(first, second)).toEqual([true, true]);
    await lastUsed(first, '1 hour');
    await asRoot('a program of many');
    expect(await are(first, second, other)).toEqual([false, true, true]);
    expect(await description(world, 'pool.get_all', first)).toEqual(['SESSION_INVALID', first]);
  });

  test('of one user, whatever program it is; one whose work goes on is left', async () => {
    const working = await opened('bea', 'read-only', 'x');
    await result(world, 'task.create', working, 'goes on', '');
    const [first = ''] = await many(499, () => opened('bea', 'read-only', 'y'));
    await lastUsed(working, '2 hours');
    await opened('bea', 'read-only', 'z');
    expect(await are(working, first)).toEqual([true, true]);
    await lastUsed(first, '1 hour');
    await opened('bea', 'read-only', 'z');
    expect(await are(working, first)).toEqual([true, false]);
  });
});
