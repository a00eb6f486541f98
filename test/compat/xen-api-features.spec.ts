/** Everything that npm's xen-api offers beside transfers: records, fields, events, tasks, sessions that end. */
import { createRequire } from 'node:module';
import { createClient, type Xapi } from 'xen-api';
import { eventually, login, password, startWorld, type Call, type World } from '../world';

let world: World;
let xapi: Xapi;
let other: Call;
const client = (options: object = {}): Xapi =>
  createClient({
    url: world.url,
    auth: { user: 'root', password },
    allowUnauthorized: true,
    watchEvents: true,
    debounce: 20,
    eventPollDelay: 100,
    ...options,
  });
beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
  other = await login(world.url);
  xapi = client();
  await xapi.connect();
  await xapi.objectsFetched;
});
afterAll(async () => {
  await xapi?.disconnect();
  await world?.stop();
});

interface Tokens {
  readonly CancelToken: { source(): { readonly token: object; cancel(): void } };
}
interface Seen {
  readonly $ref: string;
  readonly $id: string;
  readonly uuid: string;
  readonly name_label: string;
  readonly $pool: Seen;
}
const make = (name: string): Promise<string> =>
  other<string>('network.create', { name_label: name, other_config: {} });
const seen = (ref: string): Seen => xapi.getObject(ref) as Seen;

test('what others add, change and remove comes as events of the collection', async () => {
  const heard: string[] = [];
  const names = ['add', 'update', 'remove'] as const;
  const listeners = names.map(
    (name) =>
      [
        name,
        (items: Readonly<Record<string, unknown>>) =>
          Object.keys(items).forEach((id) => heard.push(`${name} ${id}`)),
      ] as const,
  );
  for (const [name, listener] of listeners) xapi.objects.on(name, listener);
  const ref = await make('watched');
  const id = await eventually(async () => seen(ref).$id);
  await eventually(async () => expect(heard).toContain(`add ${id}`));
  await other('network.set_name_label', ref, 'renamed');
  await eventually(async () => expect(heard).toContain(`update ${id}`));
  expect(seen(ref).name_label).toBe('renamed');
  await other('network.destroy', ref);
  await eventually(async () =>
    expect(heard.filter((line) => line.endsWith(id)).map((line) => line.split(' ')[0])).toEqual([
      'add',
      'update',
      'remove',
    ]),
  );
  for (const [name, listener] of listeners) xapi.objects.removeListener(name, listener);
});

test('a barrier gives the object as it is after all writes before it, and leaves no mark', async () => {
  const ref = await make('barred');
  await other('network.set_name_description', ref, 'written');
  expect(await xapi.barrier(ref)).toMatchObject({ name_label: 'barred', name_description: 'written' });
  const [pool] = await other<string[]>('pool.get_all');
  await eventually(async () =>
    expect(
      Object.keys(await other<object>('pool.get_other_config', pool)).filter((k) =>
        k.startsWith('xo:barrier'),
      ),
    ).toEqual([]),
  );
});

test('fields are read and written, one, many, and entries of maps', async () => {
  const ref = await make('fields');
  await xapi.setField('network', ref, 'name_label', 'one');
  expect(await xapi.getField('network', ref, 'name_label')).toBe('one');
  await xapi.setFields('network', ref, {
    name_label: 'many',
    name_description: 'too',
    tags: ['a'],
    MTU: undefined,
  });
  expect(await xapi.getRecord('network', ref)).toMatchObject({
    name_label: 'many',
    name_description: 'too',
    tags: ['a'],
    MTU: 1500,
  });
  await xapi.setFieldEntry('network', ref, 'other_config', 'k', 'v');
  await xapi.setFieldEntry('network', ref, 'other_config', 'k', 'again');
  await xapi.setFieldEntries('network', ref, 'other_config', {
    a: '1',
    b: '2',
    absent: null,
    left: undefined,
  });
  expect(await xapi.getField('network', ref, 'other_config')).toEqual({ k: 'again', a: '1', b: '2' });
  await xapi.setFieldEntries('network', ref, 'other_config', { k: null, a: null });
  expect(await xapi.getField('network', ref, 'other_config')).toEqual({ b: '2' });
});

test('records are found by class, reference and uuid, and by the getters of the cache', async () => {
  const ref = await make('found');
  const { uuid } = (await xapi.barrier(ref)) as Seen;
  expect(await xapi.getRecordByUuid('network', uuid)).toMatchObject({ $ref: ref, name_label: 'found' });
  expect(await xapi.getFieldByUuid('network', uuid, 'name_label')).toBe('found');
  expect((await xapi.getAllRecords('network')).map((one) => (one as Seen).$ref)).toContain(ref);
  expect(await xapi.getRecords('network', [ref])).toMatchObject([{ $ref: ref }]);
  expect([xapi.getObjectByRef(ref), xapi.getObjectByUuid(uuid), xapi.getObject(uuid)]).toEqual([
    seen(ref),
    seen(ref),
    seen(ref),
  ]);
  expect(seen(ref).$pool).toBe(xapi.pool);
  expect(xapi.getObject('nothing', 'otherwise')).toBe('otherwise');
  expect(() => xapi.getObject('nothing')).toThrow();
});

test('a record’s own setters write', async () => {
  const ref = await make('own');
  const record = (await xapi.barrier(ref)) as Seen & {
    set_name_label(v: string): Promise<void>;
    update_other_config(k: string, v: string): Promise<void>;
  };
  await record.set_name_label('by itself');
  await record.update_other_config('k', 'v');
  expect(await xapi.barrier(ref)).toMatchObject({ name_label: 'by itself', other_config: { k: 'v' } });
});

test.each<[string, unknown[], unknown]>([
  ['network.create_none', [], 'MESSAGE_METHOD_UNKNOWN'],
  ['network.get_record', ['OpaqueRef:none'], 'HANDLE_INVALID'],
  ['network.add_to_other_config', ['OpaqueRef:none', 'k', 'v'], 'HANDLE_INVALID'],
])('the code of a refused %s is told', async (method, params, code) => {
  await expect(xapi.call(method, ...params)).rejects.toMatchObject({ code });
});

test('a task in the background ends, tells its result, and is destroyed', async () => {
  const template = (await other<string[]>('VM.get_by_name_label', 'Debian Bookworm 12'))[0];
  const vm = await xapi.callAsync('VM.clone', template, 'in the background');
  expect(await other('VM.get_name_label', vm)).toBe('in the background');
  const left = async (): Promise<unknown[]> =>
    Object.values(await other<Record<string, Seen>>('task.get_all_records')).filter(
      (t) => t.name_label === 'Async.VM.clone',
    );
  await eventually(async () => expect(await left()).toEqual([]));
});

test('a call in the background is cancelled by the token of the client', async () => {
  const [template] = await other<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const appliance = await other<string>('VM_appliance.create', { name_label: 'slow', name_description: '' });
  const vms: string[] = [];
  for (const order of [0, 1]) {
    const vm = await other<string>('VM.clone', template, `member ${order}`);
    await other('VM.provision', vm);
    await other('VM.set_appliance', vm, appliance);
    await other('VM.set_order', vm, order);
    // The second waits so long for the first.
    await other('VM.set_start_delay', vm, 600);
    vms.push(vm);
  }
  const { CancelToken } = createRequire(require.resolve('xen-api'))('promise-toolbox') as Tokens;
  const { token, cancel } = CancelToken.source();
  const started = xapi.callAsync(token, 'VM_appliance.start', appliance, false);
  const ended = started.then(
    () => 'done',
    (error: Error) => `${error.name}: ${error.message}`,
  );
  await eventually(async () => expect(await other('VM.get_power_state', vms[0])).toBe('Running'));
  const tasks = (): Promise<string[]> =>
    other<Record<string, { name_label: string }>>('task.get_all_records').then((all) =>
      Object.keys(all).filter((ref) => all[ref]?.name_label === 'Async.VM_appliance.start'),
    );
  expect(await tasks()).toHaveLength(1);
  cancel();
  expect(await ended).toMatch(/cancel/i);
  await eventually(async () => expect(await tasks()).toEqual([]));
  expect(await other('VM.get_power_state', vms[1])).toBe('Halted');
  expect(await other('VM_appliance.get_current_operations', appliance)).toEqual({});
});

test('a task that the user made is watched, its progress too, until it ends', async () => {
  const ref = await xapi.createTask('watched', 'by hand');
  const watched = xapi.watchTask(ref);
  await other('task.set_progress', ref, 0.5);
  await eventually(async () =>
    expect(xapi.getObjectByRef(ref, undefined)).toMatchObject({ progress: 0.5, status: 'pending' }),
  );
  await other('task.set_status', ref, 'success');
  expect(await watched).toBe('');
});

/** While the new session is made, the client may ask for events without one; it asks again after its delay. */
test('an ended session is replaced in silence, and its events go on', async () => {
  const before = xapi.sessionId;
  await login(world.url).then(() => xapi.call('pool.get_all'));
  await fetch(`${world.url}/jsonrpc`, {
    method: 'POST',
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'session.logout', params: [before] }),
  });
  expect(await xapi.call('pool.get_all')).toHaveLength(1);
  expect(xapi.sessionId).not.toBe(before);
  const ref = await make('after');
  await eventually(async () => expect(seen(ref).name_label).toBe('after'));
});

test('calls of sessions and, when read-only, all that write are refused by the client itself', async () => {
  await expect(xapi.call('session.get_all')).rejects.toThrow('session');
  const reader = client({ readOnly: true, watchEvents: false });
  await reader.connect();
  expect(await reader.call('pool.get_all')).toHaveLength(1);
  await expect(reader.call('network.create', {})).rejects.toThrow('read only');
  await reader.disconnect();
});

test.each(['json-rpc', 'xml-rpc', 'auto'])('it connects, calls and disconnects by %s', async (transport) => {
  const one = client({ transport, watchEvents: false });
  expect(one.status).toBe('disconnected');
  await one.connect();
  await one.connected;
  expect(one.status).toBe('connected');
  const session = one.sessionId;
  expect(await one.getAllRecords('pool')).toHaveLength(1);
  await one.disconnect();
  await one.disconnected;
  expect(one.status).toBe('disconnected');
  await eventually(async () => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'pool.get_all', params: [session] });
    const answer: unknown = await (await fetch(`${world.url}/jsonrpc`, { method: 'POST', body })).json();
    expect(answer).toMatchObject({ error: { message: 'SESSION_INVALID' } });
  });
});

test('wrong credentials are told and leave it disconnected', async () => {
  const wrong = client({ auth: { user: 'root', password: 'wrong' }, watchEvents: false });
  await expect(wrong.connect()).rejects.toMatchObject({ code: 'SESSION_AUTHENTICATION_FAILED' });
  expect(wrong.status).toBe('disconnected');
});

test('only the classes that were asked for are watched', async () => {
  const some = client({ watchEvents: ['network', 'pool'] });
  await some.connect();
  await some.objectsFetched;
  const types = new Set(
    Object.values(some.objects.all as Record<string, { $type: string }>).map((o) => o.$type),
  );
  expect(types).toEqual(new Set(['network', 'pool']));
  await some.disconnect();
});
