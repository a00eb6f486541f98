/** Section 1.4 of the protocol notes: what is complained of first when several things are in the way of an operation, and with which words. */
import { startWorld, type World } from '../world';
import { description, result, sessionOf } from './raw';

let world: World;
let session: string;
let vm: string;
let template: string;
let snapshot: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
  session = await sessionOf(world);
  [template = ''] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  vm = await call('VM.clone', template, 'operated on');
  await call('VM.provision', vm);
  snapshot = await call('VM.snapshot', vm, 'as it was');
});
afterAll(() => world?.stop());

const call = <T = string>(method: string, ...params: unknown[]): Promise<T> =>
  result<T>(world, method, session, ...params);
const error = (method: string, ...params: unknown[]): Promise<unknown> =>
  description(world, method, session, ...params);
type Case = [string, string, () => unknown[], () => unknown[]];

test.each<Case>([
  [
    'the state of a template, before that it is one',
    'VM.hard_shutdown',
    () => [template],
    () => ['VM_BAD_POWER_STATE', template, 'paused, suspended, running', 'halted'],
  ],
  [
    'a template',
    'VM.start_on',
    () => [template, 'OpaqueRef:none', false, false],
    () => ['VM_IS_TEMPLATE', template, 'start_on'],
  ],
  ['a snapshot', 'VM.start', () => [snapshot, false, false], () => ['VM_IS_SNAPSHOT', snapshot, 'start']],
  [
    'a state that would do, of several',
    'VM.pool_migrate',
    () => [vm, 'OpaqueRef:none', {}],
    () => ['VM_BAD_POWER_STATE', vm, 'running', 'halted'],
  ],
  [
    'a clean shutdown of what does not run',
    'VM.clean_shutdown',
    () => [vm],
    () => ['VM_BAD_POWER_STATE', vm, 'running', 'halted'],
  ],
  [
    'a clean reboot of what does not run',
    'VM.clean_reboot',
    () => [vm],
    () => ['VM_BAD_POWER_STATE', vm, 'running', 'halted'],
  ],
  [
    'a pause of what does not run',
    'VM.pause',
    () => [vm],
    () => ['VM_BAD_POWER_STATE', vm, 'running', 'halted'],
  ],
])('%s', async (_claim, method, params, expected) =>
  expect(await error(method, ...params())).toEqual(expected()),
);

test.each<Case>([
  ['of a template', 'VM.start', () => [template, false, false], () => [template, 'start']],
  ['in the wrong state', 'VM.hard_shutdown', () => [vm], () => [vm, 'hard_shutdown']],
  ['of a snapshot', 'VM.start', () => [snapshot, false, false], () => [snapshot, 'start']],
])('that an operation is blocked comes first: %s', async (_claim, method, params, blocked) => {
  const [ref, operation] = blocked();
  await call('VM.add_to_blocked_operations', ref, operation, 'not today');
  expect(await error(method, ...params())).toEqual(['OPERATION_BLOCKED', ref, 'not today']);
  await call('VM.remove_from_blocked_operations', ref, operation);
});

test('of a VM that runs too, the states that would do are told in their order', async () => {
  await call('VM.start', vm, false, false);
  for (const [method, allowed, ...params] of [
    ['VM.start', 'halted', false, false],
    ['VM.resume', 'suspended', false, false],
    ['VM.unpause', 'paused'],
    ['VM.destroy', 'halted, suspended'],
    ['VM.clone', 'halted', 'copy'],
    ['VM.copy', 'halted', 'copy', 'OpaqueRef:NULL'],
    ['VM.provision', 'halted'],
  ])
    expect([method, await error(String(method), vm, ...params)]).toEqual([
      method,
      ['VM_BAD_POWER_STATE', vm, allowed, 'running'],
    ]);
  expect(await call('VM.snapshot', vm, 'while it runs')).toMatch(/^OpaqueRef:/);
  await call('VM.pause', vm);
  expect(await error('VM.clean_shutdown', vm)).toEqual(['VM_BAD_POWER_STATE', vm, 'running', 'paused']);
  await call('VM.hard_shutdown', vm);
});

test('what starts second waits for the first, and finds the VM in its new state', async () => {
  const [first, second] = await Promise.all([
    error('VM.start', vm, false, false),
    error('VM.start', vm, false, false),
  ]);
  expect([first, second].toSorted()).toEqual(
    [['VM_BAD_POWER_STATE', vm, 'halted', 'running'], null].toSorted(),
  );
  await call('VM.hard_shutdown', vm);
});

test('fewer VCPUs at most than at the start are an invalid value of the field', async () => {
  await call('VM.set_VCPUs_max', vm, 4);
  await call('VM.set_VCPUs_at_startup', vm, 2);
  expect(await error('VM.set_VCPUs_max', vm, 1)).toEqual(['INVALID_VALUE', 'VCPUs_at_startup', '2']);
});

test('an unknown plugin is named', async () => {
  const [host] = await call<string[]>('host.get_all');
  expect(await error('host.call_plugin', host, 'nope', 'f', {})).toEqual(['XENAPI_MISSING_PLUGIN', 'nope']);
});
