/** People who are no local users: the directory, subjects, their roles, and how long their sessions last. */
import path from 'node:path';
import { agentSettings } from '@xenplane/config';
import { simulated } from '@xenplane/hypervisor';
import { asRef } from '@xenplane/model';
import { openSession } from '@xenplane/xapi';
import { startAgent } from '../../apps/agent/src/agent';
import { eventually, joinKey, login, password, startWorld, type Call, type World } from '../world';

let world: World;
let root: Call;
let pool: string;
const roleNamed = async (name: string): Promise<string> =>
  (await root<string[]>('role.get_by_name_label', name))[0] ?? '';
const enable = (config: Record<string, string>, type = 'PAM'): Promise<unknown> =>
  root('pool.enable_external_auth', pool, config, 'staff.example', type);

beforeAll(async () => {
  world = await startWorld({ hosts: 2, apis: 2, scheduler: false });
  root = await login(world.url);
  pool = (await root<string[]>('pool.get_all'))[0] ?? '';
});
afterAll(() => world?.stop());

async function admit(name: string, ...roles: string[]): Promise<string> {
  const identifier = await root<string>('auth.get_subject_identifier', name);
  const subject = await root<string>('subject.create', {
    subject_identifier: identifier,
    other_config: { 'subject-name': name },
  });
  for (const role of roles) await root('subject.add_to_roles', subject, await roleNamed(role));
  return subject;
}

test('without a directory nobody but root comes in, and look-ups say that there is none', async () => {
  await expect(login(world.url, 'alice', 'wonderland')).rejects.toThrow(
    'SESSION_AUTHENTICATION_FAILED alice',
  );
  for (const [call, argument] of [
    ['get_subject_identifier', 'alice'],
    ['get_subject_information_from_identifier', 'u1'],
    ['get_group_membership', 'u1'],
  ])
    await expect(root(`auth.${call}`, argument)).rejects.toThrow('AUTH_IS_DISABLED');
});

test('joining a directory is refused with the reason', async () => {
  await expect(enable({}, 'banana')).rejects.toThrow('AUTH_UNKNOWN_TYPE banana');
  const [host] = (await root<string[]>('host.get_all')).sort();
  await expect(enable({ user: 'admin', pass: 'x', url: 'ldaps://127.0.0.1:1' }, 'AD')).rejects.toThrow(
    `POOL_AUTH_ENABLE_FAILED_UNAVAILABLE ${host}`,
  );
  await expect(enable({ 'user:root': 'toor' })).rejects.toThrow(
    `POOL_AUTH_ENABLE_FAILED_INVALID_ACCOUNT ${host}`,
  );
  await expect(enable({ 'group:staff': 'nobody' })).rejects.toThrow(
    'POOL_AUTH_ENABLE_FAILED_INVALID_ACCOUNT',
  );
  await expect(enable({ 'user:alice': '' })).rejects.toThrow('POOL_AUTH_ENABLE_FAILED_WRONG_CREDENTIALS');
  expect(await root('host.get_external_auth_type', host)).toBe('');
});

test('users of a joined directory are found, and come in once the pool admits them', async () => {
  await enable({
    'user:alice': 'wonderland',
    'user:bob': 'builder',
    'user:carol': 'song',
    'group:inner': 'bob',
    'group:staff': 'inner,carol',
    domain: 'staff.example',
  });
  const hosts = Object.values(await root<Record<string, Record<string, unknown>>>('host.get_all_records'));
  expect(
    hosts.map((h) => [
      h['external_auth_type'],
      h['external_auth_service_name'],
      h['external_auth_configuration'],
    ]),
  ).toEqual(hosts.map(() => ['PAM', 'staff.example', { domain: 'staff.example' }]));
  await expect(enable({})).rejects.toThrow('POOL_AUTH_ALREADY_ENABLED');
  const [bob, inner, staff] = await Promise.all(
    ['bob', 'inner', 'staff'].map((name) => root<string>('auth.get_subject_identifier', name)),
  );
  expect((await root<string[]>('auth.get_group_membership', bob)).sort()).toEqual([inner, staff].sort());
  expect(await root('auth.get_subject_information_from_identifier', staff)).toMatchObject({
    'subject-name': 'staff',
    'subject-is-group': 'true',
  });
  await expect(root('auth.get_subject_identifier', 'mallory')).rejects.toThrow('SUBJECT_CANNOT_BE_RESOLVED');
  await expect(login(world.url, 'alice', 'wrong')).rejects.toThrow('SESSION_AUTHENTICATION_FAILED');
  await expect(login(world.url, 'alice', 'wonderland')).rejects.toThrow('SESSION_AUTHORIZATION_FAILED alice');
});

test('a subject has what its roles give, and its session says so', async () => {
  const alice = await admit('alice');
  await expect(login(world.url, 'alice', 'wonderland')).rejects.toThrow('SESSION_AUTHORIZATION_FAILED');
  await root('subject.add_to_roles', alice, await roleNamed('vm-admin'));
  const call = await login(world.url, 'alice', 'wonderland');
  const records = await world.apis[0]?.plane.store.query(
    "SELECT is_local_superuser, subject, auth_user_sid, this_user FROM session WHERE auth_user_name = 'alice'",
  );
  expect(records).toEqual([
    { is_local_superuser: false, subject: alice, auth_user_sid: 'u1001', this_user: null },
  ]);
  const names = await root<string[]>('role.get_permissions_name_label', await roleNamed('vm-admin'));
  expect(await root('subject.get_permissions_name_label', alice)).toEqual(names);
  expect(names).toContain('vm.add_to_other_config/key:folder');
  expect(names).not.toContain('vm.add_to_other_config/key:pci');
  await expect(call('subject.destroy', alice)).rejects.toThrow('RBAC_PERMISSION_DENIED subject.destroy');
  await expect(call('VM.get_all')).resolves.not.toEqual([]);
  expect(await root('session.get_all_subject_identifiers')).toEqual(['u1001']);
  await expect(root('subject.create', { subject_identifier: 'u1001', other_config: {} })).rejects.toThrow(
    'SUBJECT_ALREADY_EXISTS',
  );
  await expect(root('subject.add_to_roles', alice, await roleNamed('vm-admin'))).rejects.toThrow(
    'ROLE_ALREADY_EXISTS',
  );
  await expect(root('subject.remove_from_roles', alice, await roleNamed('read-only'))).rejects.toThrow(
    'ROLE_NOT_FOUND',
  );
  await expect(root('subject.add_to_roles', alice, alice)).rejects.toThrow('ROLE_NOT_FOUND');
});

test('the session knows its permissions', async () => {
  const response = await fetch(`${world.url}/jsonrpc`, {
    method: 'POST',
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'session.login_with_password',
      params: ['alice', 'wonderland'],
    }),
  });
  const token = ((await response.json()) as { result: string }).result;
  const names = await root('role.get_permissions_name_label', await roleNamed('vm-admin'));
  expect(await root('session.get_rbac_permissions', token)).toEqual(names);
  expect(
    await root<{ rbac_permissions: unknown; subject: string }>('session.get_record', token),
  ).toMatchObject({
    rbac_permissions: names,
    auth_user_name: 'alice',
  });
});

test('roles of groups count, and the greatest of them decides', async () => {
  const bob = await admit('bob', 'read-only');
  const staff = await admit('staff', 'pool-operator');
  const call = await login(world.url, 'bob', 'builder');
  await expect(call('pool.sync_database')).resolves.toBeDefined();
  await root('subject.remove_from_roles', staff, await roleNamed('pool-operator'));
  await eventually(async () => expect(call('pool.sync_database')).rejects.toThrow('SESSION_INVALID'));
  const again = await login(world.url, 'bob', 'builder');
  await expect(again('pool.sync_database')).rejects.toThrow('RBAC_PERMISSION_DENIED pool.sync_database');
  await expect(login(world.url, 'carol', 'song')).rejects.toThrow('SESSION_AUTHORIZATION_FAILED');
  await root('subject.destroy', bob);
  await eventually(async () => expect(again('VM.get_all')).rejects.toThrow('SESSION_INVALID'));
});

test('sessions of an external user end at once when they are told to, on every API', async () => {
  const [first, second] = await Promise.all(world.apis.map((api) => login(api.url, 'alice', 'wonderland')));
  await root('session.logout_subject_identifier', 'u1001');
  for (const call of [first, second])
    await eventually(async () => expect(call!('VM.get_all')).rejects.toThrow('SESSION_INVALID'));
});

test('hosts are joined and taken out one by one too; then the pool is not of one mind', async () => {
  const [host] = await root<string[]>('host.get_all');
  await root('host.disable_external_auth', host, {});
  await expect(root('pool.detect_nonhomogeneous_external_auth', pool)).rejects.toThrow(
    'POOL_JOINING_EXTERNAL_AUTH_MISMATCH',
  );
  await root('host.enable_external_auth', host, {}, 'staff.example', 'PAM');
  await root('pool.detect_nonhomogeneous_external_auth', pool);
  await expect(root('host.enable_external_auth', host, {}, 'staff.example', 'PAM')).rejects.toThrow(
    'AUTH_ALREADY_ENABLED PAM staff.example',
  );
  await expect(root('pool.external_auth_set_ldaps', pool, true)).rejects.toThrow('AUTH_SET_LDAPS_FAILED');
});

test('a host that joins later is in the directory too', async () => {
  const agent = await startAgent(
    agentSettings({
      XENPLANE_HOSTS: '1',
      XENPLANE_SEED: '99',
      XENPLANE_SPEED: '0',
      XENPLANE_API_URL: world.url,
      XENPLANE_IMAGES_URL: world.imagesUrl,
      XENPLANE_JOIN_KEY: joinKey,
      XENPLANE_DATA: path.join(world.folder, 'later'),
      XENPLANE_LOG_LEVEL: 'error',
    }),
    new simulated.SimulatedXen({ seed: 99, speed: 0, hosts: 1 }),
  );
  const types = await eventually(async () => {
    const hosts = Object.values(
      await root<Record<string, { external_auth_type: string }>>('host.get_all_records'),
    );
    expect(hosts.length).toBe(3);
    return hosts.map((h) => h.external_auth_type);
  });
  expect(types).toEqual(['PAM', 'PAM', 'PAM']);
  await agent.stop();
});

test('leaving the directory ends every session that came from it', async () => {
  const call = await login(world.url, 'alice', 'wonderland');
  await root('pool.disable_external_auth', pool);
  await eventually(async () => expect(call('VM.get_all')).rejects.toThrow('SESSION_INVALID'));
  await expect(login(world.url, 'alice', 'wonderland')).rejects.toThrow('SESSION_AUTHENTICATION_FAILED');
  await expect(root('VM.get_all')).resolves.toBeDefined();
});

test('for emergencies only local users come in', async () => {
  const raw = async (
    method: string,
    ...params: unknown[]
  ): Promise<{ result?: string; error?: { message: string } }> =>
    (await (
      await fetch(`${world.url}/jsonrpc`, {
        method: 'POST',
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      })
    ).json()) as never;
  const { result } = await raw('session.slave_local_login_with_password', 'root', password);
  expect((await raw('host.get_all', result)).error).toBeUndefined();
  expect((await raw('session.local_logout', result)).error).toBeUndefined();
  expect((await raw('host.get_all', result)).error?.message).toBe('SESSION_INVALID');
  expect((await raw('session.slave_local_login_with_password', 'alice', 'wonderland')).error?.message).toBe(
    'SESSION_AUTHENTICATION_FAILED',
  );
});

test('a task is its owner’s; others need the role for it', async () => {
  const [api] = world.apis;
  const opening = { root: false, originator: 'test', userRef: asRef<'user'>('OpaqueRef:NULL') } as const;
  const calls = await Promise.all(
    (['vm-operator', 'vm-operator', 'pool-operator'] as const).map(async (role, i) => {
      const token = await openSession(api!.plane, { ...opening, user: `user ${i}`, role });
      return (method: string, ...params: unknown[]) => callWith(token, method, ...params);
    }),
  );
  const [owner, other, operator] = calls as [Call, Call, Call];
  const task = await owner<string>('task.create', 'mine', '');
  for (const [method, ...params] of [
    ['task.cancel'],
    ['task.destroy'],
    ['task.set_status', 'success'],
    ['task.set_progress', 0.5],
    ['task.set_result', 'x'],
    ['task.set_error_info', ['x']],
  ] as const) {
    await expect(other(method, task, ...params)).rejects.toThrow(
      'RBAC_PERMISSION_DENIED task.destroy/any No permission in user session. (Roles with this permission: pool-admin, pool-operator)',
    );
    await operator(method, task, ...params);
  }
  await owner('task.destroy', task);
  await expect(owner('task.get_record', task)).rejects.toThrow('HANDLE_INVALID');
});

async function callWith<T>(token: string, method: string, ...params: unknown[]): Promise<T> {
  const response = await fetch(`${world.url}/jsonrpc`, {
    method: 'POST',
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: [token, ...params] }),
  });
  const body = (await response.json()) as { result: T; error?: { message: string; data: string[] } };
  if (body.error) throw new Error([body.error.message, ...body.error.data].join(' '));
  return body.result;
}
