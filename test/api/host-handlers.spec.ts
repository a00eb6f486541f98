/** The handlers that move no disks: who may use them, and what a host that lacks the thing answers. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { tarEnd, tarMember } from '@xenplane/wire';
import { thinXe } from '../thin-client';
import { eventually, login, password, startWorld, statusOf, type Call, type World } from '../world';

let world: World;
let call: Call;
let token: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
  call = await login(world.url);
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'session.login_with_password',
    params: ['root', password],
  });
  token = (
    (await (await fetch(`${world.url}/jsonrpc`, { method: 'POST', body })).json()) as { result: string }
  ).result;
});
afterAll(() => world?.stop());

async function ask(method: string, path: string, body?: Buffer): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${world.url}${path}${path.includes('?') ? '&' : '?'}session_id=${token}`, {
    method,
    ...(body ? { body: new Uint8Array(body) } : {}),
  });
  return { status: answer.status, text: await answer.text() };
}
/** A transfer under a task of its own: how the task ended. */
async function put(
  path: string,
  body: Buffer,
): Promise<{ status: number; task: string; result: string; error: string[] }> {
  const task = await call<string>('task.create', 'mine', '');
  const { status } = await ask('PUT', `${path}${path.includes('?') ? '&' : '?'}task_id=${task}`, body).catch(
    () => ({ status: 0 }),
  );
  await eventually(async () => expect(await call('task.get_status', task)).not.toBe('pending'));
  const {
    status: end,
    result,
    error_info,
  } = await call<{ status: string; result: string; error_info: string[] }>('task.get_record', task);
  return { status, task: end, result, error: error_info };
}
const tar = (files: Readonly<Record<string, string>>): Buffer =>
  Buffer.concat([
    ...Object.entries(files).flatMap(([name, content]) => [...tarMember(name, Buffer.from(content))]),
    tarEnd(),
  ]);

test.each([
  ['GET', '/services', 200, '{"services":[]}'],
  ['GET', '/services/SM/lvm', 404, 'There is no service'],
  ['POST', '/services/xenops', 404, 'There is no service'],
  ['PUT', '/services/plugin/x', 404, 'There is no service'],
  ['POST', '/remote_db_access', 500, 'NOT_IMPLEMENTED: [ remote_db_access ]'],
  ['POST', '/remote_db_access_v2', 500, 'NOT_IMPLEMENTED: [ remote_db_access_v2 ]'],
  ['GET', '/sync_config_files', 500, 'ENOENT'],
  ['GET', '/wlb_report', 400, 'report'],
  ['GET', '/wlb_report?report=pool_health', 500, 'WLB_NOT_INITIALIZED'],
  ['GET', '/wlb_diagnostics', 500, 'WLB_NOT_INITIALIZED'],
  ['GET', '/update/some/file', 404, 'There is no file'],
  ['GET', '/repository/x/repomd.xml', 404, 'There is no file'],
  ['GET', '/repository/enabled', 500, 'NO_REPOSITORY_ENABLED'],
  ['GET', '/host_updates', 500, 'NO_REPOSITORY_ENABLED'],
  ['PUT', '/bundle', 500, 'BUNDLE_REPO_NOT_ENABLED'],
  ['PUT', '/messages?cls=VM&uuid=none', 500, 'UUID_INVALID: [ VM; none ]'],
  ['PUT', '/messages?cls=session&uuid=none', 500, 'UUID_INVALID: [ session; none ]'],
])('%s %s answers %i', async (method, path, status, words) => {
  const answer = await ask(method, path, method === 'GET' ? undefined : Buffer.from('x'));
  expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(words)]);
});

test.each(['/services', '/wlb_report', '/repository/enabled', '/sync_config_files'])(
  '%s needs a session',
  async (path) => {
    expect(await statusOf(fetch(`${world.url}${path}`))).toBe(401);
  },
);

test('a stranger runs no command on a host', async () => {
  const run = (query: string): Promise<string> => {
    const socket = connect(Number(new URL(world.url).port), '127.0.0.1');
    socket.write(`CONNECT /remotecmd?cmd=rsync${query} HTTP/1.0\r\n\r\n`);
    return text(socket);
  };
  expect(await run('')).toMatch(/^HTTP\/1\.1 401 /);
  expect(await run(`&session_id=${token}`)).toMatch(
    /^HTTP\/1\.1 500 .*INTERNAL_ERROR: \[ Only a session of the pool/s,
  );
});

test('messages come with their moments, once, to the object that is named', async () => {
  const [host = ''] = await call<string[]>('host.get_all');
  const obj_uuid = await call<string>('host.get_uuid', host);
  const uuid = '0c1b1a39-7d2c-4c5b-9a51-6a8d1a6f0001';
  const one = (name: string): string =>
    `<message><ref>OpaqueRef:x</ref><name>${name}</name><priority>3</priority><cls>Host</cls><obj_uuid>other</obj_uuid><timestamp>20250102T03:04:05Z</timestamp><uuid>${uuid}</uuid><body>a &lt;b&gt; &amp; c</body></message>`;
  const file = Buffer.from(`<?xml version="1.0"?><messages>${one('FIRST')}</messages>`);
  expect(await put(`/messages?cls=Host&uuid=${obj_uuid}`, file)).toMatchObject({
    status: 200,
    task: 'success',
  });
  expect(await put(`/messages?cls=Host&uuid=${obj_uuid}`, file)).toMatchObject({
    status: 200,
    task: 'success',
  });
  const all = Object.values(
    await call<Record<string, { name: string }>>('message.get', 'Host', obj_uuid, '20250101T00:00:00Z'),
  );
  expect(all.filter((m) => m.name === 'FIRST')).toEqual([
    {
      name: 'FIRST',
      priority: 3,
      cls: 'Host',
      obj_uuid,
      timestamp: '20250102T03:04:05Z',
      uuid,
      body: 'a <b> & c',
    },
  ]);
  const cut = Buffer.from(`<messages>${one('SECOND')}<message><name>THIRD</name></message></messages>`);
  expect(await put(`/messages?cls=Host&uuid=${obj_uuid}`, cut)).toMatchObject({ task: 'failure' });
  expect(JSON.stringify(await call('message.get_all_records'))).not.toMatch(/SECOND|THIRD/);
});

const sum = 'ab'.repeat(32);
const repomd = `<repomd><data type="updateinfo"><checksum type="sha256">${sum}</checksum></data></repomd>`;

test('a bundle fills its repository, and what is no bundle changes nothing', async () => {
  const [pool = ''] = await call<string[]>('pool.get_all');
  const repository = await call<string>('Repository.introduce_bundle', 'bundle', '');
  await call('pool.set_repositories', pool, [repository]);
  expect(await put('/bundle', Buffer.from('no tar at all'.repeat(100)))).toMatchObject({
    task: 'failure',
    error: ['BUNDLE_UNPACK_FAILED', expect.any(String)],
  });
  expect(await put('/bundle', tar({ 'other/file': 'x' }))).toMatchObject({
    task: 'failure',
    error: ['BUNDLE_SYNC_FAILED'],
  });
  expect(await call('Repository.get_hash', repository)).toBe('');
  const good = tar({ 'Packages/a.rpm': 'x'.repeat(3000), 'repodata/repomd.xml': repomd });
  expect(await put('/bundle', good)).toMatchObject({
    status: 200,
    task: 'success',
    result: `<value>${sum}</value>`,
  });
  expect(await call('Repository.get_hash', repository)).toBe(sum);
  const [host] = await call<string[]>('host.get_all');
  const updates = await ask('GET', `/host_updates?host_id=${await call('host.get_uuid', host)}`);
  expect(JSON.parse(updates.text)).toMatchObject({ ref: host, hash: sum, updates: [] });
});

test('an update of the old kind is found in what is uploaded', async () => {
  const uuid = '22222222-2222-4333-8444-555555555555';
  const xml = `<update name-label="XS83E002" version="1.0" uuid="${uuid}" key="vendor" installation-size="4096"><name-description>All</name-description></update>`;
  const file = Buffer.concat([Buffer.alloc(70_000, 7), Buffer.from(xml), Buffer.alloc(5000)]);
  const done = await put('/pool_patch_upload', file);
  expect(done).toMatchObject({ status: 200, task: 'success' });
  const patch = /OpaqueRef:[0-9a-f-]+/.exec(done.result)?.[0];
  expect(await call('pool_patch.get_name_label', patch)).toBe('XS83E002');
  const before = await call<string[]>('VDI.get_all');
  expect(await put('/pool_patch_upload', file)).toMatchObject({
    task: 'failure',
    error: ['PATCH_ALREADY_EXISTS', uuid],
  });
  expect(await put('/pool_patch_upload', Buffer.from('nothing'))).toMatchObject({
    task: 'failure',
    error: ['INVALID_PATCH'],
  });
  expect((await call<string[]>('VDI.get_all')).sort()).toEqual(before.sort());
});

test('xe uploads patches and bundles', async () => {
  const xml = `<update name-label="XS83E003" version="1.0" uuid="33333333-2222-4333-8444-555555555555" installation-size="1"/>`;
  const files = new Map([
    ['patch.iso', Buffer.from(xml)],
    ['bundle.tar', tar({ 'repodata/repomd.xml': repomd.replaceAll('ab', 'cd') })],
  ]);
  const user = { port: Number(new URL(world.url).port), password, files };
  const uploaded = await thinXe(user, 'patch-upload', 'file-name=patch.iso');
  expect([uploaded.code, uploaded.error]).toEqual([0, '']);
  expect(
    await call('pool_patch.get_name_label', await call('pool_patch.get_by_uuid', uploaded.out.trim())),
  ).toBe('XS83E003');
  expect(await thinXe(user, 'pool-sync-bundle', 'filename=bundle.tar')).toMatchObject({ code: 0, error: '' });
  const [repository] = await call<string[]>('Repository.get_all');
  expect(await call('Repository.get_hash', repository)).toBe('cd'.repeat(32));
});

test('who may only look may neither take a host apart nor put one together', async () => {
  const [pool] = await call<string[]>('pool.get_all');
  await call('pool.enable_external_auth', pool, { 'user:eve': 'apple' }, 'x', 'PAM');
  const subject = await call('subject.create', {
    subject_identifier: await call('auth.get_subject_identifier', 'eve'),
    other_config: {},
  });
  await call(
    'subject.add_to_roles',
    subject,
    (await call<string[]>('role.get_by_name_label', 'read-only'))[0],
  );
  const authorization = `Basic ${Buffer.from('eve:apple').toString('base64')}`;
  const refused = [
    ...[
      '/host_backup',
      '/host_logs_download',
      '/system-status',
      '/sync_config_files',
      '/host_updates',
      '/repository/x',
    ].map((p) => ['GET', p] as const),
    ...['/host_restore', '/pool/xmldbdump', '/messages', '/bundle', '/pool_patch_upload', '/services/x'].map(
      (p) => ['PUT', p] as const,
    ),
    ['POST', '/remote_db_access'] as const,
  ];
  const statuses = await Promise.all(
    refused.map(
      async ([method, path]) =>
        await statusOf(fetch(`${world.url}${path}`, { method, headers: { authorization } })),
    ),
  );
  expect(statuses).toEqual(refused.map(() => 403));
  expect(await statusOf(fetch(`${world.url}/services`, { headers: { authorization } }))).toBe(200);
});
