/** The bad inputs of the security notes, by their numbers: calls that ask for what cannot be. Nothing of them may stay. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http, { createServer } from 'node:http';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import { agentCredential } from '@xenplane/hypervisor';
import { eventually, joinKey, password, startWorld, type World } from '../world';
import { description, post, result, sessionOf } from './raw';

let world: World, session: string;
let vm: string, template: string, host: string, network: string, bare: string, sr: string, disk: string;
const call = <T = string>(method: string, ...params: unknown[]): Promise<T> =>
  result<T>(world, method, session, ...params);
const error = (method: string, ...params: unknown[]): Promise<unknown> =>
  description(world, method, session, ...params);
const none = 'OpaqueRef:NULL';

beforeAll(async () => {
  world = await startWorld({ hosts: 2, apis: 2 });
  session = await sessionOf(world);
  [template = ''] = await call<string[]>('VM.get_by_name_label', 'Other install media');
  [host = ''] = await call<string[]>('host.get_all');
  bare = await call('network.create', { name_label: 'bare', other_config: {} });
  [network = ''] = await call<string[]>('network.get_all');
  vm = await call('VM.clone', template, 'bad calls');
  await call('VM.provision', vm);
  const [pool] = Object.values(await call<Record<string, { default_SR: string }>>('pool.get_all_records'));
  sr = pool?.default_SR ?? '';
  disk = await call('VDI.create', { ...blankDisk, SR: sr, virtual_size: '1048576' });
});
afterAll(() => world?.stop());

const blankDisk = {
  name_label: 'bad disk',
  name_description: '',
  type: 'user',
  sharable: false,
  read_only: false,
  other_config: {},
};
const drive = (userdevice: string, more: object = {}): object => ({
  ...{
    VM: vm,
    VDI: disk,
    userdevice,
    bootable: false,
    mode: 'RW',
    type: 'Disk',
    unpluggable: true,
    empty: false,
  },
  ...{ other_config: {}, qos_algorithm_type: '', qos_algorithm_params: {} },
  ...more,
});
const card = (more: object): object => ({
  ...{
    VM: vm,
    network,
    device: '0',
    MAC: '',
    MTU: '1500',
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  },
  ...more,
});
const machine = (more: object): Promise<object> =>
  call<object>('VM.get_record', vm).then((record) => ({ ...record, name_label: 'bad machine', ...more }));

/** How much there is of what a call might leave behind. */
const counts = async (): Promise<Record<string, number>> =>
  Object.fromEntries(
    await Promise.all(
      ['VM', 'VBD', 'VIF', 'VDI', 'network', 'VLAN', 'PIF', 'subject'].map(
        async (cls) => [cls, (await call<string[]>(`${cls}.get_all`)).length] as const,
      ),
    ),
  );

type Row = [string, string, () => unknown[] | Promise<unknown[]>, (string | RegExp)[]];
const text = (pattern: string | RegExp): unknown =>
  pattern instanceof RegExp ? (expect.stringMatching(pattern) as unknown) : pattern;

test.each<Row>([
  [
    '50 a reference of another class',
    'VM.start',
    () => [host, false, false],
    ['HANDLE_INVALID', 'VM', /^OpaqueRef:/],
  ],
  [
    '50 no reference',
    'VM.get_record',
    () => ['not a reference'],
    ['HANDLE_INVALID', 'VM', 'not a reference'],
  ],
  ['50 an empty reference', 'VM.get_record', () => [''], ['HANDLE_INVALID', 'VM', none]],
  ['51 a reference to nothing', 'VM.get_record', () => [none], ['HANDLE_INVALID', 'VM', none]],
  ['52 a statement for a uuid', 'VM.get_by_uuid', () => ["' OR 1=1--"], ['UUID_INVALID', 'VM', "' OR 1=1--"]],
  [
    '53 a uuid in braces',
    'VM.get_by_uuid',
    () => ['{00000000-0000-0000-0000-000000000000}'],
    ['UUID_INVALID', 'VM', /^\{/],
  ],
  [
    '54 a key that is there',
    'VM.add_to_other_config',
    () => ['twice', 'x'],
    ['MAP_DUPLICATE_KEY', 'VM', 'other_config', /.*/, 'twice'],
  ],
  [
    '55 a parameter too few',
    'VM.start',
    () => [vm],
    ['MESSAGE_PARAMETER_COUNT_MISMATCH', 'VM.start', '3', '1'],
  ],
  [
    '55 a hundred too many',
    'VM.get_record',
    () => Array(100).fill(vm),
    ['MESSAGE_PARAMETER_COUNT_MISMATCH', 'VM.get_record', '1', '100'],
  ],
  [
    '56 a value that there is not',
    'VM.set_actions_after_crash',
    () => ['Banana'],
    ['INTERNAL_ERROR', /Expected/],
  ],
  ['58 a template is started', 'VM.start', () => [template, false, false], ['VM_IS_TEMPLATE', /^OpaqueRef:/]],
  [
    '59 memory that is less than itself',
    'VM.set_memory_limits',
    () => ['4294967296', '2147483648', '2147483648', '2147483648'],
    [/^MEMORY_CONSTRAINT_VIOLATION/],
  ],
  [
    '59 negative memory',
    'VM.set_memory_limits',
    () => ['-1', '-1', '-1', '-1'],
    [/^MEMORY_CONSTRAINT_VIOLATION|INVALID_VALUE/],
  ],
  ['61 no processor', 'VM.set_VCPUs_max', () => ['0'], ['INVALID_VALUE', /VCPU/, '0']],
  ['61 less than none', 'VM.set_VCPUs_at_startup', () => ['-1'], ['INVALID_VALUE', /VCPU/, '-1']],
  [
    '62 an address that is none',
    'VIF.create',
    () => [card({ MAC: 'zz:zz:zz:zz:zz:zz' })],
    ['MAC_INVALID', 'zz:zz:zz:zz:zz:zz'],
  ],
  [
    '62 a card that there is not',
    'VIF.create',
    () => [card({ device: '-1' })],
    [/INVALID_DEVICE|INVALID_VALUE/],
  ],
  ['63 a device below none', 'VBD.create', () => [drive('-1')], [/ILLEGAL_VBD_DEVICE|INVALID_DEVICE/]],
  [
    '63 a device with a command',
    'VBD.create',
    () => [drive('autodetect;rm')],
    [/ILLEGAL_VBD_DEVICE|INVALID_DEVICE/],
  ],
  ['63 a device far out', 'VBD.create', () => [drive('1000000')], [/ILLEGAL_VBD_DEVICE|INVALID_DEVICE/]],
  [
    '64 a tag that is too great',
    'VLAN.create',
    async () => [(await call<string[]>('PIF.get_all'))[0], '4095', bare],
    ['VLAN_TAG_INVALID', '4095'],
  ],
  [
    '64 a negative tag',
    'VLAN.create',
    async () => [(await call<string[]>('PIF.get_all'))[0], '-1', bare],
    ['VLAN_TAG_INVALID', '-1'],
  ],
  [
    '65 a disk of less than nothing',
    'VDI.create',
    () => [{ ...blankDisk, SR: sr, virtual_size: '-1' }],
    [/INVALID_VALUE|VDI_TOO_SMALL/],
  ],
  [
    '65 a disk of 2^60 bytes',
    'VDI.create',
    () => [{ ...blankDisk, SR: sr, virtual_size: String(2n ** 60n) }],
    [/VDI_TOO_LARGE|SR_FULL|INVALID_VALUE|SR_BACKEND_FAILURE_79|OUT_OF_SPACE/],
  ],
  [
    '65 a disk that grows to 2^63 - 1',
    'VDI.resize',
    () => [disk, String(2n ** 63n - 1n)],
    [/VDI_TOO_LARGE|SR_FULL|INVALID_VALUE|OUT_OF_SPACE/],
  ],
  [
    '69 a token that is none',
    'event.from',
    () => [['*'], 'garbage', 0],
    ['EVENT_FROM_TOKEN_PARSE_FAILURE', 'garbage'],
  ],
  ['69 a negative token', 'event.from', () => [['*'], '-1', 0], ['EVENT_FROM_TOKEN_PARSE_FAILURE', '-1']],
  [
    '69 a token of thirty digits',
    'event.from',
    () => [['*'], `1${'0'.repeat(30)}`, 0],
    ['EVENT_FROM_TOKEN_PARSE_FAILURE', /^1000/],
  ],
  [
    '70 10,000 classes',
    'event.from',
    () => [Array(10_000).fill('vm'), '', 0],
    ['EVENT_SUBSCRIPTION_PARSE_FAILURE', /.*/],
  ],
  [
    '71 a statement for a value',
    'VM.get_all_records_where',
    () => ['field "name"="\' ; drop table vm;--"'],
    [/.+/, /.*/],
  ],
  ['71 a field that there is not', 'VM.get_all_records_where', () => ['field "no_such" = "x"'], [/.+/, /.*/]],
  [
    '71 5,000 parentheses',
    'VM.get_all_records_where',
    () => [`${'('.repeat(5000)}true${')'.repeat(5000)}`],
    [/.+/, /.*/],
  ],
  [
    '71 7 MB',
    'VM.get_all_records_where',
    () => [`field "name__label"="${'x'.repeat(7 * 2 ** 20)}`],
    [/.+/, /.*/],
  ],
  [
    '72 an archive from where metadata of clouds is',
    'VM.import',
    () => ['http://169.254.169.254/', sr, true, false],
    ['INVALID_VALUE', 'url', 'http://169.254.169.254/'],
  ],
  [
    '72 an archive from a file',
    'VM.import',
    () => ['file:///etc/passwd', sr, true, false],
    ['INVALID_VALUE', 'url', 'file:///etc/passwd'],
  ],
  [
    '72 the same address in other letters',
    'VM.import',
    () => ['http://[::ffff:a9fe:a9fe]/', sr, true, false],
    ['INVALID_VALUE', 'url', /ffff/],
  ],
  [
    '72 the same address as a number',
    'VM.import',
    () => ['http://2852039166/', sr, true, false],
    ['INVALID_VALUE', 'url', /2852039166/],
  ],
])('%s', async (_what, method, given, wanted) => {
  if (!(await call<Record<string, string>>('VM.get_other_config', vm))['twice'])
    await call('VM.add_to_other_config', vm, 'twice', 'x');
  const before = await counts();
  const params = await given();
  const self = /^VM\.(add_to|set)_/.test(method) ? [vm] : [];
  const found = await error(method, ...self, ...params);
  expect(Array.isArray(found) ? found.slice(0, wanted.length) : found).toEqual(wanted.map(text));
  expect(await counts()).toEqual(before);
});

test('71 10 MB are more than a call may have', async () => {
  const params = [session, `field "name__label"="${'x'.repeat(10 * 2 ** 20)}"`];
  const { status } = await post(
    world,
    '/jsonrpc',
    JSON.stringify({ id: 1, method: 'VM.get_all_records_where', params }),
  );
  expect(status).toContain(' 413 ');
});

test.each(['', 'vm/../../x', '../vm', 'no_such_class'])(
  '70 %j is the name of nothing, and nothing is told of it',
  async (name) => {
    expect(await call<{ events: unknown[] }>('event.from', [name], '', 0)).toMatchObject({ events: [] });
  },
);

test.each<[string, () => object]>([
  ['61 a billion processors', () => ({ VCPUs_max: '1000000000', VCPUs_at_startup: '1000000000' })],
  ['61 no processors', () => ({ VCPUs_max: '0', VCPUs_at_startup: '0' })],
  ['59 limits out of order', () => ({ memory_static_min: '4294967296', memory_static_max: '1073741824' })],
])('VM.create with %s makes nothing', async (_what, more) => {
  const before = await counts();
  expect(await codeOf(error('VM.create', await machine(more())))).toMatch(
    /INVALID_VALUE|MEMORY_CONSTRAINT_VIOLATION|VM_TOO_MANY_VCPUS/,
  );
  expect(await counts()).toEqual(before);
});
/** The code alone. */
const codeOf = async (answer: Promise<unknown>): Promise<unknown> => {
  const found = await answer;
  return Array.isArray(found) ? (found[0] as unknown) : found;
};

test('53 a uuid is found in the letters that it has', async () => {
  const uuid = await call('VM.get_uuid', vm);
  const answer = await error('VM.get_by_uuid', uuid.toUpperCase());
  if (uuid !== uuid.toUpperCase()) expect(answer).toEqual(['UUID_INVALID', 'VM', uuid.toUpperCase()]);
  expect(await call('VM.get_by_uuid', uuid)).toBe(vm);
});

test('51 what was destroyed is nothing', async () => {
  const gone = await call('VM.clone', template, 'soon gone');
  await call('VM.destroy', gone);
  for (const method of ['VM.get_record', 'VM.destroy', 'VM.provision'])
    expect(await error(method, gone)).toEqual(['HANDLE_INVALID', 'VM', gone]);
});

test('57, 66, 63 what runs is not started again, its disk is not destroyed, its place is taken', async () => {
  const vbd = await call('VBD.create', drive('0'));
  await call('VM.start', vm, false, false);
  expect(await error('VM.start', vm, false, false)).toEqual(['VM_BAD_POWER_STATE', vm, 'halted', 'running']);
  expect(await error('VDI.destroy', disk)).toEqual(['VDI_IN_USE', disk, expect.any(String)]);
  expect(await error('VBD.create', drive('0'))).toEqual(['DEVICE_ALREADY_EXISTS', '0']);
  await call('VM.hard_shutdown', vm);
  await call('VBD.destroy', vbd);
});

test('60 memory that no host has does not overflow', async () => {
  const most = String(2n ** 62n);
  const large = await call('VM.clone', template, 'large');
  await call('VM.provision', large);
  const refused = await codeOf(error('VM.set_memory_limits', large, '0', most, most, most));
  expect(refused ?? (await codeOf(error('VM.start', large, false, false)))).toMatch(
    /HOST_NOT_ENOUGH_FREE_MEMORY|NO_HOSTS_AVAILABLE|MEMORY_CONSTRAINT|INVALID_VALUE/,
  );
  await call('VM.destroy', large);
});

test('67 a snapshot of itself, or of its own snapshot, cannot be said', async () => {
  for (const field of ['snapshot_of', 'parent', 'snapshots', 'children'])
    expect(await error(`VM.set_${field}`, vm, vm)).toEqual(['MESSAGE_METHOD_UNKNOWN', `VM.set_${field}`]);
});

test('72 who answers with another address is not followed', async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(302, { location: '/elsewhere' }).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/here`;
  expect(await error('VM.import', url, sr, true, false)).toEqual([
    'IMPORT_ERROR',
    expect.stringMatching(/ answered 302$/),
  ]);
  expect(asked).toEqual(['/here']);
  server.close();
});

test('41, 42 a host is renewed by its own token in its present epoch alone', async () => {
  const tokens = Object.entries(
    JSON.parse(readFileSync(path.join(world.folder, 'agent', 'tokens.json'), 'utf8')) as Record<
      string,
      string
    >,
  );
  const [[one = '', token = ''] = [], [other = ''] = []] = tokens;
  const epochs = await world.apis[0]?.plane.store.query<{ uuid: string; epoch: number }>(
    'SELECT uuid, host_epoch AS epoch FROM host_run',
    [],
  );
  const epochOf = (uuid: string): number => Number(epochs?.find((e) => e.uuid === uuid)?.epoch);
  const load = { memoryFreeBytes: 1, domains: 0, cpuUsage: 0 };
  const renewed = async (host: string, given: string, hostEpoch: number): Promise<unknown> => {
    const body = JSON.stringify({ renewals: [{ host, token: given, hostEpoch, load }] });
    const answer = await fetch(`${world.url}/agent/v1/renewals`, {
      method: 'POST',
      headers: { authorization: agentCredential(joinKey) },
      body,
    });
    return ((await answer.json()) as { renewals: { renewed: boolean }[] }).renewals[0]?.renewed;
  };
  expect(await renewed(one, token, epochOf(one))).toBe(true);
  expect(await renewed(other, token, epochOf(other))).toBe(false);
  expect(await renewed(one, token, epochOf(one) - 1)).toBe(false);
  expect(await renewed(one, '', epochOf(one))).toBe(false);
});

test('70 a wait of a billion seconds ends when the client goes', async () => {
  const gone = new AbortController();
  const body = JSON.stringify({
    id: 1,
    method: 'event.from',
    params: [session, ['Bond'], await token(), 1e9],
  });
  const waits = fetch(`${world.url}/jsonrpc`, { method: 'POST', body, signal: gone.signal });
  gone.abort();
  await expect(waits).rejects.toThrow();
  expect(await call('VM.get_name_label', vm)).toBe('bad calls');
});
const token = async (): Promise<string> =>
  (await call<{ token: string }>('event.from', ['Bond'], '', 0)).token;

describe('who asks', () => {
  const login = (user: string, pwd: string): Promise<unknown> =>
    description(world, 'session.login_with_password', user, pwd);

  test.each([
    ['28 a wrong password', 'root', 'wrong'],
    ['28 an unknown user', 'nobody', password],
    ['28 no password', 'root', ''],
    ['35 a password of 1 MB', 'root', 'x'.repeat(2 ** 20)],
    ['35 a name of 1 MB', 'x'.repeat(2 ** 20), password],
    ['36 one letter in another form', 'root', password.replace('o', 'ο')],
    ['36 the right one with more', 'root', `${password} `],
  ])('%s', async (_what, user, pwd) =>
    expect(await login(user, pwd)).toEqual(['SESSION_AUTHENTICATION_FAILED', user, expect.any(String)]),
  );

  test('36 a password with a zero is no password', async () =>
    expect(await login('root', `${password}\0`)).toEqual([
      'INVALID_VALUE',
      expect.any(String),
      expect.anything(),
    ]));

  test.each([none, '', 'OpaqueRef:00000000-0000-0000-0000-000000000000', "' OR ''='"])(
    '30, 31 %j is no session',
    async (wrong) =>
      expect(await description(world, 'VM.get_all', wrong)).toEqual(['SESSION_INVALID', wrong]),
  );

  test('31 what the records say of a session opens nothing', async () => {
    const [ref] =
      (await world.apis[0]?.plane.store.query<{ ref: string }>('SELECT ref FROM session LIMIT 1', [])) ?? [];
    expect(await description(world, 'VM.get_all', ref?.ref)).toEqual(['SESSION_INVALID', ref?.ref]);
  });

  test('32 a session that was logged out is none, on every API', async () => {
    const short = await sessionOf(world);
    const other = { ...world, url: world.apis[1]?.url ?? '' };
    await result(other, 'VM.get_all', short);
    await result(world, 'session.logout', short);
    expect(await description(world, 'VM.get_all', short)).toEqual(['SESSION_INVALID', short]);
    await eventually(async () =>
      expect(await description(other, 'VM.get_all', short)).toEqual(['SESSION_INVALID', short]),
    );
  });

  test('34 a session cannot be chosen', async () => {
    const wish = 'OpaqueRef:11111111-1111-1111-1111-111111111111';
    const given = await result<string>(world, 'session.login_with_password', 'root', password, '1.0', wish);
    expect(given).not.toBe(wish);
    expect(await description(world, 'VM.get_all', wish)).toEqual(['SESSION_INVALID', wish]);
  });

  test('29 of more wrong passwords than may wait at one address the rest is turned away; other addresses and known passwords come in', async () => {
    const from = async (localAddress: string, pwd: string): Promise<unknown> => {
      const asking = http.request(`${world.url}/jsonrpc`, { method: 'POST', localAddress, agent: false });
      asking.end(JSON.stringify({ id: 1, method: 'session.login_with_password', params: ['root', pwd] }));
      const [answer] = (await once(asking, 'response')) as [http.IncomingMessage];
      return ((await json(answer)) as { error: unknown }).error;
    };
    const failed = ['SESSION_AUTHENTICATION_FAILED', 'root', expect.any(String)];
    const flood = Array.from({ length: 300 }, (_, i) => from('127.0.0.1', `guess ${i}`));
    const isBusy = (error: unknown): boolean => Array.isArray(error) && error[0] === 'TOO_BUSY';
    await Promise.any(
      flood.map(async (answer) => isBusy(await answer) || Promise.reject(new Error('looked at'))),
    );
    expect([
      await from('127.0.0.1', password),
      await from('127.0.0.2', password),
      await from('127.0.0.2', 'wrong'),
    ]).toEqual([null, null, failed]);
    const answers = await Promise.all(flood);
    const looked = answers.filter((error) => !isBusy(error));
    expect(looked).toEqual(looked.map(() => failed));
    expect(await from('127.0.0.1', 'wrong')).toEqual(failed);
  });

  test('29 thirty wrong passwords at once keep nobody out', async () => {
    const wrong = Array.from({ length: 30 }, (_, i) => login('root', `guess ${i}`));
    await expect(sessionOf(world)).resolves.toMatch(/^OpaqueRef:/);
    expect(
      (await Promise.all(wrong)).every((e) => Array.isArray(e) && e[0] === 'SESSION_AUTHENTICATION_FAILED'),
    ).toBe(true);
  });
});
