/** Section 1.5 of the protocol notes: what becomes of work that is cancelled or given up; and the members that constructors want. */
import net from 'node:net';
import { mandatoryMembers } from '@xenplane/testing';
import { eventually, startWorld, type World } from '../world';
import { description, post, result, sessionOf } from './raw';

let world: World;
let session: string;
let appliance: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
  session = await sessionOf(world);
  const [template = ''] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  appliance = await call('VM_appliance.create', { name_label: 'slow', name_description: '' });
  for (const order of [0, 1]) {
    const vm = await call('VM.clone', template, `member ${order}`);
    await call('VM.provision', vm);
    await call('VM.set_appliance', vm, appliance);
    await call('VM.set_order', vm, order);
    // The second waits so long for the first.
    await call('VM.set_start_delay', vm, 600);
  }
});
afterAll(() => world?.stop());

interface Task {
  readonly name_label: string;
  readonly status: string;
  readonly error_info: string[];
  readonly result: string;
  readonly progress: number;
  readonly current_operations: Record<string, string>;
}
const call = <T = string>(method: string, ...params: unknown[]): Promise<T> => result<T>(world, method, session, ...params);
const taskOf = (ref: string): Promise<Task> => call<Task>('task.get_record', ref);
const working = (): Promise<void> =>
  eventually(async () => {
    const vms = await call<string[]>('VM_appliance.get_VMs', appliance);
    const states = await Promise.all(vms.map((vm) => call('VM.get_power_state', vm)));
    expect(states.toSorted()).toEqual(['Halted', 'Running']);
  });
const atRest = async (): Promise<void> => {
  await eventually(async () => expect(await call('VM_appliance.get_current_operations', appliance)).toEqual({}));
  await call('VM_appliance.hard_shutdown', appliance);
};

test('a call in the background that is cancelled ends so, without an error', async () => {
  const task = await call('Async.VM_appliance.start', appliance, false);
  await working();
  await call('task.cancel', task);
  await eventually(async () =>
    expect(await taskOf(task)).toMatchObject({ status: 'cancelled', error_info: [], result: '', progress: 1, current_operations: {} }),
  );
  await call('task.destroy', task);
  await atRest();
});

test('a caller who waits for what is cancelled is told so, with the task', async () => {
  const waiting = description(world, 'VM_appliance.start', session, appliance, false);
  await working();
  const all = await call<Record<string, Task>>('task.get_all_records');
  const [task = ''] = Object.keys(all).filter((ref) => all[ref]?.name_label === 'VM_appliance.start');
  await call('task.cancel', task);
  expect(await waiting).toEqual(['TASK_CANCELLED', task]);
  await atRest();
});

test('the task of a transfer that is cancelled says so', async () => {
  const task = await call('task.create', 'transfer', '');
  const sr = await call('pool.get_default_SR', (await call<string[]>('pool.get_all'))[0]);
  const socket = net.connect(Number(new URL(world.url).port), '127.0.0.1');
  socket.on('error', () => undefined).resume();
  socket.write(`PUT /import_raw_vdi?session_id=${session}&sr_id=${sr}&task_id=${task} HTTP/1.0\r\nContent-length: ${2 ** 22}\r\n\r\n`);
  socket.write(Buffer.alloc(2 ** 20, 1));
  await eventually(async () => expect((await taskOf(task)).progress).toBeGreaterThan(0));
  await call('task.cancel', task);
  await eventually(async () => expect(await taskOf(task)).toMatchObject({ status: 'cancelled', error_info: ['TASK_CANCELLED', task] }));
  socket.destroy();
});

test('what is over cannot be cancelled any more, and what works on stays when it is destroyed', async () => {
  const over = await call('Async.network.create', { other_config: {} });
  await eventually(async () => expect((await taskOf(over)).status).toBe('success'));
  await call('task.cancel', over);
  expect((await taskOf(over)).status).toBe('success');
  const task = await call('Async.VM_appliance.start', appliance, false);
  await working();
  await call('task.destroy', task);
  expect(await taskOf(task)).toMatchObject({ status: 'pending', current_operations: { [task]: 'destroy' } });
  await call('task.cancel', task);
  await eventually(async () => expect((await taskOf(task)).status).toBe('cancelled'));
  await call('task.destroy', task);
  expect(await description(world, 'task.get_record', session, task)).toEqual(['HANDLE_INVALID', 'task', task]);
  await atRest();
});

test.each(['task-id', 'subtask-of'])('%s in the head of a call makes its task a part of another', async (header) => {
  const whole = await call('task.create', 'the whole', '');
  const answerTo = async (of: string): Promise<string> => {
    const body = JSON.stringify({ id: 1, method: 'Async.network.create', params: [session, { other_config: {} }] });
    return (JSON.parse((await post(world, '/jsonrpc', body, [`${header}: ${of}`])).body) as { result: string }).result;
  };
  const part = await answerTo(whole);
  expect(await call('task.get_subtask_of', part)).toBe(whole);
  expect(await call('task.get_subtasks', whole)).toEqual([part]);
  expect(await call('task.get_subtask_of', await answerTo('OpaqueRef:none'))).toBe('OpaqueRef:NULL');
});

/** Of the right kind, whatever they mean. */
const values: Readonly<Record<string, unknown>> = {
  affinity: 'OpaqueRef:NULL',
  type: 'user',
  mode: 'RW',
  actions_after_shutdown: 'destroy',
  actions_after_reboot: 'restart',
  actions_after_crash: 'destroy',
};
function valueOf(cls: string, member: string): unknown {
  if (cls === 'VBD' && member === 'type') return 'Disk';
  if (member in values) return values[member];
  if (/^(is_|sharable|read_only|bootable|empty)/.test(member)) return false;
  if (/^(memory_|VCPUs_(max|at)|virtual_size|MTU|user_version)/.test(member)) return 1;
  return /(_config|_params|^platform)$/.test(member) ? {} : '';
}
test.each(Object.entries(mandatoryMembers).flatMap(([cls, members]) => members.map((member) => [cls, member] as const)))(
  '%s.create wants %s',
  async (cls, missing) => {
    const members = mandatoryMembers[cls] ?? [];
    const given = Object.fromEntries(members.filter((m) => m !== missing).map((m) => [m, valueOf(cls, m)]));
    expect(await description(world, `${cls}.create`, session, given)).toEqual([
      'INTERNAL_ERROR',
      expect.stringContaining(`Dispatcher_FieldNotFound("${missing}")`),
    ]);
  },
);
test.each(Object.keys(mandatoryMembers))('%s.create wants no more than that', async (cls) => {
  const members = mandatoryMembers[cls] ?? [];
  const answer = await description(world, `${cls}.create`, session, Object.fromEntries(members.map((m) => [m, valueOf(cls, m)])));
  expect(JSON.stringify(answer)).not.toContain('FieldNotFound');
});
