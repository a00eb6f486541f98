/** Contents of disks over HTTP: what goes in by one request comes out by the other. */
import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { eventually, login, password, startWorld, type Call, type World } from '../world';

const MiB = 2 ** 20;
let world: World;
let call: Call;
let token: string;
let sr: string;

beforeAll(async () => {
  world = await startWorld({ hosts: 1, scheduler: false });
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
  [sr = ''] = await call<string[]>('SR.get_by_name_label', 'Shared storage');
});
afterAll(() => world?.stop());

const makeDisk = (size: number): Promise<string> =>
  call('VDI.create', {
    SR: sr,
    virtual_size: size,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
    name_label: 'disk',
  });
const address = (path: string, query: Record<string, string>): string =>
  `${world.url}${path}?${new URLSearchParams({ session_id: token, ...query }).toString()}`;
/** The answer is read to its end: a client that forgets it, forgets the rest of its own body too. */
async function put(
  query: Record<string, string>,
  body: Uint8Array | string = '',
): Promise<{ status: number; body: string | undefined }> {
  const answer = await fetch(address('/import_raw_vdi', query), { method: 'PUT', body });
  return { status: answer.status, body: await answer.text().catch(() => undefined) };
}
const get = (query: Record<string, string>): Promise<Response> => fetch(address('/export_raw_vdi', query));
const bytesOf = async (vdi: string): Promise<Buffer> => Buffer.from(await (await get({ vdi })).arrayBuffer());
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const newTask = (): Promise<string> => call('task.create', 'transfer', '');
const outcome = (task: string): Promise<unknown> =>
  eventually(async () => {
    const record = await call<{ status: string; result: string; error_info: string[] }>(
      'task.get_record',
      task,
    );
    if (record.status === 'pending') throw new Error('pending');
    return record.status === 'success' ? record.result : record.error_info;
  });
const sparse = (size: number): Buffer => {
  const bytes = Buffer.alloc(size);
  randomBytes(3 * MiB).copy(bytes, 2 * MiB + 77);
  return bytes;
};

test('a disk that was written reads back the same, and says what it takes; its holes are not stored', async () => {
  const vdi = await makeDisk(16 * MiB),
    bytes = sparse(16 * MiB);
  const task = await newTask();
  expect((await put({ vdi, task_id: task }, bytes)).status).toBe(200);
  expect(await outcome(task)).toBe(`<value>${vdi}</value>`);
  const answer = await get({ vdi: await call('VDI.get_uuid', vdi) });
  expect([answer.status, answer.headers.get('content-type'), answer.headers.get('content-length')]).toEqual([
    200,
    'application/octet-stream',
    null,
  ]);
  expect(answer.headers.get('content-disposition')).toContain(`${await call('VDI.get_uuid', vdi)}.raw`);
  expect(sha(Buffer.from(await answer.arrayBuffer()))).toBe(sha(bytes));
  expect(await call('VDI.get_physical_utilisation', vdi)).toBe(49 * 65_536);
});

test('a second file replaces the first as far as it goes', async () => {
  const vdi = await makeDisk(4 * MiB),
    first = randomBytes(4 * MiB),
    second = Buffer.alloc(MiB + 5);
  await put({ vdi }, first);
  await put({ vdi }, second);
  second.copy(first);
  expect(sha(await bytesOf(vdi))).toBe(sha(first));
});

test('an empty body asks whether the way is open and changes nothing', async () => {
  const vdi = await makeDisk(MiB),
    bytes = randomBytes(MiB);
  await put({ vdi }, bytes);
  for (const format of ['raw', 'vhd', 'qcow2', 'tar']) {
    expect(await put({ vdi, format })).toEqual({ status: 200, body: '' });
  }
  expect(sha(await bytesOf(vdi))).toBe(sha(bytes));
});

/** Announces more than it sends, and cuts the connection. */
function cut(query: Record<string, string>, announced: number, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const sending = request(address('/import_raw_vdi', query), {
      method: 'PUT',
      headers: { 'content-length': String(announced) },
    });
    sending.once('response', () => sending.write(bytes, () => setTimeout(() => sending.destroy(), 50)));
    sending
      .once('close', resolve)
      .once('error', (error: NodeJS.ErrnoException) => error.code !== 'ECONNRESET' && reject(error));
    sending.flushHeaders();
  });
}

test('the answer comes before the body; a stream of unknown length ends where it is cut', async () => {
  const vdi = await makeDisk(2 * MiB),
    bytes = randomBytes(MiB + 100);
  const task = await newTask();
  await cut({ vdi, task_id: task }, 2 ** 50, bytes);
  expect(await outcome(task)).toBe(`<value>${vdi}</value>`);
  expect(sha(await bytesOf(vdi))).toBe(sha(Buffer.concat([bytes, Buffer.alloc(2 * MiB - bytes.length)])));
});

test('a file that could have come whole, but did not, is no success', async () => {
  const task = await newTask();
  await cut({ vdi: await makeDisk(2 * MiB), task_id: task }, 2 * MiB, randomBytes(1000));
  expect(await outcome(task)).toEqual(['IMPORT_ERROR_PREMATURE_EOF']);
});

test('a file for a repository makes a disk of its length; nothing stays of one that does not come whole', async () => {
  const bytes = randomBytes(MiB + 512),
    task = await newTask();
  await put({ sr_uuid: await call('SR.get_uuid', sr), task_id: task }, bytes);
  const vdi = /<value>(.*)<\/value>/.exec(String(await outcome(task)))?.[1] ?? '';
  expect(await call('VDI.get_virtual_size', vdi)).toBe(2 * MiB);
  expect((await bytesOf(vdi)).subarray(0, bytes.length).equals(bytes)).toBe(true);
  const disks = await call<string[]>('VDI.get_all');
  const broken = await newTask();
  await cut({ sr_id: sr, task_id: broken }, MiB, bytes.subarray(0, 100));
  expect(await outcome(broken)).toEqual(['IMPORT_ERROR_PREMATURE_EOF']);
  expect((await call<string[]>('VDI.get_all')).toSorted()).toEqual(disks.toSorted());
});

test.each([
  ['vhd', 'application/vhd'],
  ['qcow2', 'application/x-qemu-disk'],
  ['tar', 'application/x-tar'],
])('a disk leaves as %s and comes back the same', async (format, type) => {
  const [from, to] = [await makeDisk(9 * MiB), await makeDisk(9 * MiB)];
  const bytes = sparse(9 * MiB);
  await put({ vdi: from }, bytes);
  const answer = await get({ vdi: from, format });
  expect([answer.headers.get('content-type'), answer.headers.get('content-disposition')]).toEqual([
    type,
    expect.stringContaining(`.${format}"`),
  ]);
  const file = Buffer.from(await answer.arrayBuffer());
  expect(file.length).toBeLessThan(8 * MiB);
  const task = await newTask();
  await put({ vdi: to, format, task_id: task }, file);
  expect(await outcome(task)).toBe(`<value>${to}</value>`);
  expect(sha(await bytesOf(to))).toBe(sha(bytes));
  const broken = await newTask();
  await put({ vdi: to, format, task_id: broken }, Buffer.alloc(2000, 1));
  expect(String(await outcome(broken))).toMatch(/^IMPORT_ERROR/);
});

test('the difference from a snapshot, laid over a copy of the snapshot, is the disk', async () => {
  const vdi = await makeDisk(8 * MiB),
    old = randomBytes(8 * MiB);
  await put({ vdi }, old);
  const snapshot = await call<string>('VDI.snapshot', vdi);
  const part = randomBytes(70_000);
  await put({ vdi, chunked: 'true' }, Buffer.concat([chunk(5 * MiB, part), chunk(0, Buffer.alloc(0))]));
  const difference = Buffer.from(
    await (await get({ vdi, format: 'vhd', base: await call('VDI.get_uuid', snapshot) })).arrayBuffer(),
  );
  expect(difference.length).toBeLessThan(3 * MiB);
  expect(sha(await bytesOf(snapshot))).toBe(sha(old));
  const copy = await call<string>('VDI.clone', snapshot);
  await put({ vdi: copy, format: 'vhd' }, difference);
  part.copy(old, 5 * MiB);
  expect([sha(await bytesOf(copy)), sha(await bytesOf(vdi))]).toEqual([sha(old), sha(old)]);
});

const chunk = (offset: number, bytes: Buffer): Buffer => {
  const header = Buffer.alloc(12);
  header.writeBigUInt64LE(BigInt(offset));
  header.writeUInt32LE(bytes.length, 8);
  return Buffer.concat([header, bytes]);
};
test('chunks go where they say; the rest stays', async () => {
  const vdi = await makeDisk(MiB),
    old = randomBytes(MiB),
    part = randomBytes(70_000);
  await put({ vdi }, old);
  await put(
    { vdi, chunked: 'true' },
    Buffer.concat([chunk(300_000, part), chunk(0, Buffer.from('abc')), chunk(0, Buffer.alloc(0))]),
  );
  part.copy(old, 300_000);
  old.write('abc');
  expect(sha(await bytesOf(vdi))).toBe(sha(old));
});

test('what cannot be is refused with a status, and the task says why', async () => {
  const vdi = await makeDisk(MiB);
  const statuses = [
    await get({ vdi, format: 'floppy' }),
    await get({}),
    await put({ vdi, format: 'floppy' }, 'x'),
    await put({}, 'x'),
  ];
  expect(statuses.map((s) => s.status)).toEqual([404, 400, 404, 400]);
  const missing = await newTask();
  await put({ task_id: missing }, 'x');
  expect(await outcome(missing)).toEqual(['VDI_MISSING', 'OpaqueRef:NULL', 'OpaqueRef:NULL']);
  const unknown = await get({ vdi: 'OpaqueRef:none' });
  expect([unknown.status, await unknown.text()]).toEqual([
    500,
    expect.stringContaining('HANDLE_INVALID: [ VDI; OpaqueRef:none ]'),
  ]);
  const large = await newTask();
  await put({ vdi, task_id: large }, randomBytes(MiB + 1));
  expect(await outcome(large)).toEqual(['VDI_IO_ERROR', 'No space left on device']);
});

test('a disk with a length nobody told goes by no framing', async () => {
  const vdi = await makeDisk(MiB);
  const status = await new Promise<string>((resolve, reject) => {
    const sending = request(address('/import_raw_vdi', { vdi }), {
      method: 'PUT',
      headers: { 'transfer-encoding': 'chunked' },
    });
    sending
      .once('response', (answer) => void text(answer).then((body) => resolve(`${answer.statusCode} ${body}`)))
      .once('error', reject);
    sending.end('abc');
  });
  expect(status).toMatch(/^403 .*IMPORT_ERROR_CANNOT_HANDLE_CHUNKED/s);
});

test('a disk that a VM may write is neither read nor written, and a protected one is not written', async () => {
  const [free, shown] = [await makeDisk(MiB), await makeDisk(MiB)];
  await world.apis[0]?.plane.store.query('UPDATE vdi SET read_only = true WHERE ref = $1', [shown]);
  const readOnly = await newTask();
  await put({ vdi: shown, task_id: readOnly }, 'x');
  expect(await outcome(readOnly)).toEqual(['VDI_READONLY', shown]);
  const [vm] = await call<string[]>('VM.get_all');
  const vbd = {
    VM: vm,
    VDI: free,
    userdevice: '9',
    bootable: false,
    mode: 'RW',
    type: 'Disk',
    empty: false,
    other_config: {},
  };
  const device = await call('VBD.create', { ...vbd, qos_algorithm_type: '', qos_algorithm_params: {} });
  await world.apis[0]?.plane.store.query('UPDATE vbd SET currently_attached = true WHERE ref = $1', [device]);
  expect([(await get({ vdi: free })).status, await (await get({ vdi: free })).text()]).toEqual([
    500,
    expect.stringContaining(`VDI_IN_USE: [ ${free}; copy ]`),
  ]);
});

test('a cancelled task ends the transfer', async () => {
  const vdi = await makeDisk(8 * MiB);
  const task = await newTask();
  const sending = request(address('/import_raw_vdi', { vdi, task_id: task }), {
    method: 'PUT',
    headers: { 'content-length': String(8 * MiB) },
  });
  sending.once('response', () => sending.write(randomBytes(MiB))).once('error', () => undefined);
  sending.flushHeaders();
  await eventually(async () => expect(await call('task.get_progress', task)).toBeGreaterThan(0));
  await call('task.cancel', task);
  await eventually(async () => expect(sending.destroyed).toBe(true));
});

test('a disk is busy while it is read or written: it stays, others may read with a reader, and nobody beside a writer', async () => {
  const vdi = await makeDisk(64 * MiB);
  await put({ vdi }, randomBytes(64 * MiB));
  const operations = (): Promise<Record<string, string>> => call('VDI.get_current_operations', vdi);
  const [reading, writing] = [await newTask(), await newTask()];
  const answer = await get({ vdi, task_id: reading });
  expect(await operations()).toEqual({ [reading]: 'copy' });
  for (const op of ['destroy', 'forget'])
    await expect(call(`VDI.${op}`, vdi)).rejects.toThrow(
      `OTHER_OPERATION_IN_PROGRESS VDI ${vdi} copy ${reading}`,
    );
  const refused = await newTask();
  await put({ vdi, task_id: refused }, 'x');
  expect(await outcome(refused)).toEqual(['OTHER_OPERATION_IN_PROGRESS', 'VDI', vdi, 'copy', reading]);
  const beside = await get({ vdi });
  expect([beside.status, (await beside.arrayBuffer()).byteLength]).toEqual([200, 64 * MiB]);
  await answer.arrayBuffer();
  expect(await operations()).toEqual({});
  const sending = request(address('/import_raw_vdi', { vdi, task_id: writing }), {
    method: 'PUT',
    headers: { 'content-length': String(8 * MiB) },
  });
  sending.once('response', () => sending.write(randomBytes(MiB))).once('error', () => undefined);
  sending.flushHeaders();
  await eventually(async () => expect(await operations()).toEqual({ [writing]: 'blocked' }));
  await expect(call('VDI.destroy', vdi)).rejects.toThrow(
    `OTHER_OPERATION_IN_PROGRESS VDI ${vdi} blocked ${writing}`,
  );
  expect(await (await get({ vdi })).text()).toContain(
    `OTHER_OPERATION_IN_PROGRESS: [ VDI; ${vdi}; blocked; ${writing} ]`,
  );
  await call('task.cancel', writing);
  await eventually(async () => expect(await operations()).toEqual({}));
  await call('VDI.destroy', vdi);
});

test('a VM does not write to a disk that is read, nor begin with one that is written', async () => {
  const vdi = await makeDisk(64 * MiB);
  await put({ vdi }, randomBytes(64 * MiB));
  const template = Object.entries(
    await call<Record<string, { is_a_template: boolean; VBDs: string[] }>>('VM.get_all_records'),
  ).find(([, r]) => r.is_a_template && r.VBDs.length === 0)?.[0];
  const vm = await call<string>('VM.clone', template, 'writer');
  await call('VM.set_is_a_template', vm, false);
  const vbd = {
    VM: vm,
    VDI: vdi,
    userdevice: '0',
    bootable: false,
    mode: 'RW',
    type: 'Disk',
    empty: false,
    other_config: {},
  };
  await call('VBD.create', { ...vbd, qos_algorithm_type: '', qos_algorithm_params: {} });
  const answer = await get({ vdi });
  await expect(call('VM.start', vm, false, false)).rejects.toThrow(new RegExp(`^VDI_IN_USE ${vdi}$`));
  await answer.arrayBuffer();
  expect(await call('VDI.get_current_operations', vdi)).toEqual({});
});
