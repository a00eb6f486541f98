/** Storage motion within a pool: disks go with their snapshots, and only where xapi lets them. */
import { complaints } from '@xenplane/testing';
import { eventually, login, password, startWorld, type Call, type World } from '../world';

let world: World;
let call: Call;
let token: string;
let hosts: string[];
let network: string;
let shared: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
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
  hosts = await call<string[]>('host.get_all');
  const pifs = await call<Record<string, { management: boolean; network: string }>>('PIF.get_all_records');
  network = Object.values(pifs).find(({ management }) => management)?.network ?? '';
  [shared = ''] = await call<string[]>('SR.get_by_name_label', 'Shared storage');
});
afterAll(() => world?.stop());
afterEach(async () => {
  const [api] = world.apis;
  if (api) expect(await complaints(api.plane.store)).toEqual([]);
});

type Vdi = {
  readonly SR: string;
  readonly snapshot_of: string;
  readonly snapshots: string[];
  readonly managed: boolean;
  readonly sm_config: Record<string, string>;
};
const nfs = (name: string): Promise<string> =>
  call(
    'SR.create',
    hosts[0],
    { server: 'filer', serverpath: `/export/${name}` },
    0,
    name,
    '',
    'nfs',
    'user',
    true,
    {},
  );
const refused = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    (value) => `answered ${JSON.stringify(value)}`,
    (error: Error) => error.message,
  );
async function newVm(name: string): Promise<string> {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, name);
  await call('VM.provision', vm);
  return vm;
}
async function diskOf(vm: string): Promise<string> {
  for (const vbd of await call<string[]>('VM.get_VBDs', vm))
    if ((await call('VBD.get_type', vbd)) === 'Disk') return call<string>('VBD.get_VDI', vbd);
  throw new Error('no disk');
}
async function write(vdi: string, fill: number): Promise<void> {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(65_536, 8);
  const body = Buffer.concat([head, Buffer.alloc(65_536, fill), Buffer.alloc(12)]);
  const response = await fetch(`${world.url}/import_raw_vdi?session_id=${token}&vdi=${vdi}&chunked=true`, {
    method: 'PUT',
    body,
  });
  expect([response.status, await response.text()]).toEqual([200, '']);
}
async function firstByte(vdi: string): Promise<number | undefined> {
  const stop = new AbortController();
  const response = await fetch(`${world.url}/export_raw_vdi?session_id=${token}&vdi=${vdi}&format=raw`, {
    signal: stop.signal,
  });
  const { value } = (await response.body?.getReader().read()) ?? {};
  stop.abort();
  return value?.[0];
}
const destination = (to: string): Promise<Record<string, string>> =>
  call('host.migrate_receive', to, network, {});

/** A VM with two snapshots, the disk written between them. */
async function withSnapshots(
  name: string,
): Promise<{ readonly vm: string; readonly snapshots: readonly string[] }> {
  const vm = await newVm(name);
  await write(await diskOf(vm), 1);
  const snapshots = [await call<string>('VM.snapshot', vm, 'first', [])];
  await write(await diskOf(vm), 2);
  snapshots.push(await call<string>('VM.snapshot', vm, 'second', []));
  await write(await diskOf(vm), 3);
  return { vm, snapshots };
}

async function arrived(
  { vm, snapshots }: Awaited<ReturnType<typeof withSnapshots>>,
  sr: string,
): Promise<void> {
  const leaf = await diskOf(vm);
  const disks = await Promise.all(snapshots.map(diskOf));
  for (const vdi of [leaf, ...disks]) expect((await call<Vdi>('VDI.get_record', vdi)).SR).toBe(sr);
  expect((await call<Vdi>('VDI.get_record', leaf)).snapshots.toSorted()).toEqual(disks.toSorted());
  for (const vdi of disks) expect((await call<Vdi>('VDI.get_record', vdi)).snapshot_of).toBe(leaf);
  // Layers that they share are shared there too, in base copies of that repository.
  const bases = Object.values(
    await call<Record<string, Vdi & { uuid: string }>>('VDI.get_all_records'),
  ).filter(({ managed, SR }) => !managed && SR === sr);
  const parents = await Promise.all(
    [leaf, ...disks].map(async (vdi) => (await call<Vdi>('VDI.get_record', vdi)).sm_config['vhd-parent']),
  );
  expect(bases.map(({ uuid }) => uuid)).toEqual(expect.arrayContaining(parents));
  await eventually(async () => expect(await call('VDI.get_current_operations', leaf)).toEqual({}));
}
async function contents({ vm, snapshots }: Awaited<ReturnType<typeof withSnapshots>>): Promise<void> {
  const disks = await Promise.all([...snapshots, vm].map(diskOf));
  expect(await Promise.all(disks.map(firstByte))).toEqual([1, 2, 3]);
  // Readers that go away let go a moment later.
  for (const vdi of disks)
    await eventually(async () => expect(await call('VDI.get_current_operations', vdi)).toEqual({}));
}

test('at rest and running, to another host and on the same: the disks of snapshots follow, and a VM can be reverted there', async () => {
  const made = await withSnapshots('traveller');
  const before = await call<{ physical_utilisation: number }>('SR.get_record', shared);
  const [there, back] = [await nfs('motion-there'), await nfs('motion-back')];
  const [first = '', second = ''] = hosts;
  await call(
    'VM.migrate_send',
    made.vm,
    await destination(first),
    false,
    { [await diskOf(made.vm)]: there },
    {},
    {},
  );
  await arrived(made, there);
  await contents(made);
  expect((await call<{ physical_utilisation: number }>('SR.get_record', shared)).physical_utilisation).toBe(
    before.physical_utilisation - 3 * 65_536,
  );
  expect(await call('SR.get_physical_utilisation', there)).toBe(3 * 65_536);
  await call('VM.start_on', made.vm, first, false, false);
  for (const [to, sr] of [
    [first, back],
    [second, there],
  ] as const) {
    await call(
      'VM.migrate_send',
      made.vm,
      await destination(to),
      true,
      { [await diskOf(made.vm)]: sr },
      {},
      {},
    );
    expect(await call('VM.get_resident_on', made.vm)).toBe(to);
    await arrived(made, sr);
  }
  await call('VM.hard_shutdown', made.vm);
  await contents(made);
  expect(await call('SR.get_VDIs', back)).toEqual([]);
  await call('VM.revert', made.snapshots[0]);
  expect(await firstByte(await diskOf(made.vm))).toBe(1);
});

test('VDI.pool_migrate takes the snapshots of the disk along', async () => {
  const made = await withSnapshots('pool_migrate');
  const sr = await nfs('motion-vdi');
  await call('VM.start', made.vm, false, false);
  const moved = await call<string>('VDI.pool_migrate', await diskOf(made.vm), sr, {});
  expect(moved).toBe(await diskOf(made.vm));
  await arrived(made, sr);
  await call('VM.hard_shutdown', made.vm);
  await contents(made);
  expect(await call('SR.get_physical_utilisation', sr)).toBe(3 * 65_536);
});

describe.each(['VM.assert_can_migrate', 'VM.migrate_send'])('%s refuses', (method) => {
  let vm: string;
  const ask = async (vdi_map: Record<string, string>, vif_map: Record<string, string>): Promise<string> =>
    refused(call(method, vm, await destination(hosts[0] ?? ''), false, vdi_map, vif_map, {}));
  beforeAll(async () => {
    vm = await newVm(`refused ${method}`);
  });

  test('another network for an interface, though it were the same', async () => {
    const vif = await call<string>('VIF.create', {
      device: '0',
      network,
      VM: vm,
      MAC: '',
      MTU: 1500,
      other_config: {},
      qos_algorithm_type: '',
      qos_algorithm_params: {},
    });
    expect(await ask({}, { [vif]: network })).toBe(
      'OPERATION_NOT_ALLOWED VIF mapping is not allowed for intra-pool migration -all VIFs must be on the same network',
    );
  });

  test('storage that cannot mirror, before anything about interfaces', async () => {
    const isos = await call<string>(
      'SR.create',
      hosts[0],
      { location: 'filer:/motion' },
      0,
      'isos',
      '',
      'iso',
      'iso',
      true,
      {},
    );
    const wanted = `SR_DOES_NOT_SUPPORT_MIGRATION ${isos} VDI_SNAPSHOT;VDI_MIRROR_IN`;
    expect(await ask({ [await diskOf(vm)]: isos }, { 'OpaqueRef:nobody': network })).toBe(wanted);
    const [images] = await call<string[]>('SR.get_by_name_label', 'Template images');
    expect(await ask({ [await diskOf(vm)]: images ?? '' }, {})).toBe(
      `SR_DOES_NOT_SUPPORT_MIGRATION ${images} VDI_SNAPSHOT;VDI_MIRROR_IN`,
    );
  });

  test('a disk with changed-block tracking, last', async () => {
    const vdi = await diskOf(vm);
    await call('VDI.enable_cbt', vdi);
    const sr = await nfs(`cbt-${method}`);
    expect(await ask({ [vdi]: sr }, {})).toBe(`VDI_CBT_ENABLED ${vdi}`);
  });
});
