/** The chains that disks lie on can be seen: base copies are records, disks name their parents, and what nobody needs apart is coalesced. */
import { storage } from '@xenplane/domain';
import { asRef } from '@xenplane/model';
import { inTransaction } from '@xenplane/store';
import { complaints } from '@xenplane/testing';
import { collectLayers, foldLayers, writableTop, type Plane } from '@xenplane/xapi';
import { attachment, eventually, login, password, startWorld, type Call, type World } from '../world';

const MiB = 2 ** 20;
const none = 'OpaqueRef:NULL';
let world: World;
let plane: Plane;
let call: Call;
let token: string;
let host: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
  call = await login(world.url);
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'session.login_with_password',
    params: ['root', password],
  });
  token = (
    (await (await fetch(`${world.url}/jsonrpc`, { method: 'POST', body })).json()) as { result: string }
  ).result;
  [host = ''] = await call<string[]>('host.get_all');
  const [api] = world.apis;
  if (!api) throw new Error('no API');
  plane = api.plane;
});
afterAll(() => world?.stop());
afterEach(async () => expect(await complaints(plane.store)).toEqual([]));

interface Vdi {
  readonly uuid: string;
  readonly name_label: string;
  readonly managed: boolean;
  readonly sm_config: Record<string, string>;
  readonly physical_utilisation: number;
  readonly virtual_size: number;
}
type Config = Record<string, string>;
const disk = (ref: string) => call<Vdi>('VDI.get_record', ref);
const makeSr = (type: string, config: Config, shared = true): Promise<string> =>
  call('SR.create', host, config, 0, `chains on ${type}`, '', type, 'user', shared, {});
const nfs = (name: string): Promise<string> =>
  makeSr('nfs', { server: 'filer', serverpath: `/export/${name}` });
const makeVdi = (SR: string, more: object = {}): Promise<string> =>
  call('VDI.create', {
    SR,
    virtual_size: 4 * MiB,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
    name_label: 'disk',
    ...more,
  });
const refused = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    (value) => `answered ${JSON.stringify(value)}`,
    (error: Error) => error.message,
  );
async function write(vdi: string, fill: number): Promise<void> {
  const bytes = new Uint8Array(4 * MiB).fill(fill, 0, 65_536);
  const response = await fetch(`${world.url}/import_raw_vdi?session_id=${token}&vdi=${vdi}&format=raw`, {
    method: 'PUT',
    body: bytes,
  });
  expect([response.status, await response.text()]).toEqual([200, expect.anything()]);
}
/** A host that begins to use the disk. */
const open = (vdi: string): Promise<string> =>
  inTransaction(plane.store, (tx) => writableTop(tx, asRef(vdi)));
const disksOf = async (sr: string): Promise<Vdi[]> =>
  Promise.all((await call<string[]>('SR.get_VDIs', sr)).map(disk));
const hidden = async (sr: string): Promise<Vdi[]> => (await disksOf(sr)).filter(({ managed }) => !managed);
async function depth(vdi: string): Promise<number> {
  const parent = (await disk(vdi)).sm_config['vhd-parent'];
  return parent === undefined ? 1 : 1 + (await depth(await call<string>('VDI.get_by_uuid', parent)));
}
async function settle(): Promise<void> {
  // Others may be folding the same layers meanwhile: rounds are not counted.
  for (const limit = Date.now() + 120_000; Date.now() < limit;)
    if ((await collectLayers(plane)) + (await foldLayers(plane)) === 0) return;
  throw new Error('it goes on and on');
}

const [target] = storage.targetsOf('10.0.0.5', 3260);
const [unit] = storage.unitsOf(target?.iqn ?? '');
test.each<[string, Config, boolean, Config]>([
  ['ext', { device: '/dev/sdb' }, false, { 'image-format': 'vhd' }],
  ['file', { location: '/srv/chains' }, false, { 'image-format': 'vhd' }],
  ['nfs', { server: 'filer', serverpath: '/export/chains' }, true, { 'image-format': 'vhd' }],
  ['smb', { server: '\\\\filer\\chains' }, true, { 'image-format': 'vhd' }],
  ['lvm', { device: '/dev/sdc' }, false, { 'image-format': 'vhd', vdi_type: 'vhd' }],
  [
    'lvmoiscsi',
    { target: '10.0.0.5', targetIQN: target?.iqn ?? '', SCSIid: unit?.scsiId ?? '' },
    true,
    { 'image-format': 'vhd', vdi_type: 'vhd' },
  ],
])(
  '%s: a snapshot and a clone leave a hidden base copy that both name, a full copy names none',
  async (type, config, shared, file) => {
    const sr = await makeSr(type, config, shared);
    const vdi = await makeVdi(sr, { sm_config: { key: 'given' } });
    expect((await disk(vdi)).sm_config).toEqual({ key: 'given', ...file });
    await write(vdi, 1);
    const before = await call<{ virtual_allocation: number; physical_utilisation: number }>(
      'SR.get_record',
      sr,
    );
    const { token: since } = await call<{ token: string }>('event.from', ['vdi'], '', 1);
    const snapshot = await call<string>('VDI.snapshot', vdi, {});
    const [base, ...more] = await hidden(sr);
    expect(more).toEqual([]);
    expect(base).toMatchObject({
      managed: false,
      name_label: 'base copy',
      read_only: true,
      type: 'user',
      virtual_size: 4 * MiB,
      sm_config: file,
    });
    expect(base).toMatchObject({ VBDs: [], is_a_snapshot: false, physical_utilisation: 65_536 });
    for (const ref of [vdi, snapshot])
      expect((await disk(ref)).sm_config).toEqual({ key: 'given', ...file, 'vhd-parent': base?.uuid });
    const { events } = await call<{ events: { operation: string; snapshot: Vdi }[] }>(
      'event.from',
      ['vdi'],
      since,
      1,
    );
    expect(
      events
        .filter(({ operation, snapshot: seen }) => operation === 'add' && !seen.managed)
        .map((e) => e.snapshot.uuid),
    ).toEqual([base?.uuid]);
    const after = await call<{ virtual_allocation: number; physical_utilisation: number }>(
      'SR.get_record',
      sr,
    );
    expect(after.virtual_allocation).toBe(2 * before.virtual_allocation);
    if (!type.startsWith('lvm')) expect(after.physical_utilisation).toBe(before.physical_utilisation);
    // An unwritten disk needs no second base copy.
    const clone = await call<string>('VDI.clone', vdi, {});
    expect((await disk(clone)).sm_config['vhd-parent']).toBe(base?.uuid);
    const copy = await call<string>('VDI.copy', vdi, sr, none, none);
    expect((await disk(copy)).sm_config).toEqual({ key: 'given', ...file });
    for (const ref of [snapshot, clone, vdi]) await call('VDI.destroy', ref);
    expect(await hidden(sr)).toEqual([]);
    await call('VDI.destroy', copy);
  },
);

test('where disks are no files with parents, nothing is hidden', async () => {
  const sr = await makeSr('dummy', {});
  const vdi = await makeVdi(sr);
  const snapshot = await call<string>('VDI.snapshot', vdi, {});
  for (const ref of [vdi, snapshot]) expect((await disk(ref)).sm_config).toEqual({});
  expect(await hidden(sr)).toEqual([]);
  for (const ref of [vdi, snapshot]) await call('VDI.destroy', ref);
});

test('a base copy belongs to the driver: no call uses or destroys it', async () => {
  const sr = await nfs('hidden');
  const vdi = await makeVdi(sr);
  await call('VDI.snapshot', vdi, {});
  const [base] = await hidden(sr);
  const ref = await call<string>('VDI.get_by_uuid', base?.uuid);
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, 'curious');
  const answers = await Promise.all(
    [
      call('VDI.destroy', ref),
      call('VDI.forget', ref),
      call('VDI.snapshot', ref, {}),
      call('VDI.clone', ref, {}),
      call('VDI.resize', ref, 8 * MiB),
      call('VDI.copy', ref, sr, none, none),
      call('VDI.enable_cbt', ref),
      call('VBD.create', attachment(vm, ref)),
    ].map(refused),
  );
  expect(new Set(answers)).toEqual(new Set([`VDI_NOT_MANAGED ${ref}`]));
  expect(
    await (await fetch(`${world.url}/export_raw_vdi?session_id=${token}&vdi=${base?.uuid}`)).text(),
  ).toContain('VDI_NOT_MANAGED');
  await call('VM.destroy', vm);
});

test('a chain that is too long takes no more snapshots until it is coalesced', async () => {
  const sr = await nfs('long');
  const vdi = await makeVdi(sr);
  const snapshots: string[] = [];
  for (let i = 1; i < 30; i += 1) {
    await open(vdi);
    snapshots.push(await call<string>('VDI.snapshot', vdi, {}));
  }
  expect([await depth(vdi), (await hidden(sr)).length]).toEqual([30, 29]);
  for (const method of ['VDI.snapshot', 'VDI.clone'])
    expect(await refused(call(method, vdi, {}))).toBe(
      'SR_BACKEND_FAILURE_109  The snapshot chain is too long ',
    );
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, 'of a long chain');
  await call('VM.set_is_a_template', vm, false);
  const vbd = await call<string>('VBD.create', attachment(vm, vdi));
  expect(await refused(call('VM.snapshot', vm, 'one too many', []))).toMatch(/^SR_BACKEND_FAILURE_109 /);
  await call('VBD.destroy', vbd);
  for (const gone of snapshots.splice(10, 5)) await call('VDI.destroy', gone);
  await settle();
  await eventually(async () => expect([await depth(vdi), (await hidden(sr)).length]).toEqual([25, 24]));
  await open(vdi);
  snapshots.push(await call<string>('VDI.snapshot', vdi, {}));
  expect(await depth(vdi)).toBe(26);
  for (const ref of [...snapshots, vdi]) await call('VDI.destroy', ref);
  expect(await disksOf(sr)).toEqual([]);
  await call('VM.destroy', vm);
});

test('a disk whose snapshots are gone loses its base copies, and its bytes are counted for it', async () => {
  const sr = await nfs('leaf');
  const vdi = await makeVdi(sr);
  await write(vdi, 1);
  const first = await call<string>('VDI.snapshot', vdi, {});
  await write(vdi, 2);
  const second = await call<string>('VDI.snapshot', vdi, {});
  await write(vdi, 3);
  expect([await depth(vdi), await depth(second), await depth(first)]).toEqual([3, 3, 2]);
  await call('VDI.destroy', first);
  await call('VDI.destroy', second);
  await settle();
  await eventually(async () => expect(await hidden(sr)).toEqual([]));
  expect(await disk(vdi)).toMatchObject({
    sm_config: { 'image-format': 'vhd' },
    physical_utilisation: 65_536,
  });
  expect(await call('SR.get_physical_utilisation', sr)).toBe(65_536);
});

describe('the leaf of a disk whose VM runs', () => {
  let sr: string, vm: string, vdi: string;
  beforeEach(async () => {
    sr = await nfs(`leaf ${Math.random()}`);
    vdi = await makeVdi(sr);
    await write(vdi, 1);
    const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
    vm = await call<string>('VM.clone', template, 'leaf');
    await call('VM.remove_from_other_config', vm, 'disks');
    await call('VM.provision', vm);
    await call('VBD.create', attachment(vm, vdi));
    await call('VM.start', vm, false, false);
  });
  afterEach(async () => {
    await call('VM.hard_shutdown', vm);
    await call('VM.destroy', vm);
    await call('VDI.destroy', vdi);
    await settle();
  });
  async function snapshotAndDrop(): Promise<void> {
    for (let i = 0; i < 3; i += 1) await call('VDI.snapshot', vdi, {});
    for (const snapshot of await call<string[]>('VDI.get_snapshots', vdi))
      await call('VDI.destroy', snapshot);
    await settle();
  }

  test('is coalesced when its snapshots are gone', async () => {
    await snapshotAndDrop();
    expect([await call('VM.get_power_state', vm), await depth(vdi), await hidden(sr)]).toEqual([
      'Running',
      1,
      [],
    ]);
    expect(await disk(vdi)).toMatchObject({ physical_utilisation: 65_536 });
    await call('VM.hard_shutdown', vm);
    const exported = await fetch(`${world.url}/export_raw_vdi?session_id=${token}&vdi=${vdi}&format=raw`);
    const bytes = Buffer.from(await exported.arrayBuffer());
    expect([bytes.length, bytes.subarray(0, 65_536).every((byte) => byte === 1)]).toEqual([4 * MiB, true]);
    await call('VM.start', vm, false, false);
  });

  test.each([
    ['VDI', 'leaf-coalesce'],
    ['SR', 'leaf-coalesce'],
    ['SR', 'coalesce'],
    ['SR', 'gc'],
  ])('stays while other_config of its %s has %s=false', async (cls, key) => {
    const at = cls === 'VDI' ? vdi : sr;
    await call(`${cls}.add_to_other_config`, at, key, 'false');
    await snapshotAndDrop();
    expect(await depth(vdi)).toBeGreaterThan(1);
    await call(`${cls}.remove_from_other_config`, at, key);
    await settle();
    expect(await depth(vdi)).toBe(1);
  });
});

test('a disk that is reverted lies beside its snapshot; one that is forgotten leaves no base copy behind', async () => {
  const sr = await nfs('back');
  const vdi = await makeVdi(sr);
  await write(vdi, 1);
  const snapshot = await call<string>('VDI.snapshot', vdi, {});
  await write(vdi, 2);
  await call('VDI.revert', snapshot);
  const [base] = await hidden(sr);
  for (const ref of [vdi, snapshot]) expect((await disk(ref)).sm_config['vhd-parent']).toBe(base?.uuid);
  for (const pbd of await call<string[]>('SR.get_PBDs', sr)) await call('PBD.unplug', pbd);
  const uuid = await call<string>('SR.get_uuid', sr);
  await call('SR.forget', sr);
  const again = await call<string>('SR.introduce', uuid, 'again', '', 'nfs', 'user', true, {});
  await call(
    'PBD.plug',
    await call('PBD.create', {
      host,
      SR: again,
      device_config: { server: 'filer', serverpath: '/export/back' },
    }),
  );
  const found = await disksOf(again);
  expect(found.map(({ managed, sm_config }) => [managed, 'vhd-parent' in sm_config])).toEqual([
    [true, false],
    [true, false],
  ]);
  expect(await call('SR.get_physical_utilisation', again)).toBe(65_536);
});

test('a database that is restored leaves chains as they are now', async () => {
  const sr = await nfs('restored');
  const vdi = await makeVdi(sr, { sm_config: { key: 'then' } });
  await open(vdi);
  await call('VDI.snapshot', vdi, {});
  const file = await (await fetch(`${world.url}/pool/xmldbdump?session_id=${token}`)).text();
  await call('VDI.set_sm_config', vdi, { ...(await disk(vdi)).sm_config, key: 'now' });
  await open(vdi);
  await call('VDI.snapshot', vdi, {});
  const present = (await disk(vdi)).sm_config;
  expect(await depth(vdi)).toBe(3);
  const task = await call<string>('task.create', 'restore', '');
  await fetch(`${world.url}/pool/xmldbdump?session_id=${token}&task_id=${task}`, {
    method: 'PUT',
    body: file,
  }).catch(() => undefined);
  await eventually(async () => expect(await call('task.get_status', task)).not.toBe('pending'));
  expect(await call('task.get_error_info', task)).toEqual([]);
  expect((await disk(vdi)).sm_config).toEqual({ ...present, key: 'then' });
});
