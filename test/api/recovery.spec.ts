import { cpSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { storage } from '@xenplane/domain';
import { complaints } from '@xenplane/testing';
import { asRef } from '@xenplane/model';
import { inTransaction } from '@xenplane/store';
import { openSession, readDump } from '@xenplane/xapi';
import { xeWith } from '../xe';
import { eventually, login, startWorld, type Call, type World } from '../world';

const none = 'OpaqueRef:NULL';
const MiB = 2 ** 20;
const [target] = storage.targetsOf('10.0.0.7', 3260);
const targetIQN = target?.iqn ?? '';
const [near, far] = storage
  .unitsOf(targetIQN)
  .map(({ scsiId }) => ({ target: '10.0.0.7', targetIQN, SCSIid: scsiId }));

let world: World;
let call: Call;
let own: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
  call = await login(world.url);
  own = await token(world);
});
afterAll(() => world?.stop());
afterEach(async () => {
  for (const { plane } of world.apis) expect(await complaints(plane.store)).toEqual([]);
});

async function raw<T>(at: World, method: string, ...params: unknown[]): Promise<T> {
  const response = await fetch(`${at.url}/jsonrpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  const body = (await response.json()) as { result?: T; error?: { message: string; data: string[] } };
  if (body.error) throw new Error([body.error.message, ...body.error.data].join(' '));
  return body.result as T;
}
const token = (at: World): Promise<string> =>
  raw<string>(at, 'session.login_with_password', 'root', at.password);
const refused = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    (value) => `answered ${JSON.stringify(value)}`,
    (error: Error) => error.message,
  );
/** Calls by a session that reads what is on the disk. */
async function open(vdi: string): Promise<Call> {
  const session = await call<string>('VDI.open_database', vdi);
  return (method, ...params) => raw(world, method, session, ...params);
}

type Loose = Readonly<Record<string, unknown>>;
interface Made {
  readonly uuid: string;
  readonly disk: string;
  readonly MAC: string;
}
async function newVm(sr: string, name: string, order: number): Promise<Made & { readonly ref: string }> {
  const GiB = 1024 * MiB;
  const ref = await call<string>('VM.create', {
    name_label: name,
    memory_static_max: GiB,
    memory_dynamic_max: GiB,
    memory_dynamic_min: GiB,
    memory_static_min: GiB / 2,
    VCPUs_max: 1,
    VCPUs_at_startup: 1,
    user_version: 1,
    is_a_template: false,
    affinity: none,
    VCPUs_params: {},
    actions_after_shutdown: 'destroy',
    actions_after_reboot: 'restart',
    actions_after_crash: 'destroy',
    PV_bootloader: '',
    PV_kernel: '',
    PV_ramdisk: '',
    PV_args: '',
    PV_bootloader_args: '',
    PV_legacy_args: '',
    HVM_boot_policy: 'BIOS order',
    HVM_boot_params: { order: 'c' },
    platform: {},
    PCI_bus: '',
    other_config: {},
    recommendations: '',
  });
  await call('VM.set_order', ref, order);
  const VDI = await call<string>('VDI.create', {
    SR: sr,
    virtual_size: 8 * MiB,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
    name_label: name,
  });
  const device = { VM: ref, other_config: {}, qos_algorithm_type: '', qos_algorithm_params: {} };
  await call('VBD.create', {
    ...device,
    VDI,
    userdevice: '0',
    bootable: true,
    mode: 'RW',
    type: 'Disk',
    empty: false,
  });
  const [network] = await call<string[]>('network.get_all');
  const vif = await call<string>('VIF.create', { ...device, network, device: '0', MAC: '', MTU: 1500 });
  return {
    ref,
    uuid: await call('VM.get_uuid', ref),
    disk: await call('VDI.get_uuid', VDI),
    MAC: await call('VIF.get_MAC', vif),
  };
}
/** Waits until the disks have everything that was committed before. */
async function copied(): Promise<void> {
  const [api] = world.apis;
  const ask = (sql: string): Promise<{ n: number }[]> =>
    api ? api.plane.store.query<{ n: number }>(sql) : Promise.reject(new Error('no API'));
  const [now] = await ask('SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS n');
  await eventually(async () => {
    const [last] = await ask('SELECT min(position) AS n FROM database_copy WHERE vdi IS NOT NULL');
    if (!last || !now || last.n < now.n) throw new Error(`${last?.n} of ${now?.n}`);
  });
}
async function unplug(sr: string): Promise<void> {
  for (const pbd of await call<string[]>('SR.get_PBDs', sr)) await call('PBD.unplug', pbd);
}
async function plug(sr: string): Promise<void> {
  for (const pbd of await call<string[]>('SR.get_PBDs', sr)) await call('PBD.plug', pbd);
}

describe('a pool that has lost its records', () => {
  let sr: string, uuid: string, task: string, metadata: string;
  let alone: Made, first: Made, second: Made, appliance: string;
  let found: Call;

  beforeAll(async () => {
    sr = await call<string>(
      'SR.create',
      (await call<string[]>('host.get_all'))[0],
      near,
      0,
      'far away',
      '',
      'lvmoiscsi',
      'user',
      true,
      {},
    );
    uuid = await call('SR.get_uuid', sr);
    await call('SR.enable_database_replication', sr);
    const vms = [await newVm(sr, 'alone', 0), await newVm(sr, 'second', 2), await newVm(sr, 'first', 1)];
    const [a, b, c] = vms;
    if (!a || !b || !c) throw new Error('no VMs');
    [alone, second, first] = [a, b, c];
    const group = await call<string>('VM_appliance.create', {
      name_label: 'shop',
      name_description: 'two of them',
    });
    appliance = await call('VM_appliance.get_uuid', group);
    for (const { ref } of [b, c]) await call('VM.set_appliance', ref, group);
    await call('VM.snapshot', a.ref, 'before');
    await call('secret.create', { value: 'hidden in a secret', other_config: {} });
    await copied();
    await unplug(sr);
    const [snapshot] = await call<string[]>('VM.get_snapshots', a.ref);
    for (const ref of [snapshot, ...vms.map((vm) => vm.ref)]) await call('VM.destroy', ref);
    await call('VM_appliance.destroy', group);
    await call('SR.forget', sr);
    task = await call<string>('DR_task.create', 'lvmoiscsi', near, [uuid]);
    [sr = ''] = await call<string[]>('DR_task.get_introduced_SRs', task);
    const disks = await call<Record<string, Loose>>('VDI.get_all_records');
    metadata = Object.entries(disks).find(([, vdi]) => vdi['type'] === 'metadata')?.[0] ?? '';
    found = await open(metadata);
  });
  const inFound = (made: Made): Promise<string> => found('VM.get_by_uuid', made.uuid);

  test('the disk says whose database it has', async () => {
    const [pool] = await call<string[]>('pool.get_all');
    expect(await call('VDI.read_database_pool_uuid', metadata)).toBe(await call('pool.get_uuid', pool));
    expect(await call<Loose>('VDI.get_record', metadata)).toMatchObject({
      metadata_latest: true,
      metadata_of_pool: pool,
      SR: sr,
    });
    const [other] = (await call<string[]>('SR.get_VDIs', sr)).filter((vdi) => vdi !== metadata);
    expect(await call('VDI.read_database_pool_uuid', other)).toBe('');
    expect(await refused(call('VDI.open_database', other))).toBe(`VDI_INCOMPATIBLE_TYPE ${other} user`);
  });

  test('a session on it reads what was, and nothing else', async () => {
    const vm = await inFound(alone);
    expect(await refused(call('VM.get_by_uuid', alone.uuid))).toBe(`UUID_INVALID VM ${alone.uuid}`);
    const record = await found<Record<string, string[]>>('VM.get_record', vm);
    expect(record).toMatchObject({ name_label: 'alone', uuid: alone.uuid, power_state: 'Halted' });
    expect([record['VBDs']?.length, record['VIFs']?.length, record['snapshots']?.length]).toEqual([1, 1, 1]);
    expect((await found<Record<string, Loose>>('VM.get_all_records'))[vm]).toMatchObject({
      uuid: alone.uuid,
    });
    expect(await found('VM.get_by_name_label', 'alone')).toEqual([vm]);
    const disk = await found<string>('VBD.get_VDI', record['VBDs']?.[0]);
    expect(await found('SR.get_uuid', await found('VDI.get_SR', disk))).toBe(uuid);
    expect((await found<string[]>('VDI.get_VBDs', disk)).length).toBe(1);
    expect(await refused(found('VM.set_name_label', vm, 'other'))).toMatch(/^RBAC_PERMISSION_DENIED/);
    expect(await refused(found('VM.get_allowed_VBD_devices', vm))).toMatch(/^OPERATION_NOT_ALLOWED/);
    expect(await refused(found('event.from', ['vm'], '', 0.1))).toMatch(/^OPERATION_NOT_ALLOWED/);
    expect(await refused(call('VM.get_record', vm))).toMatch(/^HANDLE_INVALID VM/);
  });

  test('secrets stay at home', async () => {
    const [row] =
      (await world.apis[0]?.plane.store.query<{ dump: Buffer }>('SELECT dump FROM opened_database')) ?? [];
    const entries = [...readDump(row?.dump ?? Buffer.alloc(0))];
    expect(entries.filter(({ cls }) => cls === 'VM').map(({ record }) => record['uuid'])).toContain(
      alone.uuid,
    );
    expect(entries.some(({ cls }) => cls === 'secret' || cls === 'session' || cls === 'user')).toBe(false);
    expect(gunzipSync(row?.dump ?? '').includes('hidden in a secret')).toBe(false);
  });

  test('without its storage a VM stays away', async () => {
    const vm = await inFound(alone);
    const there = await found<string>('SR.get_by_uuid', uuid);
    await unplug(sr);
    expect(await found('VM.get_SRs_required_for_recovery', vm, own)).toEqual([there]);
    expect(await refused(found('VM.assert_can_be_recovered', vm, own))).toBe(`VM_REQUIRES_SR ${vm} ${there}`);
    expect(await refused(found('VM.recover', vm, own, false))).toBe(`VM_REQUIRES_SR ${vm} ${there}`);
    expect(await refused(call('VDI.open_database', metadata))).toBe(`SR_HAS_NO_PBDS ${sr}`);
    await plug(sr);
    await found('VM.assert_can_be_recovered', vm, own);
    expect(await found('VM.get_SRs_required_for_recovery', vm, own)).toEqual([]);
  });

  test('who may not bring VMs in cannot have them recovered', async () => {
    const [api] = world.apis;
    if (!api) throw new Error('no API');
    const userRef = asRef<'user'>(none);
    const weak = await openSession(api.plane, {
      user: 'somebody',
      root: false,
      originator: 'test',
      userRef,
      role: 'vm-admin',
    });
    expect(await refused(found('VM.recover', await inFound(alone), weak, false))).toMatch(
      /^RBAC_PERMISSION_DENIED/,
    );
    expect(await refused(found('VM.recover', await inFound(alone), none, false))).toMatch(
      /^HANDLE_INVALID session/,
    );
  });

  test('a VM comes back as itself, and its storage stays', async () => {
    await found('VM.recover', await inFound(alone), own, false);
    const vm = await call<string>('VM.get_by_uuid', alone.uuid);
    const record = await call<Record<string, string[]>>('VM.get_record', vm);
    expect(record).toMatchObject({
      name_label: 'alone',
      power_state: 'Halted',
      version: 1,
      current_operations: {},
      appliance: none,
    });
    const VDI = await call('VBD.get_VDI', record['VBDs']?.[0]);
    expect([await call('VDI.get_uuid', VDI), await call('VIF.get_MAC', record['VIFs']?.[0])]).toEqual([
      alone.disk,
      alone.MAC,
    ]);
    expect(await call('VM.get_name_label', record['snapshots']?.[0])).toBe('before');
    expect(await call('SR.get_introduced_by', sr)).toBe(none);
    await call('DR_task.destroy', task);
    expect(await call('SR.get_uuid', sr)).toBe(uuid);
    await call('VM.start', vm, false, false);
    expect(await refused(found('VM.recover', await inFound(alone), own, true))).toBe(
      `VM_BAD_POWER_STATE ${vm} halted running`,
    );
    await call('VM.hard_shutdown', vm);
  });

  test('a copy that is no newer needs force', async () => {
    const vm = await call<string>('VM.get_by_uuid', alone.uuid);
    expect(await refused(found('VM.recover', await inFound(alone), own, false))).toBe(
      `VM_TO_IMPORT_IS_NOT_NEWER_VERSION ${vm} 1 0`,
    );
    const background = await found<string>('Async.VM.recover', await inFound(alone), own, true);
    await eventually(async () => expect(await found('task.get_status', background)).toBe('success'));
    const again = await call<string>('VM.get_by_uuid', alone.uuid);
    expect(again).not.toBe(vm);
    const [vbd] = await call<string[]>('VM.get_VBDs', again);
    expect(await call('VDI.get_uuid', await call('VBD.get_VDI', vbd))).toBe(alone.disk);
  });

  test('xe opens the database on a disk for one command', async () => {
    const disk = await call<string>('VDI.get_uuid', metadata);
    const server = { url: world.url, password: world.password };
    await call('VM.set_name_description', await call('VM.get_by_uuid', alone.uuid), 'of today');
    const described = ['vm-list', `uuid=${alone.uuid}`, 'name-description=of today', '--minimal'];
    expect((await xeWith(server, described)).out).toBe(`${alone.uuid}\n`);
    expect(await xeWith(server, [...described, `database:vdi-uuid=${disk}`])).toEqual({
      code: 0,
      out: '\n',
      error: '',
    });
    const get = [
      'vm-param-get',
      `uuid=${alone.uuid}`,
      'param-name=name-description',
      `database:vdi-uuid=${disk}`,
    ];
    expect(await xeWith(server, get)).toEqual({ code: 0, out: '\n', error: '' });
    expect(
      await xeWith(server, ['vm-recover', `uuid=${alone.uuid}`, `database:vdi-uuid=${disk}`, 'force=true']),
    ).toMatchObject({ code: 0 });
    expect(
      await xeWith(server, ['vm-recover', `uuid=${alone.uuid}`, `database:vdi-uuid=${disk}`]),
    ).toMatchObject({ code: 1 });
    expect(
      await xeWith(server, [
        'appliance-assert-can-be-recovered',
        `uuid=${appliance}`,
        `database:vdi-uuid=${disk}`,
      ]),
    ).toMatchObject({ code: 0 });
    expect(await world.apis[0]?.plane.store.query('SELECT session FROM opened_database')).toHaveLength(1);
  });

  test('an appliance comes back whole', async () => {
    const there = await found<string>('VM_appliance.get_by_uuid', appliance);
    const vm = await inFound(second);
    expect(await refused(found('VM.recover', vm, own, false))).toBe(
      `VM_IS_PART_OF_AN_APPLIANCE ${vm} ${there}`,
    );
    await found('VM_appliance.assert_can_be_recovered', there, own);
    expect(await found('VM_appliance.get_SRs_required_for_recovery', there, own)).toEqual([]);
    await found('VM_appliance.recover', there, own, false);
    const back = await call<string>('VM_appliance.get_by_uuid', appliance);
    const record = await call<{ name_label: string; VMs: string[] }>('VM_appliance.get_record', back);
    const vms = await Promise.all(
      record.VMs.map((ref) => call<{ uuid: string; order: number }>('VM.get_record', ref)),
    );
    expect([
      record.name_label,
      vms.toSorted((a, b) => a.order - b.order).map(({ uuid: id, order }) => [id, order]),
    ]).toEqual([
      'shop',
      [
        [first.uuid, 1],
        [second.uuid, 2],
      ],
    ]);
    await call('VM_appliance.start', back, false);
    for (const ref of record.VMs) expect(await call('VM.get_power_state', ref)).toBe('Running');
    await call('VM_appliance.hard_shutdown', back);
  });

  test('what is written to again cannot be opened; the session ends like any other', async () => {
    await call('SR.enable_database_replication', sr);
    const [pool] = await call<string[]>('pool.get_all');
    expect(await refused(call('VDI.open_database', metadata))).toBe(
      `VDI_CONTAINS_METADATA_OF_THIS_POOL ${metadata} ${pool}`,
    );
    await found('session.logout');
    expect(await refused(found('VM.get_all'))).toMatch(/^SESSION_INVALID/);
    expect(await world.apis[0]?.plane.store.query('SELECT session FROM opened_database')).toEqual([]);
    await call('SR.disable_database_replication', sr);
    expect((await call<string[]>('SR.get_VDIs', sr)).includes(metadata)).toBe(false);
  });
});

describe('another pool that sees the same storage', () => {
  let other: World, theirs: Call, session: string, found: Call;
  let uuid: string, pool: string, vm: Made;

  /** Storage, as both pools see it, is rows and files here: what the first has left there is given to the second. */
  async function share(): Promise<void> {
    const [from, to] = [world.apis[0]?.plane.store, other.apis[0]?.plane.store];
    if (!from || !to) throw new Error('no API');
    cpSync(path.join(world.folder, 'images'), path.join(other.folder, 'images'), { recursive: true });
    await inTransaction(to, async (tx) => {
      for (const [table, where] of [
        ['layer', `id IN (SELECT layer FROM stray_volume WHERE sr = '${uuid}')`],
        ['medium', `uuid = '${uuid}'`],
        ['stray_volume', `sr = '${uuid}'`],
      ] as const) {
        const rows = await from.query(`SELECT * FROM ${table} WHERE ${where}`);
        await tx.query(`INSERT INTO ${table} SELECT * FROM jsonb_populate_recordset(NULL::${table}, $1)`, [
          JSON.stringify(rows),
        ]);
      }
    });
  }

  beforeAll(async () => {
    other = await startWorld({ hosts: 1, apis: 2, seed: 8 });
    theirs = await login(other.url);
    const sr = await call<string>(
      'SR.create',
      (await call<string[]>('host.get_all'))[0],
      far,
      0,
      'of both',
      '',
      'lvmoiscsi',
      'user',
      true,
      {},
    );
    [uuid, pool] = [
      await call('SR.get_uuid', sr),
      await call('pool.get_uuid', (await call<string[]>('pool.get_all'))[0]),
    ];
    vm = await newVm(sr, 'refugee', 0);
    await call('SR.enable_database_replication', sr);
    await copied();
    await unplug(sr);
    await call('SR.forget', sr);
    await share();
  });
  afterAll(() => other?.stop());

  test('its VMs go on there', async () => {
    const task = await theirs<string>('DR_task.create', 'lvmoiscsi', far, []);
    const [sr] = await theirs<string[]>('DR_task.get_introduced_SRs', task);
    const disks = await theirs<Record<string, Loose>>('VDI.get_all_records');
    const metadata = Object.entries(disks).find(([, vdi]) => vdi['type'] === 'metadata')?.[0];
    expect(await theirs('VDI.read_database_pool_uuid', metadata)).toBe(pool);
    session = await theirs<string>('VDI.open_database', metadata);
    found = (method, ...params) => raw(other, method, session, ...params);
    expect(await found('pool.get_uuid', (await found<string[]>('pool.get_all'))[0])).toBe(pool);
    const there = await found<string>('VM.get_by_uuid', vm.uuid);
    await found('VM.recover', there, await token(other), false);
    const back = await theirs<string>('VM.get_by_uuid', vm.uuid);
    const [vbd] = await theirs<string[]>('VM.get_VBDs', back);
    expect(await theirs('VDI.get_uuid', await theirs('VBD.get_VDI', vbd))).toBe(vm.disk);
    expect(await theirs('SR.get_introduced_by', sr)).toBe(none);
    await theirs('VM.start', back, false, false);
    expect(await theirs('VM.get_power_state', back)).toBe('Running');
  });

  test('every process answers the session', async () => {
    const second = other.apis[1]?.url ?? '';
    const names = await raw<Record<string, Loose>>({ ...other, url: second }, 'VM.get_all_records', session);
    expect(Object.values(names).map((one) => one['name_label'])).toContain('refugee');
    expect(
      await raw<string[]>({ ...other, url: second }, 'VM.get_by_name_label', session, 'refugee'),
    ).toHaveLength(1);
  });

  test('a disk with something else on it is no database', async () => {
    const [sr] = await theirs<string[]>('SR.get_by_name_label', 'of both');
    const empty = await theirs<string>('VDI.create', {
      SR: sr,
      virtual_size: 256 * MiB,
      type: 'metadata',
      sharable: true,
      read_only: false,
      other_config: {},
    });
    expect(await theirs('VDI.read_database_pool_uuid', empty)).toBe('');
    expect(await refused(theirs('VDI.open_database', empty))).toMatch(/^COULD_NOT_IMPORT_DATABASE/);
  });
});
