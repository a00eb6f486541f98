/** Sections 1.4 to 1.6 of the protocol notes: what a call is checked for, in which order, and how tasks end. */
import { mandatory, messages } from '@xenplane/model';
import { eventually, startWorld, type World } from '../world';
import { description, post, result, sessionOf, xmlCall } from './raw';

let world: World;
let session: string;
let vm: string;
let template: string;
let task: string;
let network: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
  session = await sessionOf(world);
  [template = ''] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  vm = await call('VM.clone', template, 'dispatched');
  await call('VM.provision', vm);
  task = await call('task.create', 'mine', '');
  network = await call('network.create', { name_label: 'dispatched', other_config: {} });
});
afterAll(() => world?.stop());

const call = <T = string>(method: string, ...params: unknown[]): Promise<T> =>
  result<T>(world, method, session, ...params);
const error = (method: string, ...params: unknown[]): Promise<unknown> =>
  description(world, method, ...params);
const none = 'OpaqueRef:none';
type Case = [string, string, () => unknown[], () => unknown[]];

test.each<Case>([
  [
    'one parameter too few, the session not counted',
    'VM.get_record',
    () => [session],
    () => ['MESSAGE_PARAMETER_COUNT_MISMATCH', 'VM.get_record', '1', '0'],
  ],
  [
    'no parameters at all',
    'VM.get_record',
    () => [],
    () => ['MESSAGE_PARAMETER_COUNT_MISMATCH', 'VM.get_record', '1', '-1'],
  ],
  [
    'one too many',
    'VM.get_record',
    () => [session, vm, 'x'],
    () => ['MESSAGE_PARAMETER_COUNT_MISMATCH', 'VM.get_record', '1', '2'],
  ],
  [
    'a constructor wants one',
    'VM.create',
    () => [session],
    () => ['MESSAGE_PARAMETER_COUNT_MISMATCH', 'VM.create', '1', '0'],
  ],
  [
    'the count comes before the session',
    'VM.get_record',
    () => [none],
    () => ['MESSAGE_PARAMETER_COUNT_MISMATCH', 'VM.get_record', '1', '0'],
  ],
  [
    'Async is not named',
    'Async.VM.start',
    () => [session, vm],
    () => ['MESSAGE_PARAMETER_COUNT_MISMATCH', 'VM.start', '3', '1'],
  ],
  [
    'a login wants two',
    'session.login_with_password',
    () => ['root'],
    () => ['MESSAGE_PARAMETER_COUNT_MISMATCH', 'session.login_with_password', '2', '1'],
  ],
])('count: %s', async (_claim, method, params, expected) =>
  expect(await error(method, ...params())).toEqual(expected()),
);

test.each([[2], [3], [4], [5]])('a login takes %i parameters', async (count) => {
  const params = ['root', world.password, '1.0', 'test', 'surplus'].slice(0, count);
  expect(await result(world, 'session.login_with_password', ...params)).toMatch(/^OpaqueRef:/);
});

test.each<Case>([
  ['unknown, no parameters', 'VM.nope', () => [], () => ['MESSAGE_METHOD_UNKNOWN', 'VM.nope']],
  ['unknown, no live session', 'VM.nope', () => ['x'], () => ['SESSION_INVALID', 'x']],
  ['unknown, a live session', 'VM.nope', () => [session], () => ['MESSAGE_METHOD_UNKNOWN', 'VM.nope']],
  [
    'unknown, in the background',
    'Async.VM.nope',
    () => [session],
    () => ['MESSAGE_METHOD_UNKNOWN', 'VM.nope'],
  ],
  [
    'the getter of a field that is not',
    'VM.get_nope',
    () => [session, vm],
    () => ['MESSAGE_METHOD_UNKNOWN', 'VM.get_nope'],
  ],
  [
    'the other name, in the background',
    'Async.VM_start',
    () => [session, vm, false, false],
    () => ['MESSAGE_METHOD_UNKNOWN', 'VM_start'],
  ],
  ['a dead session', 'VM.get_all', () => [none], () => ['SESSION_INVALID', none]],
  [
    'no background, after the session',
    'Async.VM.get_record',
    () => [none, vm],
    () => ['SESSION_INVALID', none],
  ],
  [
    'no background, after the count',
    'Async.VM.get_record',
    () => [session],
    () => ['MESSAGE_PARAMETER_COUNT_MISMATCH', 'VM.get_record', '1', '0'],
  ],
  [
    'no background for getters',
    'Async.VM.get_record',
    () => [session, vm],
    () => ['Fault', 'No async mode for this operation (rpc: VM.get_record)'],
  ],
  [
    'no background for sessions',
    'Async.session.logout',
    () => [session],
    () => ['Fault', 'No async mode for this operation (rpc: session.logout)'],
  ],
  [
    'no background for events',
    'Async.event.from',
    () => [session, [], '', 0],
    () => ['Fault', 'No async mode for this operation (rpc: event.from)'],
  ],
  [
    'removed, after the count',
    'pool.enable_ssl_legacy',
    () => [none],
    () => ['MESSAGE_PARAMETER_COUNT_MISMATCH', 'pool.enable_ssl_legacy', '1', '0'],
  ],
  [
    'removed, after the session',
    'pool.enable_ssl_legacy',
    () => [none, 'x'],
    () => ['SESSION_INVALID', none],
  ],
  [
    'removed, before the arguments',
    'pool.enable_ssl_legacy',
    () => [session, [{ a: 1 }]],
    () => ['MESSAGE_REMOVED'],
  ],
  [
    'removed, in the background',
    'Async.pool.enable_ssl_legacy',
    () => [session, 7],
    () => ['MESSAGE_REMOVED'],
  ],
  [
    'whether the server lives, without anything to send back',
    'system.isAlive:x',
    () => [],
    () => ['INTERNAL_ERROR', 'there is nothing to send back'],
  ],
  [
    'whether the server lives, without a name',
    'system.isAlive',
    () => [session],
    () => ['MESSAGE_METHOD_UNKNOWN', 'system.isAlive'],
  ],
])('method: %s', async (_claim, method, params, expected) =>
  expect(await error(method, ...params())).toEqual(expected()),
);

test('a removed method says so on the other wire too', async () => {
  expect((await post(world, '/', xmlCall('pool.enable_ssl_legacy', session, '<int>7</int>'))).body).toContain(
    '<array><data><value>MESSAGE_REMOVED</value></data></array>',
  );
});

test('whoever asks whether the server lives gets back what was sent, without a session', async () => {
  for (const sent of ['hello', '5', 7, true, ['a', { b: 1.5 }]])
    expect(await result(world, 'system.isAlive:any', sent)).toEqual(sent);
  const { body } = await post(
    world,
    '/',
    xmlCall(
      'system.isAlive:any',
      '<struct><member><name>a</name><value><int>7</int></value></member></struct>',
    ),
  );
  expect(body).toContain(
    '<name>Value</name><value><struct><member><name>a</name><value>7</value></member></struct></value>',
  );
});

const withDefaults = [...messages.values()]
  .filter((m) => m.params.length > mandatory(m))
  .map((m) => [m.name, mandatory(m)] as const);
test.each(withDefaults)(
  '%s wants %i parameters; others have defaults, and what is surplus is not looked at',
  async (name, wanted) => {
    const given = (count: number): unknown[] => [none, ...Array<string>(count).fill('x')];
    const off = name === 'session.login_with_password' ? 1 : 0;
    const mismatch = ['MESSAGE_PARAMETER_COUNT_MISMATCH', name, String(wanted), String(wanted - 1)];
    if (wanted > 0) expect(await error(name, ...given(wanted - 1).slice(off))).toEqual(mismatch);
    expect(await error(name, ...given(wanted + 20).slice(off))).not.toEqual(
      expect.arrayContaining(['MESSAGE_PARAMETER_COUNT_MISMATCH']),
    );
  },
);

test.each<Case>([
  ['the method is unknown', 'VM.nope', () => ['\ud800'], () => []],
  ['there are too many', 'VM.get_record', () => [session, vm, { deep: ['\ud800'] }], () => []],
  ['there is no session', 'VM.set_name_label', () => [none, vm, 'a\udfffb'], () => []],
])('text that is none comes before all: %s', async (_claim, method, params) => {
  expect(await error(method, ...params())).toEqual([
    'INVALID_VALUE',
    'Invalid UTF-8 string in parameter',
    expect.not.stringContaining('\ud800'),
  ]);
});
test('bytes that are no text are told so on either wire', async () => {
  const bytes = Buffer.concat([
    Buffer.from(`{"id":1,"method":"VM.get_all","params":["`),
    Buffer.from([0xff, 0xfe]),
    Buffer.from('"]}'),
  ]);
  expect(JSON.parse((await post(world, '/jsonrpc', bytes)).body)).toMatchObject({
    error: ['INVALID_VALUE', 'Invalid UTF-8 string in parameter', expect.any(String)],
  });
  const [before = '', after = ''] = xmlCall('VM.get_all', '|').split('|');
  const xml = Buffer.concat([Buffer.from(before), Buffer.from([0xc3, 0x28]), Buffer.from(after)]);
  expect((await post(world, '/RPC2', xml)).body).toContain(
    '<value>INVALID_VALUE</value><value>Invalid UTF-8 string in parameter</value>',
  );
});

test('the version of the API is that of every host', async () => {
  const [host] = await call<string[]>('host.get_all');
  expect([
    await call<number>('host.get_API_version_major', host),
    await call('host.get_API_version_vendor', host),
  ]).toEqual([2, 'XenSource']);
  expect(Number.isInteger(await call<number>('host.get_API_version_minor', host))).toBe(true);
});

test('every method answers to its other name', async () => {
  expect(await result(world, 'VM_get_name_label', session, vm)).toBe('dispatched');
});

test.each([
  'VM',
  'host',
  'pool',
  'SR',
  'VDI',
  'VBD',
  'VIF',
  'network',
  'PIF',
  'PBD',
  'VM_metrics',
  'host_metrics',
  'VM_guest_metrics',
  'task',
])('a dead reference and uuid name their class: %s', async (cls) => {
  expect(await error(`${cls}.get_record`, session, none)).toEqual(['HANDLE_INVALID', cls, none]);
  expect(await error(`${cls}.get_uuid`, session, none)).toEqual(['HANDLE_INVALID', cls, none]);
  expect(await error(`${cls}.get_by_uuid`, session, 'no-uuid')).toEqual(['UUID_INVALID', cls, 'no-uuid']);
});

test.each<Case>([
  [
    'a value for a key that is there',
    'network.add_to_other_config',
    () => [network, 'k', 'b'],
    () => ['MAP_DUPLICATE_KEY', 'network', 'other_config', network, 'k'],
  ],
  [
    'a VM that is a template',
    'VM.start',
    () => [template, false, false],
    () => ['VM_IS_TEMPLATE', template, 'start'],
  ],
  [
    'provision of what is no template',
    'VM.provision',
    () => [vm],
    () => ['PROVISION_ONLY_ALLOWED_ON_TEMPLATE'],
  ],
  [
    'a bad power state',
    'VM.hard_shutdown',
    () => [vm],
    () => ['VM_BAD_POWER_STATE', vm, 'paused, suspended, running', 'halted'],
  ],
  [
    'a hard reboot of a halted VM',
    'VM.hard_reboot',
    () => [vm],
    () => ['VM_BAD_POWER_STATE', vm, 'paused, running', 'halted'],
  ],
  [
    'resume of a halted VM',
    'VM.resume',
    () => [vm, false, false],
    () => ['VM_BAD_POWER_STATE', vm, 'suspended', 'halted'],
  ],
  ['unpause of a halted VM', 'VM.unpause', () => [vm], () => ['VM_BAD_POWER_STATE', vm, 'paused', 'halted']],
  ['suspend of a halted VM', 'VM.suspend', () => [vm], () => ['VM_BAD_POWER_STATE', vm, 'running', 'halted']],
  ['revert of what is no snapshot', 'VM.revert', () => [vm], () => ['REVERT_ONLY_ALLOWED_ON_SNAPSHOT']],
  [
    'an unknown plugin',
    'host.call_plugin',
    () => [none, 'nope', 'f', {}],
    () => ['HANDLE_INVALID', 'host', none],
  ],
])('operation: %s', async (_claim, method, params, expected) => {
  if (method.startsWith('network.')) await call('network.add_to_other_config', network, 'k', 'a');
  expect(await error(method, session, ...params())).toEqual(expected());
});

test('what is absent is removed silently, and a set has everything once', async () => {
  expect(await call('network.remove_from_other_config', network, 'absent')).toBe('');
  await call('network.add_tags', network, 'once');
  await call('network.add_tags', network, 'once');
  expect(await call('network.get_tags', network)).toEqual(['once']);
  expect(await call('network.get_by_name_label', 'nobody has this name')).toEqual([]);
});

test('a blocked operation says why', async () => {
  await call('VM.add_to_blocked_operations', vm, 'start', 'not today');
  expect(await error('VM.start', session, vm, false, false)).toEqual(['OPERATION_BLOCKED', vm, 'not today']);
  await call('VM.remove_from_blocked_operations', vm, 'start');
});

test.each<Case>([
  ['a flag as text', 'VM.set_is_a_template', () => [vm, 'true'], () => []],
  ['a number for a text', 'VM.set_name_label', () => [vm, 1], () => []],
  ['an enum that is none', 'VM.set_actions_after_crash', () => [vm, 'explode'], () => []],
  ['a constructor without a member', 'VDI.create', () => [{ name_label: 'x' }], () => []],
  ['a member with a wrong type', 'network.create', () => [{ other_config: [] }], () => []],
])('wrong type: %s is INTERNAL_ERROR with a text, and 200', async (_claim, method, params) => {
  expect(await error(method, session, ...params())).toEqual(['INTERNAL_ERROR', expect.any(String)]);
});
test('the member that is missing is named', async () => {
  expect(await error('secret.create', session, {})).toEqual([
    'INTERNAL_ERROR',
    expect.stringContaining('Dispatcher_FieldNotFound("value")'),
  ]);
});
test('members that no constructor has are not looked at, whatever they hold', async () => {
  const zeroes = {
    uuid: '',
    allowed_operations: [],
    VIFs: null,
    PIFs: '',
    blobs: '',
    created: '0001-01-01T00:00:00Z',
  };
  expect(await call('network.create', { ...zeroes, name_label: 'by Go', other_config: {} })).toMatch(
    /^OpaqueRef:/,
  );
});

describe('tasks', () => {
  interface Task {
    readonly name_label: string;
    readonly status: string;
    readonly progress: number;
    readonly finished: string;
    readonly result: string;
    readonly error_info: readonly string[];
    readonly type: string;
  }
  const ended = (ref: string): Promise<Task> =>
    eventually(async () => {
      const record = await call<Task>('task.get_record', ref);
      if (record.status === 'pending') throw new Error('pending');
      return record;
    });
  const date = expect.stringMatching(/^20\d{6}T\d\d:\d\d:\d\dZ$/);

  test.each<[string, string, () => unknown[], () => object]>([
    [
      'a reference',
      'VM.clone',
      () => [vm, 'copy'],
      () => ({
        status: 'success',
        result: expect.stringMatching(/^<value>OpaqueRef:[0-9a-f-]{36}<\/value>$/),
        error_info: [],
      }),
    ],
    [
      'void',
      'VM.set_memory_limits',
      () => [vm, 2 ** 30, 2 ** 30, 2 ** 30, 2 ** 30],
      () => ({ status: 'success', result: '<value></value>', error_info: [] }),
    ],
    [
      'a dead reference',
      'VM.start',
      () => [none, false, false],
      () => ({ status: 'failure', error_info: ['HANDLE_INVALID', 'VM', none] }),
    ],
    [
      'a bad state',
      'VM.hard_shutdown',
      () => [vm],
      () => ({
        status: 'failure',
        error_info: ['VM_BAD_POWER_STATE', vm, 'paused, suspended, running', 'halted'],
      }),
    ],
  ])('the end of one: %s', async (_claim, method, params, end) => {
    const record = await ended(await call(`Async.${method}`, ...params()));
    expect(record).toMatchObject({
      name_label: `Async.${method}`,
      progress: 1,
      finished: date,
      type: '<none/>',
      ...end(),
    });
  });

  test('a record of one has every field', async () => {
    const fields =
      'uuid name_label name_description allowed_operations current_operations created finished status resident_on progress type result error_info other_config subtask_of subtasks backtrace';
    expect(Object.keys(await call<object>('task.get_record', task))).toEqual(
      expect.arrayContaining(fields.split(' ')),
    );
  });

  test.each([
    ['set_progress', 'get_progress', 0.5],
    ['set_result', 'get_result', 'a result'],
    ['set_error_info', 'get_error_info', ['A', 'b']],
    ['set_status', 'get_status', 'success'],
  ])('its owner may %s', async (set, get, value) => {
    await call(`task.${set}`, task, value);
    expect(await call(`task.${get}`, task)).toEqual(value);
  });
});

test('a refused login waits, then says who', async () => {
  const began = Date.now();
  expect(await error('session.login_with_password', 'root', 'wrong')).toEqual([
    'SESSION_AUTHENTICATION_FAILED',
    'root',
    expect.any(String),
  ]);
  expect(Date.now() - began).toBeGreaterThanOrEqual(190);
});
