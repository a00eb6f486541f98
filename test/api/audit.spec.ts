/** The audit trail: who did what, with what, and how it ended; never a secret. */
import { eventually, login, password, startWorld, type Call, type World } from '../world';

let world: World;
let call: Call;
let token: string;
const lines = async (since?: string): Promise<string[]> => {
  const response = await fetch(
    `${world.url}/audit_log?session_id=${token}${since === undefined ? '' : `&since=${since}`}`,
  );
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
  return (await response.text()).split('\n').filter((l) => l !== '');
};
const about = async (method: string): Promise<string[]> =>
  (await lines()).filter((l) => l.includes(`'API' '${method}'`));

beforeAll(async () => {
  world = await startWorld({ hosts: 1, apis: 2 });
  call = await login(world.url);
  const response = await fetch(`${world.url}/jsonrpc`, {
    method: 'POST',
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'session.login_with_password',
      params: ['root', password],
    }),
  });
  token = ((await response.json()) as { result: string }).result;
});
afterAll(() => world?.stop());

test('a call that changes something is told with its caller, its objects and its end; one that looks is not', async () => {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, "it's mine");
  const [line] = await about('VM.clone');
  const { uuid } = await call<{ uuid: string }>('VM.get_record', template);
  expect(line).toMatch(
    /^\[\d{8}T\d\d:\d\d:\d\d\.\d{3}Z\|info\|xenplane\|\|audit\] \('trackid=[0-9a-f]{32}' 'LOCAL_SUPERUSER' 'root' 'local-root' 'ALLOWED' 'OK' 'API' 'VM.clone' /,
  );
  expect(line).toContain(`('vm' 'Debian Bookworm 12' '${uuid}' '${template}')('new_name' 'it\\'s mine')`);
  await expect(call('VM.pause', vm)).rejects.toThrow('VM_BAD_POWER_STATE');
  expect((await about('VM.pause'))[0]).toContain("'ALLOWED' 'ERROR:VM_BAD_POWER_STATE'");
  await call('Async.VM.destroy', vm);
  expect((await about('VM.destroy')).length).toBe(1);
  expect((await lines()).filter((l) => /'(VM\.get_|event\.)/.test(l))).toEqual([]);
});

test('no secret is told', async () => {
  const [pool] = await call<string[]>('pool.get_all');
  const words = 'a-word-that-nobody-may-see';
  await call('secret.create', { value: words, other_config: { k: words } });
  await call('pool.add_to_other_config', pool, 'plugin-password', words);
  await call('pool.set_gui_config', pool, { key: words });
  await call('pool.configure_repository_proxy', pool, 'http://proxy.example', 'me', words);
  await expect(call('pool.join', 'http://127.0.0.1:1', 'root', words)).rejects.toThrow();
  await expect(call('pool.enable_external_auth', pool, { 'user:x': words }, 'x', 'AD')).rejects.toThrow();
  await expect(login(world.url, 'root', words)).rejects.toThrow('SESSION_AUTHENTICATION_FAILED');
  await expect(call('session.change_password', words, words)).rejects.toThrow('CHANGE_PASSWORD_REJECTED');
  const all = await lines();
  expect(
    all.filter(
      (l) => l.includes(words) || l.includes(password) || l.includes(token.replace('OpaqueRef:', '')),
    ),
  ).toEqual([]);
  for (const method of [
    'secret.create',
    'pool.add_to_other_config',
    'pool.set_gui_config',
    'pool.join',
    'session.login_with_password',
    'session.change_password',
  ])
    expect([method, all.some((l) => l.includes(`'API' '${method}'`))]).toEqual([method, true]);
  expect(all.find((l) => l.includes('pool.set_gui_config'))).toContain("('value' 'key')");
  expect(all.find((l) => l.includes("'ERROR:SESSION_AUTHENTICATION_FAILED'"))).toContain(
    "'root' '' 'ALLOWED'",
  );
});

test('what a role forbids is told too, also of work in the background', async () => {
  const [pool] = await call<string[]>('pool.get_all');
  await call('pool.enable_external_auth', pool, { 'user:eve': 'apple' }, 'x', 'PAM');
  const subject = await call<string>('subject.create', {
    subject_identifier: await call('auth.get_subject_identifier', 'eve'),
    other_config: {},
  });
  await call(
    'subject.add_to_roles',
    subject,
    (await call<string[]>('role.get_by_name_label', 'read-only'))[0],
  );
  const eve = await login(world.apis[1]?.url ?? '', 'eve', 'apple');
  const [vm] = await call<string[]>('VM.get_all');
  await expect(eve('VM.start', vm, false, false)).rejects.toThrow('RBAC_PERMISSION_DENIED');
  await eve('Async.VM.start', vm, false, false);
  // The other API writes its lines within a second or so.
  const told = await eventually(async () => {
    const found = await about('VM.start');
    expect(found.length).toBe(2);
    return found;
  });
  for (const line of told)
    expect(line).toContain("'u1001' 'eve' 'read-only' 'DENIED' 'ERROR:RBAC_PERMISSION_DENIED'");
});

test('a request to a handler is told of when it takes more than what anybody may read', async () => {
  await (await fetch(`${world.url}/pool/xmldbdump?session_id=${token}`)).arrayBuffer();
  const told = (await lines()).filter((l) => l.includes("'HTTP'"));
  expect(told).toEqual([
    expect.stringContaining(
      "'LOCAL_SUPERUSER' 'root' 'local-root' 'ALLOWED' 'OK' 'HTTP' 'http/get_pool_xml_db_sync' ()",
    ),
  ]);
});

test('lines since a moment; a moment that is none is refused', async () => {
  const all = await lines();
  const from = /^\[([^|]+)\|/.exec(all[3] ?? '')?.[1] ?? '';
  expect((await lines(from)).includes(all[3] ?? '')).toBe(true);
  expect((await lines(from)).includes(all[0] ?? '')).toBe(false);
  expect(await lines('20990101T00:00:00Z')).toEqual([]);
  const wrong = await fetch(`${world.url}/audit_log?session_id=${token}&since=yesterday`);
  expect(wrong.status).toBe(400);
});
