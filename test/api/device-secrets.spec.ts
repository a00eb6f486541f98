/** Passwords of device configurations: wherever the pool keeps or shows anything, they are in secrets alone, one for each connection. */
import { inTransaction } from '@xenplane/store';
import { storage } from '@xenplane/domain';
import { DeviceSecrets1796140000000 } from '../../migrations/0014-device-secrets';
import { eventually, login, password, startWorld, type Call, type World } from '../world';

let world: World;
let call: Call;
let hosts: string[];
let token: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  call = await login(world.url);
  hosts = await call<string[]>('host.get_all');
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

type Config = Record<string, string>;
const store = () => {
  const [api] = world.apis;
  if (!api) throw new Error('no API');
  return api.plane.store;
};
const refused = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    (value) => `answered ${JSON.stringify(value)}`,
    (error: Error) => error.message,
  );
const configs = async (sr: string): Promise<Config[]> =>
  Promise.all(
    (await call<string[]>('SR.get_PBDs', sr)).map((pbd) => call<Config>('PBD.get_device_config', pbd)),
  );
const secrets = async (): Promise<Record<string, { uuid: string; value: string }>> =>
  call('secret.get_all_records');
async function removeSr(sr: string): Promise<void> {
  for (const pbd of await call<string[]>('SR.get_PBDs', sr)) await call('PBD.unplug', pbd);
  await call('SR.forget', sr);
}

/** Every row of every table but that of secrets, the answers of an API, the files that it gives away. */
async function placesOf(plain: string): Promise<string[]> {
  const tables = await store().query<{ name: string }>(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> 'secret'",
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await store().query(
      `SELECT 1 AS yes FROM "${name}" t WHERE strpos(t::text, $1) > 0 LIMIT 1`,
      [plain],
    );
    if (rows.length > 0) found.push(`table ${name}`);
  }
  for (const [name, path] of Object.entries({
    audit: '/audit_log',
    dump: '/pool/xmldbdump',
    backup: '/host_backup',
  })) {
    const bytes = await (await fetch(`${world.url}${path}?session_id=${token}`)).text();
    if (bytes.includes(plain)) found.push(name);
  }
  const events = JSON.stringify(await call('event.from', ['*'], '', 1));
  if (events.includes(plain)) found.push('events');
  const records = JSON.stringify([
    await call('PBD.get_all_records'),
    await call('SR.get_all_records'),
    await call('task.get_all_records'),
  ]);
  if (records.includes(plain)) found.push('records');
  return found;
}

const [target] = storage.targetsOf('10.0.0.5', 3260);
const [unit] = storage.unitsOf(target?.iqn ?? '');
const plain = 'tr0ub4dor&3-in-plain';
const kinds: readonly (readonly [string, Config, readonly string[]])[] = [
  ['smb', { server: '\\\\filer\\secret', username: 'me', password: plain }, ['password']],
  [
    'iso',
    { location: '//filer/secret-isos', type: 'cifs', username: 'me', cifspassword: plain },
    ['cifspassword'],
  ],
  [
    'lvmoiscsi',
    {
      target: '10.0.0.5',
      targetIQN: target?.iqn ?? '',
      SCSIid: unit?.scsiId ?? '',
      chapuser: 'me',
      chappassword: plain,
      incoming_chapuser: 'you',
      incoming_chappassword: `${plain}-too`,
    },
    ['chappassword', 'incoming_chappassword'],
  ],
];

test.each(kinds)(
  '%s: each connection names secrets of its own, and the password is nowhere else',
  async (type, config, keys) => {
    const before = Object.keys(await secrets());
    const task = await call<string>(
      'Async.SR.create',
      hosts[0],
      config,
      0,
      `secret ${type}`,
      '',
      type,
      type === 'iso' ? 'iso' : '',
      true,
      {},
    );
    const sr = /OpaqueRef:[0-9a-f-]+/.exec(await ended(task))?.[0] ?? '';
    const made = await configs(sr);
    expect(made).toHaveLength(hosts.length);
    const kept = Object.fromEntries(Object.entries(config).filter(([key]) => !keys.includes(key)));
    const names = Object.fromEntries(
      keys.map((key) => [`${key}_secret`, expect.stringMatching(/^[0-9a-f-]{36}$/)]),
    );
    for (const one of made) expect(one).toEqual({ ...kept, ...names });
    const uuids = made.flatMap((one) => keys.map((key) => one[`${key}_secret`]));
    expect(new Set(uuids).size).toBe(keys.length * hosts.length);
    const values = new Map(Object.values(await secrets()).map((secret) => [secret.uuid, secret.value]));
    for (const one of made)
      expect(keys.map((key) => values.get(one[`${key}_secret`] ?? ''))).toEqual(
        keys.map((key) => config[key]),
      );
    await refused(
      call('Async.SR.probe_ext', hosts[0], config, type, {}).then((probe) => ended(String(probe))),
    );
    await refused(
      call(
        'SR.probe',
        hosts[0],
        { ...config, server: '\\\\192.0.2.1\\x', target: '192.0.2.1', location: '//192.0.2.1/x' },
        type,
        {},
      ),
    );
    expect(await placesOf(plain)).toEqual([]);
    await removeSr(sr);
    expect(Object.keys(await secrets()).toSorted()).toEqual(before.toSorted());
  },
);

const ended = (task: string): Promise<string> =>
  eventually(async () => {
    const { status, result, error_info } = await call<{
      status: string;
      result: string;
      error_info: string[];
    }>('task.get_record', task);
    expect(status).not.toBe('pending');
    return `${result}${error_info.join(' ')}`;
  });

test('a connection that is made, changed and taken away: a secret that is named is copied, the last one goes with it', async () => {
  const config: Config = { server: '\\\\filer\\one', username: 'me', password: plain };
  const sr = await call<string>('SR.create', hosts[0], config, 0, 'one', '', 'smb', '', false, {});
  const before = await secrets();
  const given = await call<string>('secret.create', { value: plain, other_config: {} });
  const named = await call<string>('secret.get_uuid', given);
  const pbd = await call<string>('PBD.create', {
    host: hosts[1],
    SR: sr,
    device_config: { server: '\\\\filer\\one', username: 'me', password_secret: named },
  });
  const first = await call<Config>('PBD.get_device_config', pbd);
  expect(first['password_secret']).not.toBe(named);
  await call('secret.destroy', given);
  expect(Object.values(await secrets()).find(({ uuid }) => uuid === first['password_secret'])?.value).toBe(
    plain,
  );

  await call('PBD.set_device_config', pbd, { ...first, username: 'you' });
  expect(await call('PBD.get_device_config', pbd)).toEqual({ ...first, username: 'you' });
  await call('PBD.set_device_config', pbd, {
    server: '\\\\filer\\one',
    username: 'you',
    password: 'another',
  });
  const second = await call<Config>('PBD.get_device_config', pbd);
  expect(second).toEqual({ server: '\\\\filer\\one', username: 'you', password_secret: expect.any(String) });
  const values = Object.values(await secrets());
  expect(values.find(({ uuid }) => uuid === second['password_secret'])?.value).toBe('another');
  expect(values.find(({ uuid }) => uuid === first['password_secret'])).toBeUndefined();
  expect(await refused(call('PBD.set_device_config', pbd, { ...second, password_secret: 'nobody' }))).toBe(
    'UUID_INVALID secret nobody',
  );
  await call('PBD.destroy', pbd);
  expect(await secrets()).toEqual(before);
  await removeSr(sr);
});

test('what is refused leaves no secret behind', async () => {
  const before = await secrets();
  const lost = { server: '\\\\nowhere.invalid\\x', username: 'me', password: plain };
  expect(await refused(call('SR.create', hosts[0], lost, 0, 'lost', '', 'smb', '', true, {}))).toMatch(
    /^SR_BACKEND_FAILURE_140 /,
  );
  const unnamed = {
    server: '\\\\filer\\x',
    username: 'me',
    password_secret: 'f3f8c1f0-0000-4000-8000-000000000000',
  };
  expect(await refused(call('SR.create', hosts[0], unnamed, 0, 'lost', '', 'smb', '', true, {}))).toBe(
    `UUID_INVALID secret ${unnamed.password_secret}`,
  );
  expect(await secrets()).toEqual(before);
});

test('in a database that was made before, passwords become secrets', async () => {
  const sr = await call<string>(
    'SR.create',
    hosts[0],
    { server: '\\\\filer\\old', username: 'me', password: plain },
    0,
    'old',
    '',
    'smb',
    '',
    true,
    {},
  );
  const [pbd = ''] = await call<string[]>('SR.get_PBDs', sr);
  const [old = {}] = await configs(sr);
  const asBefore = { server: '\\\\filer\\old', username: 'me', password: plain, chappassword: 'another' };
  await inTransaction(store(), async (tx) => {
    await tx.query('DELETE FROM secret WHERE uuid = $1', [old['password_secret']]);
    await tx.query('UPDATE pbd SET device_config = $2 WHERE ref = $1', [pbd, JSON.stringify(asBefore)]);
  });
  const runner = store().dataSource.createQueryRunner();
  await new DeviceSecrets1796140000000().up(runner).finally(() => runner.release());
  const now = await call<Config>('PBD.get_device_config', pbd);
  expect(now).toEqual({
    server: '\\\\filer\\old',
    username: 'me',
    password_secret: expect.any(String),
    chappassword_secret: expect.any(String),
  });
  const values = Object.values(await secrets());
  expect(
    ['password_secret', 'chappassword_secret'].map(
      (key) => values.find(({ uuid }) => uuid === now[key])?.value,
    ),
  ).toEqual([plain, 'another']);
  expect(await placesOf(plain)).toEqual([]);
  await removeSr(sr);
});

test('the secrets of a host go when it leaves the pool', async () => {
  const sr = await call<string>(
    'SR.create',
    hosts[0],
    { server: '\\\\filer\\joined', username: 'me', password: plain },
    0,
    'joined',
    '',
    'smb',
    '',
    true,
    {},
  );
  const before = Object.keys(await secrets()).length;
  const [gone = ''] = hosts.slice(1);
  for (const pbd of await call<string[]>('host.get_PBDs', gone))
    await call('PBD.unplug', pbd).catch(() => undefined);
  await call('host.disable', gone);
  await call('pool.eject', gone);
  expect(Object.keys(await secrets()).length).toBe(before - 1);
  expect(await configs(sr)).toHaveLength(1);
});
