/** Section 1.5 of the protocol notes: whose tasks are, how they end, and what becomes of work that is cancelled or given up. */
import net from 'node:net';
import { asRef, messages, roles, type Message, type Role } from '@xenplane/model';
import { openSession } from '@xenplane/xapi';
import { eventually, startWorld, type World } from '../world';
import { description, post, request, result, send, sessionOf } from './raw';

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
  readonly allowed_operations: string[];
}
const call = <T = string>(method: string, ...params: unknown[]): Promise<T> =>
  result<T>(world, method, session, ...params);
const taskOf = (ref: string): Promise<Task> => call<Task>('task.get_record', ref);
const working = (): Promise<void> =>
  eventually(async () => {
    const vms = await call<string[]>('VM_appliance.get_VMs', appliance);
    const states = await Promise.all(vms.map((vm) => call('VM.get_power_state', vm)));
    expect(states.toSorted()).toEqual(['Halted', 'Running']);
  });
const atRest = async (): Promise<void> => {
  await eventually(async () =>
    expect(await call('VM_appliance.get_current_operations', appliance)).toEqual({}),
  );
  await call('VM_appliance.hard_shutdown', appliance);
};

test('a call in the background that is cancelled ends so, without an error', async () => {
  const task = await call('Async.VM_appliance.start', appliance, false);
  await working();
  expect(await taskOf(task)).toMatchObject({
    status: 'pending',
    allowed_operations: ['cancel'],
    current_operations: {},
  });
  await call('task.cancel', task);
  await eventually(async () =>
    expect(await taskOf(task)).toMatchObject({
      status: 'cancelled',
      error_info: [],
      result: '',
      progress: 1,
      current_operations: {},
      allowed_operations: [],
      finished: expect.stringMatching(/^20/),
    }),
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
  socket.write(
    `PUT /import_raw_vdi?session_id=${session}&sr_id=${sr}&task_id=${task} HTTP/1.0\r\nContent-length: ${2 ** 22}\r\n\r\n`,
  );
  socket.write(Buffer.alloc(2 ** 20, 1));
  await eventually(async () => expect((await taskOf(task)).progress).toBeGreaterThan(0));
  await call('task.cancel', task);
  await eventually(async () =>
    expect(await taskOf(task)).toMatchObject({
      status: 'cancelled',
      error_info: ['TASK_CANCELLED', task],
      progress: 1,
    }),
  );
  socket.destroy();
});

test('a task that nobody works on keeps in mind that it is to be cancelled, and so do transfers that come later', async () => {
  const task = await call('task.create', 'mine', 'by hand');
  await call('task.cancel', task);
  expect(await taskOf(task)).toMatchObject({
    status: 'pending',
    current_operations: { [task]: 'cancel' },
    finished: '19700101T00:00:00Z',
  });
  const answer = await send(world, request('PUT', `/import?session_id=${session}&task_id=${task}`));
  expect(answer).toMatchObject({
    status: 'HTTP/1.1 500 Internal Error',
    body: expect.stringContaining(`TASK_CANCELLED: [ ${task} ]`),
  });
  expect(await taskOf(task)).toMatchObject({
    status: 'cancelled',
    error_info: ['TASK_CANCELLED', task],
    progress: 1,
  });
});

test('the first end of a task is its end', async () => {
  const task = await call('Async.VM_appliance.start', appliance, false);
  await working();
  await call('task.cancel', task);
  await call('task.set_status', task, 'success');
  await atRest();
  expect((await taskOf(task)).status).toBe('success');
});

test('what is wrong with the call itself makes no task', async () => {
  const count = async (): Promise<number> => (await call<string[]>('task.get_all')).length;
  const before = await count();
  expect(await description(world, 'Async.VM.start', session)).toEqual([
    'MESSAGE_PARAMETER_COUNT_MISMATCH',
    'VM.start',
    '3',
    '0',
  ]);
  expect(await description(world, 'Async.VM.start', session, 'OpaqueRef:none', 'no', false)).toEqual([
    'INTERNAL_ERROR',
    expect.any(String),
  ]);
  expect(
    await description(world, 'Async.VM.start', 'OpaqueRef:none', 'OpaqueRef:none', false, false),
  ).toEqual(['SESSION_INVALID', 'OpaqueRef:none']);
  expect(await count()).toBe(before);
});

/** A session of somebody beside root. */
async function opened(role: Role, user: string): Promise<string> {
  const [api] = world.apis;
  if (!api) throw new Error('no API runs');
  return openSession(api.plane, {
    user,
    root: false,
    role,
    originator: 'test',
    userRef: asRef<'user'>('OpaqueRef:NULL'),
  });
}

test('what the role does not allow is said by the task', async () => {
  const reader = await opened('read-only', 'reader');
  const task = await result<string>(world, 'Async.VM_appliance.start', reader, appliance, false);
  await eventually(async () => expect((await taskOf(task)).status).toBe('failure'));
  expect((await taskOf(task)).error_info).toEqual([
    'RBAC_PERMISSION_DENIED',
    'vm_appliance.start',
    'No permission in user session. (Roles with this permission: pool-admin, pool-operator)',
  ]);
});

test('everybody may see every task; to touch it, it must be of the same user, from whichever session', async () => {
  const [first, second, other, operator] = await Promise.all([
    opened('read-only', 'ann'),
    opened('read-only', 'ann'),
    opened('vm-power-admin', 'bea'),
    opened('pool-operator', 'cy'),
  ]);
  const task = await result<string>(world, 'task.create', first, 'of ann', '');
  for (const who of [second, other, operator])
    expect(await result(world, 'task.get_name_label', who, task)).toBe('of ann');
  await result(world, 'task.set_progress', second, task, 0.5);
  await result(world, 'task.set_progress', operator, task, 0.75);
  expect(await taskOf(task)).toMatchObject({ status: 'pending', progress: 0.75, current_operations: {} });
  await result(world, 'task.set_status', second, task, 'success');
  await result(world, 'task.destroy', second, task);
  expect(await description(world, 'task.get_record', session, task)).toEqual([
    'HANDLE_INVALID',
    'task',
    task,
  ]);
});

/** Every message that changes a task, with values that it takes. */
const changes = [...messages.values()].filter(
  (m) =>
    m.cls.name === 'task' &&
    m.kind !== 'object' &&
    m.kind !== 'field-get' &&
    m.params[0]?.type.cls === 'task',
);
const sample: Readonly<Record<string, unknown>> = {
  string: 'x',
  float: 0.25,
  set: [],
  map: { other: 'x' },
  enum: 'pending',
};
const valuesOf = (m: Message): unknown[] =>
  m.params.slice(1).map(({ name, type }) => (name === 'key' ? 'key' : sample[type.kind]));

test('every message that changes a task is in the walk', () => {
  expect(changes.map((m) => m.call).toSorted()).toEqual(
    [
      ...['add_to_other_config', 'cancel', 'destroy', 'remove_from_other_config', 'set_error_info'],
      ...['set_other_config', 'set_progress', 'set_result', 'set_status'],
    ].toSorted(),
  );
  expect(changes.flatMap(valuesOf)).not.toContain(undefined);
});

test.each(roles.filter((r) => r !== 'client-cert'))(
  '%s changes its own tasks; those of others only with the right to destroy any',
  async (role) => {
    const [owner, same, other] = await Promise.all([
      opened(role, `${role} a`),
      opened(role, `${role} a`),
      opened(role, `${role} b`),
    ]);
    const mayAny = ['pool-admin', 'pool-operator'].includes(role);
    const denied = [
      'RBAC_PERMISSION_DENIED',
      'task.destroy/any',
      expect.stringContaining('(Roles with this permission: pool-admin, pool-operator)'),
    ];
    for (const message of changes) {
      const task = await result<string>(world, 'task.create', owner, 'mine', '');
      const before = await taskOf(task);
      if (mayAny) await result(world, message.name, other, task, ...valuesOf(message));
      else
        expect([
          message.name,
          await description(world, message.name, other, task, ...valuesOf(message)),
        ]).toEqual([message.name, denied]);
      if (!mayAny) expect(await taskOf(task)).toEqual(before);
      await result(
        world,
        message.name,
        same,
        task,
        ...(mayAny && message.call.startsWith('add_to_') ? ['another key', 'x'] : valuesOf(message)),
      );
    }
  },
);

test('a task of somebody else is not taken for a transfer, and goes on as it was', async () => {
  const [owner, other] = await Promise.all([opened('read-only', 'ann'), opened('vm-admin', 'bea')]);
  const task = await result<string>(world, 'task.create', owner, 'of ann', '');
  const before = await taskOf(task);
  const answer = await send(world, request('PUT', `/import?session_id=${other}&task_id=${task}`));
  expect(answer).toMatchObject({
    status: expect.stringMatching(/^HTTP\/1\.1 403 /),
    body: expect.stringContaining('task.destroy/any'),
  });
  expect(await taskOf(task)).toEqual(before);
  await result(world, 'task.cancel', owner, task);
  expect((await taskOf(task)).current_operations).toEqual({ [task]: 'cancel' });
});

test('what is over cannot be cancelled any more, and what works on stays when it is destroyed', async () => {
  const over = await call('Async.network.create', { other_config: {} });
  await eventually(async () => expect((await taskOf(over)).status).toBe('success'));
  await call('task.cancel', over);
  expect((await taskOf(over)).status).toBe('success');
  const task = await call('Async.VM_appliance.start', appliance, false);
  await working();
  await call('task.destroy', task);
  expect(await taskOf(task)).toMatchObject({ status: 'pending', current_operations: { task: 'destroy' } });
  await call('task.cancel', task);
  await eventually(async () => expect((await taskOf(task)).status).toBe('cancelled'));
  await call('task.destroy', task);
  expect(await description(world, 'task.get_record', session, task)).toEqual([
    'HANDLE_INVALID',
    'task',
    task,
  ]);
  await atRest();
});

test.each(['task-id', 'subtask-of'])(
  '%s in the head of a call makes its task a part of another',
  async (header) => {
    const whole = await call('task.create', 'the whole', '');
    const answerTo = async (of: string): Promise<string> => {
      const body = JSON.stringify({
        id: 1,
        method: 'Async.network.create',
        params: [session, { other_config: {} }],
      });
      return (
        JSON.parse((await post(world, '/jsonrpc', body, [`${header}: ${of}`])).body) as { result: string }
      ).result;
    };
    const part = await answerTo(whole);
    expect(await call('task.get_subtask_of', part)).toBe(whole);
    expect(await call('task.get_subtasks', whole)).toEqual([part]);
    expect(await call('task.get_subtask_of', await answerTo('OpaqueRef:none'))).toBe('OpaqueRef:NULL');
  },
);

test('what a head says of a task goes into its settings: of a call, of an operation, of a transfer', async () => {
  const head = ['X-Http-Other-Config-Ticket: 42', 'x-http-other-config-dbg: who asked'];
  const settings = { 'http:ticket': '42', 'http:dbg': 'who asked' };
  const answerTo = async (method: string, ...params: unknown[]): Promise<string> =>
    (
      JSON.parse(
        (await post(world, '/jsonrpc', JSON.stringify({ id: 1, method, params: [session, ...params] }), head))
          .body,
      ) as { result: string }
    ).result;
  const [vm] = await call<string[]>('VM_appliance.get_VMs', appliance);
  for (const task of [
    await answerTo('Async.network.create', { other_config: {} }),
    await answerTo('Async.VM.hard_shutdown', vm),
    await answerTo('Async.VM.start', 'OpaqueRef:none', false, false),
  ])
    expect(await call('task.get_other_config', task)).toEqual(settings);
  await send(
    world,
    request('GET', `/export_metadata?session_id=${session}&ref=${vm}`, '', [...head, 'Connection: close']),
  );
  const exported = Object.values(
    await call<Record<string, { name_label: string; other_config: object }>>('task.get_all_records'),
  );
  expect(exported.filter((t) => t.name_label.includes('xport')).map((t) => t.other_config)).toEqual([
    settings,
  ]);
});
