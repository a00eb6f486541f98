import { storage } from '@xenplane/domain';
import { complaints } from '@xenplane/testing';
import { asRef } from '@xenplane/model';
import { inTransaction } from '@xenplane/store';
import { chainOf, collectLayers, reportUtilisation, writableTop } from '@xenplane/xapi';
import { attachment, eventually, login, startWorld, type Call, type World } from '../world';

const none = 'OpaqueRef:NULL';
const GiB = 2 ** 30;
const MiB = 2 ** 20;
let world: World;
let call: Call;
let hosts: string[];
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  call = await login(world.url);
  hosts = await call<string[]>('host.get_all');
});
afterAll(() => world?.stop());
afterEach(async () => {
  const [api] = world.apis;
  if (api) expect(await complaints(api.plane.store)).toEqual([]);
});

type Vdi = Readonly<Record<string, unknown>> & {
  uuid: string;
  SR: string;
  virtual_size: number;
  physical_utilisation: number;
  VBDs: string[];
};
const disk = (ref: string) => call<Vdi>('VDI.get_record', ref);
const repository = (ref: string) =>
  call<{
    uuid: string;
    PBDs: string[];
    VDIs: string[];
    virtual_allocation: number;
    physical_utilisation: number;
    physical_size: number;
  }>('SR.get_record', ref);
async function refused(answer: Promise<unknown>): Promise<string> {
  return answer.then(
    (value) => `answered ${JSON.stringify(value)}`,
    (error: Error) => error.message,
  );
}
const full = 'SR_BACKEND_FAILURE_44  There is insufficient space ';
const makeSr = (
  type: string,
  device_config: Record<string, string>,
  shared: boolean,
  host = hosts[0],
  name = `new ${type}`,
): Promise<string> =>
  call('SR.create', host, device_config, 0, name, '', type, type === 'iso' ? 'iso' : 'user', shared, {});
const makeVdi = (SR: string, more: Record<string, unknown> = {}): Promise<string> =>
  call('VDI.create', {
    SR,
    virtual_size: GiB,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
    name_label: 'disk',
    ...more,
  });
async function unplugAll(sr: string): Promise<void> {
  for (const pbd of (await repository(sr)).PBDs) await call('PBD.unplug', pbd);
}
/** Writes 64 KiB blocks of a disk that is not in use. */
async function write(vdi: string, blocks: readonly number[], fill = 1): Promise<void> {
  const { uuid, virtual_size } = await disk(vdi);
  const bytes = new Uint8Array(virtual_size);
  for (const block of blocks) bytes.fill(fill, block * 65_536, (block + 1) * 65_536);
  const session = await raw('session.login_with_password', 'root', world.password);
  const response = await fetch(
    `${world.url}/import_raw_vdi?session_id=${encodeURIComponent(session)}&vdi=${uuid}&format=raw`,
    { method: 'PUT', body: bytes },
  );
  expect([response.status, await response.text()]).toEqual([200, expect.anything()]);
}
/** Writes a few blocks straight to the layer that takes the disk's writes, as a host does. */
async function writeBlocks(ref: string, blocks: readonly number[]): Promise<void> {
  const [api] = world.apis;
  if (!api) throw new Error('no API');
  const { top, below } = await inTransaction(api.plane.store, async (tx) => {
    const layer = await writableTop(tx, asRef(ref));
    return {
      top: layer,
      below: (await chainOf(tx, asRef(ref))).map((l) => l.id).filter((id) => id !== layer),
    };
  });
  for (const block of blocks) {
    const response = await fetch(
      `${world.imagesUrl}/layers/${top}?offset=${block * 65_536}&chain=${below.join()}`,
      {
        method: 'PUT',
        headers: {
          authorization: `Bearer ${api.plane.settings.imagesSecret}`,
          'content-type': 'application/octet-stream',
        },
        body: new Uint8Array(65_536).fill(5),
      },
    );
    const { utilisation } = (await response.json()) as { utilisation: number };
    await inTransaction(api.plane.store, (tx) => reportUtilisation(tx, top, utilisation));
  }
}
async function raw(method: string, ...params: unknown[]): Promise<string> {
  const response = await fetch(`${world.url}/jsonrpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  return ((await response.json()) as { result: string }).result;
}

test('provisioning makes the disks that the template asks for; where a device is taken it makes nothing', async () => {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, 'provisioned');
  const bytes = [GiB, 2 * GiB];
  const asked = bytes.map(
    (size, i) => `<disk device="xvd${'ab'[i]}" size="${size}" sr="" bootable="${i === 0}" type="system"/>`,
  );
  await call('VM.set_other_config', vm, { disks: `<provision>${asked.join('')}</provision>`, kept: 'yes' });
  const taken = await makeVdi(await call('pool.get_default_SR', (await call<string[]>('pool.get_all'))[0]));
  const vbd = await call<string>('VBD.create', attachment(vm, taken, '1'));
  const before = await call<string[]>('VDI.get_all');
  expect(await refused(call('VM.provision', vm))).toBe('DEVICE_ALREADY_EXISTS 1');
  expect([
    await call('VDI.get_all'),
    await call('VM.get_VBDs', vm),
    await call('VM.get_is_a_template', vm),
  ]).toEqual([before, [vbd], true]);
  await call('VDI.destroy', taken);
  await call('VM.provision', vm);
  expect(await call('VM.get_record', vm)).toMatchObject({
    is_a_template: false,
    other_config: { kept: 'yes' },
  });
  const made = await Promise.all(
    (await call<string[]>('VM.get_VBDs', vm)).map((one) =>
      call<Record<string, string>>('VBD.get_record', one),
    ),
  );
  const seen = await Promise.all(
    made.map(async ({ VDI = '', userdevice, bootable, mode }) => [
      userdevice,
      bootable,
      mode,
      (await disk(VDI)).virtual_size,
    ]),
  );
  expect(seen.toSorted()).toEqual([
    ['0', true, 'RW', GiB],
    ['1', false, 'RW', 2 * GiB],
  ]);
  for (const { VDI } of made) await call('VDI.destroy', VDI);
  await call('VM.destroy', vm);
});

test('devices are made of what fits them', async () => {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, 'devices');
  await call('VM.provision', vm);
  const [own] = await Promise.all(
    (await call<string[]>('VM.get_VBDs', vm)).map((one) => call<string>('VBD.get_VDI', one)),
  );
  const shared = await call<string>('pool.get_default_SR', (await call<string[]>('pool.get_all'))[0]);
  const [plain, kept] = [await makeVdi(shared), await makeVdi(shared, { type: 'redo_log' })];
  const isos = await makeSr('iso', { location: 'filer:/films' }, true);
  const [iso] = (await repository(isos)).VDIs;
  const given = {
    VM: vm,
    VDI: plain,
    userdevice: 'autodetect',
    bootable: false,
    mode: 'RW',
    type: 'Disk',
    empty: false,
  };
  const make = (more: Record<string, unknown>): Promise<string> =>
    call('VBD.create', {
      ...given,
      other_config: {},
      qos_algorithm_type: '',
      qos_algorithm_params: {},
      ...more,
    });
  const drive = { type: 'CD', mode: 'RO' };
  expect(await refused(make({ VDI: kept, mode: 'RW', type: 'CD' }))).toBe(
    `VDI_INCOMPATIBLE_TYPE ${kept} Redo log`,
  );
  expect(await refused(make({ type: 'CD', empty: true }))).toBe('VBD_CDS_MUST_BE_READONLY');
  expect(await refused(make({ empty: true }))).toBe('VBD_NOT_REMOVABLE_MEDIA in constructor');
  expect(await refused(make(drive))).toBe(`VDI_IS_NOT_ISO ${plain} user`);
  for (const userdevice of ['255', 'xvdA', '-1'])
    expect(await refused(make({ userdevice }))).toBe(`INVALID_DEVICE ${userdevice}`);
  const [cd, vbd] = [await make({ ...drive, VDI: none, empty: true }), await make({})];
  await call('VBD.set_mode', vbd, 'RO');
  expect(await refused(call('VBD.set_mode', cd, 'RW'))).toBe('VBD_CDS_MUST_BE_READONLY');
  await call('VM.start', vm, false, false);
  expect(await refused(call('VBD.set_mode', vbd, 'RW'))).toBe(`VM_BAD_POWER_STATE ${vm} halted running`);
  expect(await refused(call('VBD.insert', cd, plain))).toBe(`VDI_IS_NOT_ISO ${plain} user`);
  await call('VBD.insert', cd, iso);
  expect(await call('VBD.get_record', cd)).toMatchObject({ VDI: iso, empty: false });
  await call('VM.hard_shutdown', vm);
  await call('VM.destroy', vm);
  for (const vdi of [plain, kept, own]) await call('VDI.destroy', vdi);
});

test('every driver has its record, and makes repositories', async () => {
  const records = Object.values(
    await call<Record<string, { type: string; capabilities: string[]; features: Record<string, number> }>>(
      'SM.get_all_records',
    ),
  );
  expect(records.map((r) => r.type).toSorted()).toEqual(
    (await call<string[]>('SR.get_supported_types')).toSorted(),
  );
  for (const { capabilities, features } of records)
    expect(Object.keys(features).toSorted()).toEqual(capabilities.toSorted());
  const [target] = storage.targetsOf('10.0.0.5', 3260);
  const [unit] = storage.unitsOf(target?.iqn ?? '');
  const wanted: [string, Record<string, string>, boolean][] = [
    ['lvm', { device: '/dev/sdb' }, false],
    ['ext', { device: '/dev/sdc' }, false],
    ['nfs', { server: 'filer', serverpath: '/export/a' }, true],
    ['smb', { server: '\\\\filer\\vms' }, true],
    ['lvmoiscsi', { target: '10.0.0.5', targetIQN: target?.iqn ?? '', SCSIid: unit?.scsiId ?? '' }, true],
    ['iso', { location: 'filer:/iso' }, true],
    ['file', { location: '/var/disks' }, false],
    ['udev', { location: '/dev/xapi/block' }, false],
    ['dummy', {}, true],
  ];
  for (const [type, config, shared] of wanted) {
    const sr = await makeSr(type, config, shared);
    const { PBDs, VDIs } = await repository(sr);
    expect([type, PBDs.length]).toEqual([type, shared ? hosts.length : 1]);
    expect(await call('PBD.get_currently_attached', PBDs[0])).toBe(true);
    if (type === 'iso') expect(VDIs).toHaveLength(storage.isoFiles.length);
    else expect(VDIs).toEqual([]);
  }
  expect(await refused(makeSr('lvm', { device: '/dev/sdb' }, false))).toContain('SR_BACKEND_FAILURE_56');
  expect(await refused(makeSr('nonsense', {}, false))).toBe('SR_UNKNOWN_DRIVER nonsense');
  expect(await refused(makeSr('lvm', { device: '/dev/sdd' }, true))).toMatch(/^SR_NOT_SHARABLE/);
  expect(await refused(call('SR.probe', hosts[0], { target: '10.0.0.9' }, 'lvmoiscsi', {}))).toMatch(
    /^SR_BACKEND_FAILURE_96 .*<TargetIQN>/,
  );
  const ext = await call<{ configuration: { serverpath?: string }; complete: boolean }[]>(
    'SR.probe_ext',
    hosts[0],
    { server: 'filer' },
    'nfs',
    {},
  );
  expect(ext.map((e) => [e.complete, e.configuration.serverpath])).toEqual(
    storage.exportsOf('filer').map((path) => [true, path]),
  );
});

test('a repository that is forgotten is found by a probe and comes back with its disks', async () => {
  const config = { server: 'filer', serverpath: '/export/back' };
  const sr = await makeSr('nfs', config, true);
  const { uuid, PBDs } = await repository(sr);
  const vdi = await makeVdi(sr, { name_label: 'survivor', virtual_size: 4 * MiB });
  await write(vdi, [3]);
  const before = await disk(vdi);
  expect(before.physical_utilisation).toBeGreaterThan(0);
  expect(await refused(call('SR.forget', sr))).toBe(`SR_HAS_PBD ${sr}`);
  expect(await refused(call('SR.destroy', sr))).toBe(`SR_HAS_PBD ${sr}`);
  expect(await refused(call('PBD.destroy', PBDs[0]))).toMatch(/^OPERATION_NOT_ALLOWED/);
  expect(await call('SR.get_allowed_operations', sr)).not.toContain('forget');
  await unplugAll(sr);
  expect(await call('SR.get_allowed_operations', sr)).toContain('forget');
  expect(await refused(call('SR.scan', sr))).toBe(`SR_HAS_NO_PBDS ${sr}`);
  expect(await refused(makeVdi(sr))).toBe(`SR_HAS_NO_PBDS ${sr}`);
  expect(await refused(call('SR.destroy', sr))).toBe('SR_NOT_EMPTY');
  await call('SR.forget', sr);
  expect(await refused(disk(vdi))).toMatch(/^HANDLE_INVALID/);
  expect(await call('SR.probe', hosts[1], config, 'nfs', {})).toContain(`<UUID>${uuid}</UUID>`);

  const again = await call<string>('SR.introduce', uuid, 'back', '', 'nfs', 'user', true, {});
  expect(await refused(call('SR.introduce', uuid, 'twice', '', 'nfs', 'user', true, {}))).toBe(
    `SR_UUID_EXISTS ${uuid}`,
  );
  const wrong = await call<string>('PBD.create', {
    host: hosts[0],
    SR: again,
    device_config: { ...config, serverpath: '/export/else' },
  });
  expect(await refused(call('PBD.plug', wrong))).toContain('SR_BACKEND_FAILURE_47');
  expect(await refused(call('PBD.create', { host: hosts[0], SR: again, device_config: config }))).toBe(
    `PBD_EXISTS ${again} ${hosts[0]} ${wrong}`,
  );
  await call('PBD.set_device_config', wrong, config);
  await call('PBD.plug', wrong);
  const [found] = (await repository(again)).VDIs;
  expect(await disk(found ?? '')).toMatchObject({
    uuid: before.uuid,
    name_label: 'survivor',
    physical_utilisation: before.physical_utilisation,
  });
  await call('VDI.destroy', found);
  await unplugAll(again);
  await call('SR.destroy', again);
  expect(await call('SR.probe', hosts[1], config, 'nfs', {})).not.toContain(uuid);
});

test('local repositories have one connection, unless they are said to be shared', async () => {
  const sr = await makeSr('file', { location: '/srv/one' }, false);
  const second = await call<string>('PBD.create', {
    host: hosts[1],
    SR: sr,
    device_config: { location: '/srv/one' },
  });
  expect(await refused(call('PBD.plug', second))).toBe(`SR_NOT_SHARABLE ${sr} ${hosts[0]}`);
  await call('PBD.destroy', second);
  const mastered = { host: hosts[1], SR: sr, device_config: { location: '/srv/one', SRmaster: 'true' } };
  expect(await refused(call('PBD.create', mastered))).toMatch(/^VALUE_NOT_SUPPORTED SRmaster true /);
  expect(await refused(call('SR.set_shared', sr, true))).toMatch(/^SR_NOT_SHARABLE/);
  await call('SR.add_to_other_config', sr, 'indestructible', 'true');
  await unplugAll(sr);
  expect(await refused(call('SR.destroy', sr))).toBe(`SR_INDESTRUCTIBLE ${sr}`);
  await call('SR.remove_from_other_config', sr, 'indestructible');
  await call('SR.destroy', sr);
});

test('where disks have all of their space set aside, no more is made than fits', async () => {
  const sr = await makeSr('lvm', { device: '/dev/sdd' }, false);
  const { physical_size } = await repository(sr);
  const large = await makeVdi(sr, { virtual_size: physical_size - GiB });
  const used = async (): Promise<number> => (await repository(sr)).physical_utilisation;
  expect([await used(), (await disk(large)).physical_utilisation]).toEqual([
    physical_size - GiB,
    physical_size - GiB,
  ]);
  expect(await refused(makeVdi(sr, { virtual_size: 2 * GiB }))).toBe(full);
  expect(await refused(call('VDI.resize', large, physical_size + MiB))).toBe(full);
  expect(await refused(call('VDI.clone', large, {}))).toBe(full);
  const snapshot = await call<string>('VDI.snapshot', large, {});
  expect([await used(), (await disk(snapshot)).physical_utilisation]).toEqual([physical_size - GiB, 0]);
  const small = await makeVdi(sr);
  expect(await used()).toBe(physical_size - GiB + (await disk(small)).virtual_size);
  expect(await refused(makeVdi(sr, { virtual_size: MiB }))).toBe(full);
  await call('VDI.destroy', small);
  await call('VDI.resize', large, physical_size);
  expect(await call('SR.get_physical_utilisation', sr)).toBe(physical_size);
  for (const one of [snapshot, large]) await call('VDI.destroy', one);
  expect(await used()).toBe(0);
  await unplugAll(sr);
  await call('SR.destroy', sr);
});

test('disks: snapshots and clones share what they have, sums add up, and layers go when nobody needs them', async () => {
  const sr = await makeSr('nfs', { server: 'filer', serverpath: '/export/sums' }, true);
  const vdi = await makeVdi(sr, { virtual_size: 4 * MiB });
  await write(vdi, [0, 1]);
  const snapshot = await call<string>('VDI.snapshot', vdi, { key: 'value' });
  expect(await disk(snapshot)).toMatchObject({
    is_a_snapshot: true,
    snapshot_of: vdi,
    physical_utilisation: 0,
    xenstore_data: { key: 'value' },
  });
  expect(await call('VDI.get_snapshots', vdi)).toEqual([snapshot]);
  await write(vdi, [2], 7);
  const clone = await call<string>('VDI.clone', snapshot, {});
  const taken = (await repository(sr)).physical_utilisation;
  const copy = await call<string>('VDI.copy', vdi, sr, none, none);
  expect((await disk(copy)).physical_utilisation).toBe(taken);
  expect(await repository(sr)).toMatchObject({
    virtual_allocation: 16 * MiB,
    physical_utilisation: 2 * taken,
  });
  await call('VDI.destroy', vdi);
  expect((await repository(sr)).virtual_allocation).toBe(12 * MiB);
  for (const one of [snapshot, clone, copy]) await call('VDI.destroy', one);
  expect(await repository(sr)).toMatchObject({ virtual_allocation: 0, physical_utilisation: 0 });
  const [api] = world.apis;
  if (!api) throw new Error('no API');
  await eventually(async () => {
    await collectLayers(api.plane);
    expect(await api.plane.store.query('SELECT l.id FROM layer l WHERE l.owner IS NULL')).toEqual([]);
  });
});

test('clones of one disk lie side by side, however many', async () => {
  const sr = await makeSr('dummy', {}, true);
  const vdi = await makeVdi(sr);
  const clones = [];
  for (let i = 0; i < 5; i += 1) clones.push(await call<string>('VDI.clone', vdi, {}));
  const [deepest] =
    (await world.apis[0]?.plane.store.query<{ depth: number }>(
      `WITH RECURSIVE chain AS (SELECT v.vdi, l.parent, 1 AS depth FROM vdi_layer v JOIN layer l ON l.id = v.layer WHERE v.vdi = ANY($1)
         UNION ALL SELECT c.vdi, p.parent, c.depth + 1 FROM chain c JOIN layer p ON p.id = c.parent) SELECT max(depth) AS depth FROM chain`,
      [clones],
    )) ?? [];
  expect(deepest?.depth).toBe(2);
});

test('changed blocks: those written between two snapshots, most significant bit first', async () => {
  const sr = await makeSr('nfs', { server: 'filer', serverpath: '/export/cbt' }, true);
  const vdi = await makeVdi(sr, { virtual_size: 2 * MiB });
  await write(vdi, [0]);
  const untracked = await call<string>('VDI.snapshot', vdi, {});
  await call('VDI.enable_cbt', vdi);
  const first = await call<string>('VDI.snapshot', vdi, {});
  await writeBlocks(vdi, [1, 9, 31]);
  const second = await call<string>('VDI.snapshot', vdi, {});
  expect(await call('VDI.get_cbt_enabled', first)).toBe(true);
  expect(await refused(call('VDI.enable_cbt', first))).toMatch(/^OPERATION_NOT_ALLOWED/);
  expect(await refused(call('VDI.set_on_boot', vdi, 'reset'))).toBe(`VDI_CBT_ENABLED ${vdi}`);
  const bits = Buffer.from(await call<string>('VDI.list_changed_blocks', first, second), 'base64');
  expect([...bits]).toEqual([0b0100_0000, 0b0100_0000, 0, 0b0000_0001]);
  expect(Buffer.from(await call<string>('VDI.list_changed_blocks', second, second), 'base64')).toEqual(
    Buffer.alloc(4),
  );
  await call('VDI.data_destroy', first);
  expect(await call('VDI.get_type', first)).toBe('cbt_metadata');
  expect(Buffer.from(await call<string>('VDI.list_changed_blocks', first, second), 'base64')).toEqual(bits);
  expect(await refused(call('VDI.clone', first, {}))).toBe(`VDI_INCOMPATIBLE_TYPE ${first} CBT metadata`);
  expect(await refused(call('VDI.get_nbd_info', first))).toBe(`VDI_INCOMPATIBLE_TYPE ${first} CBT metadata`);
  expect(await refused(call('VDI.data_destroy', untracked))).toBe(`VDI_NO_CBT_METADATA ${untracked}`);
  const other = await makeVdi(sr, { virtual_size: 2 * MiB });
  await call('VDI.enable_cbt', other);
  expect(await refused(call('VDI.list_changed_blocks', other, second))).toContain('SR_BACKEND_FAILURE_460');
});

test('the contents of a snapshot that a device has are not given up: VDI_IN_USE after four seconds, unless it is let go of meanwhile', async () => {
  const sr = await makeSr('nfs', { server: 'filer', serverpath: '/export/held' }, true);
  const vdi = await makeVdi(sr, { virtual_size: 2 * MiB });
  await write(vdi, [0]);
  await call('VDI.enable_cbt', vdi);
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, 'holder');
  await call('VM.set_is_a_template', vm, false);
  await call('VBD.create', attachment(vm, vdi));
  const snapshot = await call<string>('VM.snapshot', vm, 'held', []);
  const [vbd] = await call<string[]>('VM.get_VBDs', snapshot);
  const held = await call<string>('VBD.get_VDI', vbd);
  const begun = Date.now();
  expect(await refused(call('VDI.data_destroy', held))).toBe(`VDI_IN_USE ${held} data_destroy`);
  expect(Date.now() - begun).toBeGreaterThanOrEqual(3_900);
  expect(await call('VDI.get_record', held)).toMatchObject({ type: 'user', VBDs: [vbd] });
  // Impossible requests fail at once: a wait would take longer than the test may.
  const still = world.apis.map((api) => jest.spyOn(api.plane.clock, 'monotonic').mockReturnValue(0));
  try {
    expect(await refused(call('VDI.data_destroy', vdi))).toMatch(/^OPERATION_NOT_ALLOWED/);
    const destroyed = call('VDI.data_destroy', held);
    await call('VBD.destroy', vbd);
    await destroyed;
  } finally {
    for (const one of still) one.mockRestore();
  }
  expect(await call('VDI.get_type', held)).toBe('cbt_metadata');
  for (const one of [snapshot, vm]) await call('VM.destroy', one);
});

test('a disk that somebody reads is not overwritten by a copy', async () => {
  const sr = await makeSr('nfs', { server: 'filer', serverpath: '/export/busy' }, true);
  const [vdi, into] = [
    await makeVdi(sr, { virtual_size: 2 * MiB }),
    await makeVdi(sr, { virtual_size: 2 * MiB }),
  ];
  const [api] = world.apis;
  if (!api) throw new Error('no API');
  const task = await call<string>('task.create', 'reader', '');
  const mark = (operations: Record<string, string>) =>
    inTransaction(api.plane.store, (tx) =>
      tx.query('UPDATE vdi SET current_operations = $2 WHERE ref = $1', [into, JSON.stringify(operations)]),
    );
  await mark({ [task]: 'copy' });
  let ended = false;
  const copied = call('VDI.copy', vdi, none, none, into).finally(() => (ended = true));
  // As xapi, it waits for whoever is busy with it.
  for (let looks = 0; looks < 20; looks += 1) await call('VDI.get_record', into);
  expect(ended).toBe(false);
  await mark({});
  expect(await copied).toBe(into);
  await call('task.destroy', task);
});

test('a disk moves to another repository while its VM runs, with its devices and snapshots', async () => {
  const to = await makeSr('nfs', { server: 'filer', serverpath: '/export/to' }, true);
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, 'mover');
  await call('VM.provision', vm);
  await call('VM.start', vm, false, false);
  const [vbd] = await call<string[]>('VM.get_VBDs', vm);
  const vdi = await call<string>('VBD.get_VDI', vbd);
  const { SR: from, uuid } = await disk(vdi);
  const pbds = await call<string[]>('SR.get_PBDs', from);
  const resident = await call<string>('VM.get_resident_on', vm);
  for (const pbd of pbds)
    if ((await call('PBD.get_host', pbd)) === resident)
      expect(await refused(call('PBD.unplug', pbd))).toBe(`VDI_IN_USE ${vdi}`);
  expect(await refused(call('VDI.destroy', vdi))).toBe(`VDI_IN_USE ${vdi} destroy`);
  const snapshot = await call<string>('VDI.snapshot', vdi, {});
  const before = await repository(from);
  const moved = await call<string>('VDI.pool_migrate', vdi, to, {});
  expect(await disk(moved)).toMatchObject({ SR: to, VBDs: [vbd], current_operations: {} });
  expect((await disk(moved)).uuid).not.toBe(uuid);
  expect(await refused(disk(vdi))).toMatch(/^HANDLE_INVALID/);
  const [followed = ''] = await call<string[]>('VDI.get_snapshots', moved);
  expect(await disk(followed)).toMatchObject({ SR: to, is_a_snapshot: true, snapshot_of: moved });
  expect(await refused(disk(snapshot))).toMatch(/^HANDLE_INVALID/);
  expect((await repository(from)).virtual_allocation).toBe(
    before.virtual_allocation - 2 * (await disk(moved)).virtual_size,
  );
  expect(await call('VM.get_power_state', vm)).toBe('Running');
  await eventually(async () => expect(await call('VM.get_allowed_operations', vm)).toContain('suspend'));
  await call('VBD.unplug', vbd);
  await call('VBD.plug', vbd);
  const [images] = await call<string[]>('SR.get_by_name_label', 'Template images');
  expect(await refused(call('VDI.pool_migrate', moved, images, {}))).toMatch(
    /^SR_DOES_NOT_SUPPORT_MIGRATION/,
  );
  await call('VM.hard_shutdown', vm);
  await call('VM.start', vm, false, false);
  await call('VM.hard_shutdown', vm);
});

test('copies into a disk, sizes, reverting, forgetting and introducing', async () => {
  const sr = await makeSr('nfs', { server: 'filer', serverpath: '/export/misc' }, true);
  const vdi = await makeVdi(sr, { virtual_size: 2 * MiB });
  await write(vdi, [0]);
  const snapshot = await call<string>('VDI.snapshot', vdi, {});
  await write(vdi, [1, 2, 3], 9);
  const into = await makeVdi(sr, { virtual_size: 2 * MiB });
  expect(await call('VDI.copy', vdi, none, snapshot, into)).toBe(into);
  const small = await makeVdi(sr, { virtual_size: MiB });
  expect(await refused(call('VDI.copy', vdi, none, none, small))).toBe(`VDI_TOO_SMALL ${small} ${2 * MiB}`);
  await call('VDI.set_read_only', into, true);
  expect(await refused(call('VDI.copy', vdi, none, none, into))).toBe(`VDI_READONLY ${into}`);
  expect(await refused(call('VDI.resize', vdi, MiB))).toContain('SR_BACKEND_FAILURE_79');
  await call('VDI.resize', vdi, 3 * MiB);
  await call('VDI.revert', snapshot);
  expect((await disk(vdi)).virtual_size).toBe(2 * MiB);
  expect(await refused(call('VDI.revert', vdi))).toBe('REVERT_ONLY_ALLOWED_ON_SNAPSHOT');
  const simple = await makeSr('dummy', {}, true);
  const plain = await makeVdi(simple, { virtual_size: 2 * MiB });
  const { uuid } = await disk(plain);
  const introduce = (location: string, at = simple) =>
    call<string>('VDI.introduce', uuid, 'again', '', at, 'user', false, false, {}, location);
  expect(await refused(introduce(uuid, sr))).toBe(`SR_OPERATION_NOT_SUPPORTED ${sr}`);
  expect(await refused(introduce(uuid))).toContain('SR_BACKEND_FAILURE_43');
  await call('VDI.forget', plain);
  expect(await refused(introduce('elsewhere'))).toBe(`VDI_LOCATION_MISSING ${simple} elsewhere`);
  expect(await disk(await introduce(uuid))).toMatchObject({
    uuid,
    name_label: 'again',
    virtual_size: 2 * MiB,
  });
  expect(await refused(makeVdi(sr, { virtual_size: 2 ** 50 }))).toMatch(/^VDI_TOO_LARGE/);
  await call('SR.set_physical_size', sr, 1);
  expect(await refused(call('VDI.copy', snapshot, sr, none, none))).toBe(full);
});

test("copies of the pool's database", async () => {
  const [target] = storage.targetsOf('10.0.0.6', 3260);
  const [unit] = storage.unitsOf(target?.iqn ?? '');
  const sr = await makeSr(
    'lvmoiscsi',
    { target: '10.0.0.6', targetIQN: target?.iqn ?? '', SCSIid: unit?.scsiId ?? '' },
    true,
  );
  await call('SR.assert_can_host_ha_statefile', sr);
  await call('SR.enable_database_replication', sr);
  const [vdi] = (await repository(sr)).VDIs;
  const [pool] = await call<string[]>('pool.get_all');
  expect(await disk(vdi ?? '')).toMatchObject({
    type: 'metadata',
    metadata_of_pool: pool,
    metadata_latest: true,
  });
  expect(await call('VDI.read_database_pool_uuid', vdi)).toBe(await call('pool.get_uuid', pool));
  expect(await refused(call('VDI.open_database', vdi))).toBe(
    `VDI_CONTAINS_METADATA_OF_THIS_POOL ${vdi} ${pool}`,
  );
  await call('SR.disable_database_replication', sr);
  expect((await repository(sr)).VDIs).toEqual([]);
  const local = await makeSr('file', { location: '/srv/local' }, false);
  expect(await refused(call('SR.assert_can_host_ha_statefile', local))).toBe(`SR_HAS_NO_PBDS ${local}`);
  expect(await refused(call('SR.enable_database_replication', local))).toBe(
    `SR_OPERATION_NOT_SUPPORTED ${local}`,
  );
});

test('disaster recovery brings repositories in for a while', async () => {
  const config = { server: 'filer', serverpath: '/export/lost' };
  const sr = await makeSr('nfs', config, true);
  const { uuid } = await repository(sr);
  await makeVdi(sr, { name_label: 'of a lost pool' });
  await unplugAll(sr);
  await call('SR.forget', sr);
  const task = await call<string>('DR_task.create', 'nfs', config, []);
  const [found] = await call<string[]>('DR_task.get_introduced_SRs', task);
  const back = await repository(found ?? '');
  expect([back.uuid, back.VDIs.length, back.PBDs.length]).toEqual([uuid, 1, hosts.length]);
  await call('DR_task.destroy', task);
  expect(await refused(repository(found ?? ''))).toMatch(/^HANDLE_INVALID SR/);
});

test('the guest tools come with the pool', async () => {
  const [tools] = Object.entries(
    await call<Record<string, { is_tools_sr: boolean; VDIs: string[] }>>('SR.get_all_records'),
  ).filter(([, sr]) => sr.is_tools_sr);
  const [ref = '', sr] = tools ?? [];
  expect(await disk(sr?.VDIs[0] ?? '')).toMatchObject({
    is_tools_iso: true,
    name_label: 'guest-tools.iso',
    SR: ref,
  });
  expect(await refused(makeVdi(ref))).toBe(`SR_OPERATION_NOT_SUPPORTED ${ref}`);
  expect(await refused(call('VDI.destroy', sr?.VDIs[0]))).toBe(`SR_OPERATION_NOT_SUPPORTED ${ref}`);
});
