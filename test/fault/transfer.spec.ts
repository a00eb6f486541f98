/** An API process that is killed while bytes pass through it: the scheduler ends what it had begun, and nothing stays of it. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { randomBytes } from 'node:crypto';
import { Store } from '@xenplane/store';
import { complaints } from '@xenplane/testing';
import { eventually, login, password, untilReady, type Call } from '../world';
import { startProcesses, type Processes } from './processes';

const MiB = 2 ** 20;
let processes: Processes;
let api: ChildProcess;
let call: Call;
let token: string;
let store: Store;

beforeAll(async () => {
  const started = await startProcesses({ hosts: 1, vms: 0, speed: 4 });
  processes = started;
  api = started.api;
  call = await login(processes.url);
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'session.login_with_password',
    params: ['root', password],
  });
  token = (
    (await (await fetch(`${processes.url}/jsonrpc`, { method: 'POST', body })).json()) as { result: string }
  ).result;
  store = await Store.connect({ url: processes.databaseUrl, connections: 2 });
});
afterAll(async () => {
  await store?.close();
  await processes?.stop();
});

const address = (path: string, query: Record<string, string>): string =>
  `${processes.url}${path}?${new URLSearchParams({ session_id: token, ...query }).toString()}`;
/** Sends some of a body, and leaves the rest open. */
function sendPart(path: string, query: Record<string, string>, bytes: Uint8Array): ClientRequest {
  const sending = request(address(path, query), {
    method: 'PUT',
    headers: { 'content-length': String(64 * MiB) },
  });
  sending.once('response', () => sending.write(bytes)).on('error', () => undefined);
  sending.flushHeaders();
  return sending;
}
/** Reads the beginning of an answer, and no more. */
const readPart = (path: string, query: Record<string, string>): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    request(address(path, query), (answer) => resolve(answer.on('error', () => undefined).pause()))
      .once('error', reject)
      .end();
  });
async function put(path: string, query: Record<string, string>, body: Uint8Array): Promise<void> {
  await (await fetch(address(path, query), { method: 'PUT', body })).text();
}
const makeDisk = (SR: string, virtual_size: number): Promise<string> =>
  call('VDI.create', {
    SR,
    virtual_size,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
    name_label: 'disk',
  });
const device = {
  userdevice: '0',
  bootable: true,
  mode: 'RW',
  type: 'Disk',
  empty: false,
  unpluggable: true,
  other_config: {},
  qos_algorithm_type: '',
};

async function makeVm(sr: string): Promise<{ vm: string; vdi: string }> {
  const records =
    await call<Record<string, { is_a_template: boolean; VBDs: string[] }>>('VM.get_all_records');
  const template = Object.entries(records).find(([, r]) => r.is_a_template && r.VBDs.length === 0)?.[0];
  const vm = await call<string>('VM.clone', template, 'travels');
  await call('VM.set_is_a_template', vm, false);
  const vdi = await makeDisk(sr, 48 * MiB);
  await put('/import_raw_vdi', { vdi }, randomBytes(48 * MiB));
  await call('VBD.create', { ...device, VM: vm, VDI: vdi, qos_algorithm_params: {} });
  return { vm, vdi };
}
async function everything(): Promise<Record<string, string[]>> {
  const classes = ['VM', 'VBD', 'VIF', 'VDI', 'network', 'VM_metrics', 'VM_guest_metrics'];
  return Object.fromEntries(
    await Promise.all(
      classes.map(async (cls) => [cls, (await call<string[]>(`${cls}.get_all`)).toSorted()] as const),
    ),
  );
}

test('kill -9 of the API in the middle of imports and exports: tasks fail, marks go, half-made VMs and disks too', async () => {
  const [sr = ''] = await call<string[]>('SR.get_by_name_label', 'Shared storage');
  const { vm, vdi } = await makeVm(sr);
  const target = await makeDisk(sr, 64 * MiB);
  const archive = Buffer.from(await (await fetch(address('/export', { ref: vm }))).arrayBuffer());
  const before = await everything();
  const kinds = ['export', 'import', 'export raw', 'import raw', 'new disk'];
  const tasks = await Promise.all(kinds.map((kind) => call<string>('task.create', kind, '')));
  const [exporting = '', importing = '', reading = '', writing = '', making = ''] = tasks;
  const [reader] = [
    await readPart('/export', { ref: vm, task_id: exporting }),
    await readPart('/export_raw_vdi', { vdi, task_id: reading }),
  ];
  sendPart('/import', { sr_id: sr, task_id: importing }, archive.subarray(0, 10 * MiB));
  sendPart('/import_raw_vdi', { vdi: target, task_id: writing }, randomBytes(5 * MiB));
  sendPart('/import_raw_vdi', { sr_id: sr, task_id: making }, randomBytes(5 * MiB));
  await eventually(async () => {
    expect((await everything())['VM']).toHaveLength((before['VM']?.length ?? 0) + 1);
    expect((await everything())['VDI']).toHaveLength((before['VDI']?.length ?? 0) + 2);
    expect([
      await call('VM.get_current_operations', vm),
      await call('VDI.get_current_operations', target),
    ]).toEqual([{ [exporting]: 'export' }, { [writing]: 'blocked' }]);
  });
  expect(reader?.statusCode).toBe(200);
  await processes.kill(api);
  api = processes.start('api');
  await untilReady(processes.url, 60_000);
  await eventually(async () => {
    const records = await Promise.all(
      tasks.map((task) => call<{ status: string; error_info: string[] }>('task.get_record', task)),
    );
    expect(records.map((r) => [r.status, r.error_info[0]])).toEqual(
      kinds.map(() => ['failure', 'INTERNAL_ERROR']),
    );
    expect(await call('VDI.get_physical_utilisation', target)).toBeGreaterThan(0);
  });
  expect(await everything()).toEqual(before);
  expect([
    await call('VM.get_current_operations', vm),
    await call('VDI.get_current_operations', target),
  ]).toEqual([{}, {}]);
  expect(await store.query('SELECT id FROM transfer')).toEqual([]);
  expect(await complaints(store)).toEqual([]);
  for (const disk of [vdi, target]) await call('VDI.destroy', disk);
  await call('VM.destroy', vm);
});

test('calls that an API does in the background end as failures when it dies', async () => {
  const reached: Socket[] = [];
  const silent = createServer((socket) => void reached.push(socket.on('error', () => undefined))).listen(
    0,
    '127.0.0.1',
  );
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const [vm] = await call<string[]>('VM.get_by_name_label', 'Xenplane demo disk');
  const dest = {
    host: 'OpaqueRef:far',
    xenops: `http://127.0.0.1:${port}/`,
    session_id: 'OpaqueRef:s',
    master: `http://127.0.0.1:${port}/`,
    SM: 'x',
  };
  const tasks = [
    await call<string>('Async.pool.send_test_post', '127.0.0.1', port, 'anything'),
    await call<string>('Async.VM.assert_can_migrate', vm, dest, true, {}, {}, {}),
  ];
  await eventually(async () => expect(reached.length).toBeGreaterThanOrEqual(tasks.length));
  expect(await Promise.all(tasks.map((task) => call('task.get_status', task)))).toEqual([
    'pending',
    'pending',
  ]);
  await processes.kill(api);
  api = processes.start('api');
  await untilReady(processes.url, 60_000);
  await eventually(async () => {
    const records = await Promise.all(
      tasks.map((task) => call<{ status: string; error_info: string[] }>('task.get_record', task)),
    );
    expect(records.map((r) => [r.status, r.error_info[0]])).toEqual(
      tasks.map(() => ['failure', 'INTERNAL_ERROR']),
    );
  });
  expect(await store.query('SELECT id FROM transfer')).toEqual([]);
  for (const socket of reached) socket.destroy();
  silent.close();
});

test('an API that only stood still finds its transfer ended: what comes late makes nothing', async () => {
  const [sr = ''] = await call<string[]>('SR.get_by_name_label', 'Shared storage');
  const [before, task] = [await everything(), await call<string>('task.create', 'late', '')];
  const sending = sendPart('/import_raw_vdi', { sr_id: sr, task_id: task }, randomBytes(5 * MiB));
  await eventually(async () =>
    expect((await everything())['VDI']).toHaveLength((before['VDI']?.length ?? 0) + 1),
  );
  api.kill('SIGSTOP');
  await eventually(async () => expect(await store.query('SELECT id FROM transfer')).toEqual([]));
  api.kill('SIGCONT');
  sending.end(randomBytes(59 * MiB));
  await eventually(async () => expect(sending.destroyed).toBe(true));
  expect(await call('task.get_status', task)).toBe('failure');
  expect(await everything()).toEqual(before);
  expect(await complaints(store)).toEqual([]);
});
