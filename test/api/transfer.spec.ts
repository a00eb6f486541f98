/** VMs as archives, over HTTP: what is exported comes back with the same disks, or not at all. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { ByteReader, readOva, TarReader, tarEnd, tarMember, writeOva, type OvaObject } from '@xenplane/wire';
import { asRef, type Role } from '@xenplane/model';
import { complaints } from '@xenplane/testing';
import { openSession } from '@xenplane/xapi';
import { eventually, login, password, startWorld, type Call, type World } from '../world';

const MiB = 2 ** 20;
let world: World;
let call: Call;
let token: string;
let sr: string;
let vm: string;
const contents = [
  randomBytes(3 * MiB),
  Buffer.concat([Buffer.alloc(20 * MiB), randomBytes(MiB), Buffer.alloc(11 * MiB)]),
];

const tokenOf = async (user: string, pwd: string): Promise<string> => {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'session.login_with_password',
    params: [user, pwd],
  });
  return (
    (await (await fetch(`${world.url}/jsonrpc`, { method: 'POST', body })).json()) as { result: string }
  ).result;
};
const address = (path: string, query: Record<string, string>): string =>
  `${world.url}${path}?${new URLSearchParams({ session_id: token, ...query }).toString()}`;
const get = (path: string, query: Record<string, string>): Promise<Response> => fetch(address(path, query));
async function put(path: string, query: Record<string, string>, body: Uint8Array): Promise<number> {
  const answer = await fetch(address(path, query), { method: 'PUT', body });
  await answer.text().catch(() => undefined);
  return answer.status;
}
const bytesOf = async (answer: Response): Promise<Buffer> => Buffer.from(await answer.arrayBuffer());
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const refsIn = (text: string): string[] => [...text.matchAll(/OpaqueRef:[0-9a-f-]+/g)].map(([ref]) => ref);
const outcome = (task: string): Promise<string | string[]> =>
  eventually(async () => {
    const record = await call<{ status: string; result: string; error_info: string[] }>(
      'task.get_record',
      task,
    );
    if (record.status === 'pending') throw new Error('pending');
    return record.status === 'success' ? record.result : record.error_info;
  });
const replaced = (bytes: Buffer, from: string, to: string): Buffer =>
  Buffer.from(bytes.toString('latin1').replace(from, to), 'latin1');
/** Of the session that sends: only who made a task may give it to a transfer. */
async function newTask(): Promise<string> {
  const answer = await fetch(`${world.url}/jsonrpc`, {
    method: 'POST',
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'task.create', params: [token, 'import', ''] }),
  });
  return ((await answer.json()) as { result: string }).result;
}
/** Sends an archive; the VMs that came of it, or the error. */
async function imported(
  archive: Uint8Array,
  query: Record<string, string> = {},
  path = '/import',
): Promise<{ vms: string[]; error: string[]; task: string }> {
  const task = await newTask();
  await put(path, { sr_id: sr, task_id: task, ...query }, archive);
  const end = await outcome(task);
  return typeof end === 'string' ? { vms: refsIn(end), error: [], task } : { vms: [], error: end, task };
}
const exported = async (ref: string, query: Record<string, string> = {}): Promise<Buffer> =>
  bytesOf(await get('/export', { ref, ...query }));

async function disksOf(ref: string): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for (const vbd of await call<string[]>('VM.get_VBDs', ref)) {
    const { VDI, type, userdevice } = await call<{ VDI: string; type: string; userdevice: string }>(
      'VBD.get_record',
      vbd,
    );
    if (type === 'Disk') hashes[userdevice] = sha(await bytesOf(await get('/export_raw_vdi', { vdi: VDI })));
  }
  return hashes;
}
/** Objects that a failed import could leave behind: of every class that an import makes. */
async function everything(): Promise<Record<string, string[]>> {
  const classes = ['VM', 'VBD', 'VIF', 'VDI', 'network', 'VM_metrics', 'VM_guest_metrics'];
  return Object.fromEntries(
    await Promise.all(
      classes.map(async (cls) => [cls, (await call<string[]>(`${cls}.get_all`)).toSorted()] as const),
    ),
  );
}

beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
  call = await login(world.url);
  token = await tokenOf('root', password);
  [sr = ''] = await call<string[]>('SR.get_by_name_label', 'Shared storage');
  const [pool] = await call<string[]>('pool.get_all');
  await call('pool.set_default_SR', pool, sr);
  const template = Object.entries(
    await call<Record<string, { is_a_template: boolean; VBDs: string[] }>>('VM.get_all_records'),
  ).find(([, r]) => r.is_a_template && r.VBDs.length === 0)?.[0];
  vm = await call<string>('VM.clone', template, 'exported');
  await call('VM.set_is_a_template', vm, false);
  for (const [i, bytes] of contents.entries()) {
    const disk = {
      SR: sr,
      virtual_size: bytes.length,
      type: 'user',
      sharable: false,
      read_only: false,
      name_label: `disk ${i}`,
      other_config: {},
    };
    const vdi = await call<string>('VDI.create', disk);
    await call('VBD.create', {
      ...device,
      VM: vm,
      VDI: vdi,
      userdevice: String(i),
      type: 'Disk',
      mode: 'RW',
      empty: false,
    });
    await put('/import_raw_vdi', { vdi }, bytes);
  }
  await call('VBD.create', {
    ...device,
    VM: vm,
    VDI: 'OpaqueRef:NULL',
    userdevice: '3',
    type: 'CD',
    mode: 'RO',
    empty: true,
  });
  const [network] = await call<string[]>('network.get_all');
  await call('VIF.create', {
    device: '0',
    network,
    VM: vm,
    MAC: '02:11:22:33:44:55',
    MTU: 1500,
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  });
}, 60_000);
const device = {
  bootable: true,
  unpluggable: true,
  other_config: {},
  qos_algorithm_type: '',
  qos_algorithm_params: {},
};
afterAll(() => world?.stop());

test.each(['false', 'true', 'gzip', 'zstd'])(
  'a VM with its disks survives an export with use_compression=%s and an import',
  async (use_compression) => {
    const answer = await get('/export/', { uuid: await call('VM.get_uuid', vm), use_compression });
    expect([answer.status, answer.headers.get('content-length'), answer.headers.get('content-type')]).toEqual(
      [200, null, 'application/octet-stream'],
    );
    expect(answer.headers.get('content-disposition')).toContain('export.xva');
    const archive = await bytesOf(answer);
    expect(archive.length).toBeLessThan(7 * MiB);
    if (use_compression === 'false')
      expect(archive.toString('latin1', 512, 512 + 30)).toBe('<value><struct><member><name>v');
    const { vms, task } = await imported(archive);
    expect(vms).toHaveLength(1);
    expect(await disksOf(vms[0] ?? '')).toEqual({
      0: sha(contents[0] ?? Buffer.alloc(0)),
      1: sha(contents[1] ?? Buffer.alloc(0)),
    });
    expect(await call('task.get_other_config', task)).toMatchObject({ object_creation: 'complete' });
    expect(await call('task.get_result', task)).toMatch(
      /^<value><array><data><value>OpaqueRef:[^<]*<\/value><\/data><\/array><\/value>$/,
    );
  },
);

test('a new VM has names and addresses of its own, its devices as before, and nothing of how the old one stood', async () => {
  const { vms } = await imported(await exported(vm));
  const [record, old] = await Promise.all(
    [vms[0], vm].map((ref) => call<Record<string, unknown>>('VM.get_record', ref)),
  );
  for (const field of ['name_label', 'memory_static_max', 'VCPUs_max', 'HVM_boot_params', 'recommendations'])
    expect(record?.[field]).toEqual(old?.[field]);
  expect(record?.['uuid']).not.toBe(old?.['uuid']);
  expect([record?.['power_state'], record?.['current_operations'], record?.['is_a_snapshot']]).toEqual([
    'Halted',
    {},
    false,
  ]);
  const devices = await Promise.all(
    (record?.['VBDs'] as string[]).map((vbd) =>
      call<{ type: string; userdevice: string; empty: boolean }>('VBD.get_record', vbd),
    ),
  );
  expect(devices.map((d) => [d.userdevice, d.type, d.empty]).sort()).toEqual([
    ['0', 'Disk', false],
    ['1', 'Disk', false],
    ['3', 'CD', true],
  ]);
  const [vif] = await Promise.all(
    (record?.['VIFs'] as string[]).map((ref) =>
      call<{ MAC: string; network: string }>('VIF.get_record', ref),
    ),
  );
  expect(vif?.MAC).not.toBe('02:11:22:33:44:55');
  expect(vif?.network).toBe((await call<string[]>('network.get_all'))[0]);
  await call('VM.start', vms[0], false, false);
  await call('VM.hard_shutdown', vms[0]);
});

test('without a repository the disks go to the default one; a library of images takes none', async () => {
  const archive = await exported(vm);
  const task = await call<string>('task.create', 'import', '');
  await put('/import', { task_id: task }, archive);
  expect(refsIn(String(await outcome(task)))).toHaveLength(1);
  const [iso = ''] = await call<string[]>('SR.get_by_name_label', 'ISO library');
  const refused = await call<string>('task.create', 'import', '');
  expect(await put('/import', { task_id: refused, sr_id: iso }, archive)).toBe(400);
  expect(await outcome(refused)).toEqual(['SR_OPERATION_NOT_SUPPORTED', iso]);
});

/** An export of a VM with one disk, packed by the `zstd` program: `zstd -19`. */
const golden = readFileSync(path.join(__dirname, 'golden', 'vm.xva.zst'));

test('an archive that the zstd program packed comes in', async () => {
  const { vms } = await imported(golden);
  expect(await call('VM.get_name_label', vms[0])).toBe('from a file');
  expect(await disksOf(vms[0] ?? '')).toEqual({
    0: sha(
      Buffer.concat([Buffer.alloc(1_500_000, 'one line of a file\n'), Buffer.alloc(3 * MiB - 1_500_000)]),
    ),
  });
});

/** A change of the archive's records, or of its bytes behind them. */
async function changed(
  archive: Buffer,
  change: (objects: OvaObject[]) => readonly OvaObject[],
): Promise<Buffer> {
  const tar = new TarReader(new ByteReader(only(archive)));
  const first = await tar.next();
  if (!first) throw new Error('no archive');
  const ova = readOva(await tar.content(first, 2 ** 30));
  const rest = archive.subarray(512 + Math.ceil(first.size / 512) * 512);
  const version = {
    hostname: '',
    date: '',
    product_version: '',
    product_brand: '',
    build_number: '',
    xapi_major: 2,
    xapi_minor: 21,
  };
  return Buffer.concat([...tarMember('ova.xml', writeOva(version, change([...ova.objects]))), rest]);
}
async function* only(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}
const vmWith =
  (patch: Record<string, unknown>) =>
  (objects: OvaObject[]): OvaObject[] =>
    objects.map((o) => (o.class === 'VM' ? { ...o, snapshot: { ...o.snapshot, ...patch } } : o));
const zstdOf = async (change: (archive: Buffer) => Buffer): Promise<Buffer> =>
  change(await exported(vm, { use_compression: 'zstd' }));
/** The first bytes of the contents of the first disk. */
function corrupted(archive: Buffer): Buffer {
  const bytes = Buffer.from(archive);
  const at = bytes.indexOf(contents[0]?.subarray(0, 64) ?? '');
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  return bytes;
}

test.each<[string, (archive: Buffer) => Buffer | Promise<Buffer>, unknown[]]>([
  ['a disk that is not what it was', corrupted, ['IMPORT_ERROR_SOME_CHECKSUMS_FAILED']],
  ['an archive that ends in a disk', (a) => a.subarray(0, 2 * MiB), ['IMPORT_ERROR_PREMATURE_EOF']],
  [
    'a packed archive that ends in a disk',
    (a) => gzipSync(a).subarray(0, 2 * MiB),
    ['IMPORT_ERROR_PREMATURE_EOF'],
  ],
  [
    'an archive packed with zstd that ends in a disk',
    () => zstdOf((bytes) => bytes.subarray(0, 2 * MiB)),
    ['IMPORT_ERROR_PREMATURE_EOF'],
  ],
  ['one that ends in the head of a frame', () => golden.subarray(0, 5), ['IMPORT_ERROR_PREMATURE_EOF']],
  [
    'one that is broken in the middle',
    () => Buffer.concat([golden.subarray(0, 1000), Buffer.alloc(40, 0xff), golden.subarray(1040)]),
    ['IMPORT_ERROR', expect.stringContaining('zstd: ')],
  ],
  [
    'one that goes on with something else',
    () => zstdOf((bytes) => Buffer.concat([bytes.subarray(0, 2 ** 10), Buffer.alloc(MiB)])),
    ['IMPORT_ERROR', expect.stringContaining('zstd: ')],
  ],
  ['no byte at all', () => Buffer.alloc(0), ['IMPORT_ERROR_PREMATURE_EOF']],
  [
    'an archive of a kind to come',
    (a) => replaced(a, '<name>export_vsn</name><value>2<', '<name>export_vsn</name><value>3<'),
    ['IMPORT_INCOMPATIBLE_VERSION'],
  ],
  [
    'another file first',
    () => Buffer.concat([...tarMember('index.html', Buffer.from('x')), tarEnd()]),
    ['IMPORT_ERROR_UNEXPECTED_FILE', 'ova.xml', 'index.html'],
  ],
  [
    'a file that nobody expects',
    (a) => Buffer.concat([a.subarray(0, -1024), ...tarMember('more', Buffer.from('x')), tarEnd()]),
    ['IMPORT_ERROR_UNEXPECTED_FILE', 'the end of the archive', 'more'],
  ],
  [
    'something else than an archive',
    () => Buffer.alloc(5000, 'no archive '),
    ['IMPORT_ERROR', expect.stringContaining('header')],
  ],
  [
    'records that do not fit together',
    (a) => changed(a, (objects) => objects.filter((o) => o.class !== 'network')),
    ['IMPORT_ERROR_FAILED_TO_FIND_OBJECT', expect.stringMatching(/^Ref:/)],
  ],
  [
    'memory limits that cannot be',
    (a) => changed(a, vmWith({ memory_static_min: 2 ** 50 })),
    ['MEMORY_CONSTRAINT_VIOLATION_ORDER'],
  ],
])('nothing stays of %s', async (_what, change, error) => {
  const before = await everything();
  expect((await imported(await change(await exported(vm)))).error).toEqual(error);
  expect(await everything()).toEqual(before);
});

test('force takes a disk that is not what it was', async () => {
  const { vms } = await imported(corrupted(await exported(vm)), { force: 'true' });
  expect(Object.keys(await disksOf(vms[0] ?? ''))).toEqual(['0', '1']);
});

test('a restored VM is the old one again, uuid and addresses included; one that is here is replaced only by a newer one, or by force', async () => {
  const archive = await exported(vm);
  expect((await imported(archive, { restore: 'true' })).error).toEqual([
    'VM_TO_IMPORT_IS_NOT_NEWER_VERSION',
    vm,
    '0',
    '0',
  ]);
  const { vms: first } = await imported(archive);
  const mine = first[0] ?? '',
    uuid = await call<string>('VM.get_uuid', mine);
  const copy = await exported(mine);
  const macs = async (ref: string): Promise<string[]> =>
    Promise.all((await call<string[]>('VM.get_VIFs', ref)).map((vif) => call<string>('VIF.get_MAC', vif)));
  const before = await macs(mine);
  const broken = await imported(corrupted(copy), { restore: 'true', force: 'false' });
  expect([broken.error[0], await call('VM.get_uuid', mine)]).toEqual([
    'VM_TO_IMPORT_IS_NOT_NEWER_VERSION',
    uuid,
  ]);
  const { vms } = await imported(copy, { restore: 'true', force: 'true' });
  expect([await call('VM.get_uuid', vms[0]), await macs(vms[0] ?? '')]).toEqual([uuid, before]);
  await expect(call('VM.get_uuid', mine)).rejects.toThrow('HANDLE_INVALID VM');
});

test('an archive cannot smuggle in what its bringer may not set, nor a default template or a control domain', async () => {
  const sneaky = await changed(
    await exported(vm),
    vmWith({
      is_control_domain: true,
      is_default_template: true,
      name_label: 'not yours',
      other_config: { pci: '0/0000:00:1f.0' },
    }),
  );
  const { vms } = await imported(sneaky);
  const record = await call<Record<string, unknown>>('VM.get_record', vms[0]);
  expect([record['is_control_domain'], record['is_default_template']]).toEqual([false, false]);
  const root = token;
  token = await tokenWith('vm-admin');
  try {
    expect((await imported(sneaky)).error).toEqual([
      'RBAC_PERMISSION_DENIED',
      'vm.import/key:pci',
      expect.any(String),
    ]);
    expect((await imported(await exported(vm))).vms).toHaveLength(1);
    token = await tokenWith('vm-operator');
    expect([(await get('/export', { ref: vm })).status, await put('/import', {}, Buffer.from('x'))]).toEqual([
      403, 403,
    ]);
  } finally {
    token = root;
  }
});

const tokenWith = (role: Role): Promise<string> =>
  openSession(world.apis[0]?.plane ?? fail(), {
    user: role,
    root: false,
    role,
    originator: 'test',
    userRef: asRef('OpaqueRef:NULL'),
  });
const fail = (): never => {
  throw new Error('no API');
};

test('what is not there is told apart from what may not be', async () => {
  const answers = [
    await get('/export', { uuid: 'nobody' }),
    await get('/export', {}),
    await get('/export', { ref: 'OpaqueRef:nobody' }),
    await fetch(`${world.url}/export?ref=${vm}`),
  ];
  expect(answers.map((s) => s.status)).toEqual([404, 400, 500, 401]);
  await Promise.all(answers.map((a) => a.text()));
  const running = await call<string>('VM.clone', vm, 'running');
  await call('VM.start', running, false, false);
  const answer = await get('/export', { ref: running });
  expect([answer.status, await answer.text()]).toEqual([
    500,
    expect.stringContaining(`VM_BAD_POWER_STATE: [ ${running}; halted, suspended; running ]`),
  ]);
  const chunked = await new Promise<number | undefined>((resolve, reject) => {
    const sending = request(address('/import', {}), {
      method: 'PUT',
      headers: { 'transfer-encoding': 'chunked' },
    });
    sending.once('response', (r) => resolve(r.resume().statusCode)).once('error', reject);
    sending.end('abc');
  });
  expect(chunked).toBe(403);
});

test('metadata goes without contents and finds the disks that are there; a dry run makes nothing', async () => {
  const answer = await get('/export_metadata', { ref: vm });
  const archive = await bytesOf(answer);
  expect(answer.headers.get('content-length')).toBe(String(archive.length));
  const before = await everything();
  expect((await imported(archive, { dry_run: 'true' }, '/import_metadata')).vms).toEqual([]);
  expect(await everything()).toEqual(before);
  const { vms } = await imported(archive, {}, '/import_metadata');
  const disks = async (ref: string): Promise<string[]> =>
    (
      await Promise.all(
        (await call<string[]>('VM.get_VBDs', ref)).map((vbd) => call<string>('VBD.get_VDI', vbd)),
      )
    ).toSorted();
  expect(await disks(vms[0] ?? '')).toEqual(await disks(vm));
  const lost = await changed(archive, (objects) =>
    objects.map((o) =>
      o.class === 'VDI' ? { ...o, snapshot: { ...o.snapshot, uuid: `lost ${o.id}`, location: '' } } : o,
    ),
  );
  expect((await imported(lost, {}, '/import_metadata')).error).toEqual([
    'IMPORT_ERROR_ATTACHED_DISKS_NOT_FOUND',
  ]);
});

test('metadata names the disks that others lie on when it is asked to', async () => {
  const leaf = await call<string>('VBD.get_VDI', (await call<string[]>('VM.get_VBDs', vm))[0]);
  const made = {
    SR: sr,
    virtual_size: MiB,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
  };
  const [root, parent] = [
    await call<string>('VDI.create', { ...made, name_label: 'root' }),
    await call<string>('VDI.create', { ...made, name_label: 'parent' }),
  ];
  const link = async (from: string, to: string): Promise<unknown> =>
    call('VDI.add_to_sm_config', from, 'vhd-parent', await call('VDI.get_uuid', to));
  // Below the base copies that disks lie on already.
  const below = async (ref: string): Promise<string | undefined> =>
    (await call<Record<string, string>>('VDI.get_sm_config', ref))['vhd-parent'];
  const chainOf = async (ref: string): Promise<string[]> => {
    const chain = [ref];
    for (let next = await below(ref); next !== undefined; next = await below(chain.at(-1) ?? ''))
      chain.push(await call<string>('VDI.get_by_uuid', next));
    return chain;
  };
  const bottom = (await chainOf(leaf)).at(-1) ?? '';
  await link(bottom, parent);
  await link(parent, root);
  await link(root, parent);
  const named = async (query: Record<string, string>): Promise<unknown[]> => {
    const archive = await bytesOf(await get('/export_metadata', { ref: vm, ...query }));
    let disks: OvaObject[] = [];
    await changed(archive, (objects) => (disks = objects.filter((o) => o.class === 'VDI')));
    return disks.map((o) => o.snapshot['uuid']);
  };
  await call('VDI.remove_from_sm_config', bottom, 'vhd-parent');
  const own = await named({});
  const chains = await Promise.all(
    own.map(async (uuid) => chainOf(await call<string>('VDI.get_by_uuid', uuid))),
  );
  const all = await Promise.all(
    [...new Set(chains.flat()), root, parent].map((ref) => call('VDI.get_uuid', ref)),
  );
  await link(bottom, parent);
  expect((await named({ include_vhd_parents: 'true' })).toSorted()).toEqual(all.toSorted());
  await call('VDI.remove_from_sm_config', bottom, 'vhd-parent');
  for (const ref of [root, parent]) await call('VDI.destroy', ref);
});

test('without a repository for new disks nothing is imported or provisioned', async () => {
  const [pool = ''] = await call<string[]>('pool.get_all');
  const archive = await exported(vm);
  const before = await everything();
  await call('pool.set_default_SR', pool, 'OpaqueRef:NULL');
  const task = await call<string>('task.create', 'import', '');
  expect(await put('/import', { task_id: task }, archive)).toBe(500);
  const refusal = ['DEFAULT_SR_NOT_FOUND', 'OpaqueRef:NULL'];
  expect(await outcome(task)).toEqual(refusal);
  await expect(
    call('VM.import', address('/export', { ref: vm }), 'OpaqueRef:NULL', false, false),
  ).rejects.toThrow(refusal.join(' '));
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const unprovided = await call<string>('VM.clone', template, 'unprovided');
  await call(
    'VM.add_to_other_config',
    unprovided,
    'disks',
    '<provision><disk device="0" size="1048576" sr="" bootable="true" type="system"/></provision>',
  ).catch(() => undefined);
  await expect(call('VM.provision', unprovided)).rejects.toThrow(refusal.join(' '));
  await call('VM.destroy', unprovided);
  await call('pool.set_default_SR', pool, sr);
  expect(await everything()).toEqual(before);
});

test('a VM is busy while it is exported, and the task tells how far it is', async () => {
  const task = await call<string>('task.create', 'export', '');
  const answer = await get('/export', { ref: vm, task_id: task });
  expect(Object.values(await call<Record<string, string>>('VM.get_current_operations', vm))).toEqual([
    'export',
  ]);
  await expect(call('VM.destroy', vm)).rejects.toThrow('OTHER_OPERATION_IN_PROGRESS');
  await answer.arrayBuffer();
  await outcome(task);
  expect(await call('VM.get_current_operations', vm)).toEqual({});
});

test('VM.import fetches an archive itself; what needs the conversion appliance says that it is not here', async () => {
  const url = new URL(address('/export', { ref: vm, use_compression: 'gzip' }));
  const vms = await call<string[]>('VM.import', url.href, sr, false, false);
  expect([vms.length, await disksOf(vms[0] ?? '')]).toEqual([1, await disksOf(vm)]);
  const before = await everything();
  await expect(call('VM.import', `${world.url}/nowhere`, sr, false, false)).rejects.toThrow(
    /^IMPORT_ERROR .* answered 404/,
  );
  await expect(call('VM.import', 'file:///etc/passwd', sr, false, false)).rejects.toThrow(
    'INVALID_VALUE url file:///etc/passwd',
  );
  await expect(call('VM.import_convert', 'vmware', 'u', 'p', sr, {})).rejects.toThrow(
    'XENAPI_MISSING_PLUGIN conversion',
  );
  expect(await everything()).toEqual(before);
});

test('a suspended VM travels with its memory, and is resumed where it arrives; without it, it is halted', async () => {
  const sleeper = await call<string>('VM.clone', vm, 'sleeper');
  await call('VM.start', sleeper, false, false);
  await eventually(async () => expect(await call('VM.get_allowed_operations', sleeper)).toContain('suspend'));
  await call('VM.suspend', sleeper);
  const archive = await exported(sleeper, { preserve_power_state: 'true' });
  const { vms, error } = await imported(archive);
  const [arrived = ''] = vms;
  expect([error, vms.length]).toEqual([[], 1]);
  expect(await call('VM.get_power_state', arrived)).toBe('Suspended');
  const memory = await call<string>('VM.get_suspend_VDI', arrived);
  expect(memory).not.toBe(await call('VM.get_suspend_VDI', sleeper));
  expect(await call('VDI.get_record', memory)).toMatchObject({
    type: 'suspend',
    SR: sr,
    current_operations: {},
  });
  expect(await disksOf(arrived)).toEqual(await disksOf(sleeper));
  await call('VM.resume', arrived, false, false);
  expect(await call('VM.get_power_state', arrived)).toBe('Running');
  await call('VM.hard_shutdown', arrived);
  const halted = (await imported(await exported(sleeper))).vms[0] ?? '';
  expect([await call('VM.get_power_state', halted), await call('VM.get_suspend_VDI', halted)]).toEqual([
    'Halted',
    'OpaqueRef:NULL',
  ]);
  const before = await everything();
  const metadata = await bytesOf(await get('/export_metadata', { ref: sleeper }));
  const seen = (features: string): Promise<Buffer> =>
    changed(metadata, vmWith({ last_boot_CPU_flags: { vendor: 'AuthenticAMD', features } }));
  const [pool = ''] = await call<string[]>('pool.get_all');
  const incompatible = [
    'VM_INCOMPATIBLE_WITH_THIS_HOST',
    await call('VM.get_uuid', sleeper),
    await call('pool.get_master', pool),
  ];
  const checked = { dry_run: 'true', check_cpu: 'true' };
  expect((await imported(await seen('ffffffff'), checked, '/import_metadata')).error.slice(0, 3)).toEqual(
    incompatible,
  );
  expect((await imported(await seen('00000000'), checked, '/import_metadata')).error).toEqual([]);
  expect((await imported(await seen('ffffffff'), { dry_run: 'true' }, '/import_metadata')).error).toEqual([]);
  expect(await everything()).toEqual(before);
  const foreign = Buffer.from(archive);
  foreign.fill(0x78, foreign.indexOf('xenplane memory 1'), foreign.indexOf('xenplane memory 1') + 5);
  expect((await imported(foreign)).error).toEqual(['IMPORT_ERROR_SOME_CHECKSUMS_FAILED']);
  expect(await everything()).toEqual(before);
  const unknown = (await imported(foreign, { force: 'true' })).vms[0] ?? '';
  expect([await call('VM.get_power_state', unknown), await call('VM.get_suspend_VDI', unknown)]).toEqual([
    'Halted',
    'OpaqueRef:NULL',
  ]);
  expect(await complaints(world.apis[0]?.plane.store ?? fail())).toEqual([]);
});
