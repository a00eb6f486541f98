/** VMs that go to another pool: two control planes, each with a database, storage and hosts of its own. */
import { createHash, randomBytes } from 'node:crypto';
import { complaints } from '@xenplane/testing';
import { eventually, login, startWorld, untilGuestSpeaks, type Call, type World } from '../world';
import { xeWith } from '../xe';

const MiB = 2 ** 20;
const GiB = 2 ** 30;
const none = 'OpaqueRef:NULL';

interface Side {
  readonly world: World;
  readonly call: Call;
  readonly token: string;
  readonly host: string;
  readonly sr: string;
  readonly network: string;
}
let here: Side;
let there: Side;
/** Guests that were seen running in both pools at once, and the watch for them. */
let twice: string[];
let watch: NodeJS.Timeout;

async function sideOf(world: World): Promise<Side> {
  const call = await login(world.url);
  const response = await fetch(`${world.url}/jsonrpc`, {
    method: 'POST',
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'session.login_with_password',
      params: ['root', world.password],
    }),
  });
  const { result: token } = (await response.json()) as { result: string };
  const [host = ''] = await call<string[]>('host.get_all');
  const [sr = ''] = await call<string[]>('SR.get_by_name_label', 'Shared storage');
  const [network = ''] = await call<string[]>(
    'network.get_by_name_label',
    'Pool-wide network associated with eth0',
  );
  return { world, call, token, host, sr, network };
}
async function running({ world, call }: Side): Promise<string[]> {
  const hosts = Object.values(await call<Record<string, { uuid: string }>>('host.get_all_records'));
  const lists = await Promise.all(hosts.map(({ uuid }) => world.agent.hypervisor.list(uuid)));
  return lists.flat().flatMap((d) => (d.state === 'running' ? [d.vm] : []));
}
async function look(): Promise<void> {
  const [a, b] = await Promise.all([running(here), running(there)]);
  twice.push(...a.filter((vm) => b.includes(vm)));
}

beforeAll(async () => {
  here = await sideOf(await startWorld({ hosts: 2, seed: 7, speed: 50 }));
  there = await sideOf(await startWorld({ hosts: 2, seed: 8, speed: 50 }));
  twice = [];
  watch = setInterval(() => void look().catch(() => undefined), 20);
});
afterAll(async () => {
  clearInterval(watch);
  await here?.world.stop();
  await there?.world.stop();
});
afterEach(async () => {
  expect(twice).toEqual([]);
  for (const { world } of [here, there])
    for (const { plane } of world.apis)
      await eventually(async () => expect(await complaints(plane.store)).toEqual([]));
});

interface Made {
  readonly vm: string;
  readonly uuid: string;
  readonly vdi: string;
  readonly vif: string;
  readonly bytes: Buffer;
}
/** A halted VM with contents on its disk. */
async function newVm(name: string, memory = GiB): Promise<Made> {
  const { call, sr, network, token, world } = here;
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, name);
  await call('VM.remove_from_other_config', vm, 'disks');
  await call('VM.provision', vm);
  await call('VM.set_memory_limits', vm, memory, memory, memory, memory);
  const vdi = await call<string>('VDI.create', {
    SR: sr,
    virtual_size: 8 * MiB,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: { owner: 'me' },
    name_label: `${name}'s disk`,
  });
  await call('VBD.create', {
    VM: vm,
    VDI: vdi,
    userdevice: '0',
    bootable: true,
    mode: 'RW',
    type: 'Disk',
    empty: false,
    unpluggable: false,
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  });
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
  const bytes = Buffer.alloc(8 * MiB);
  randomBytes(2 * MiB + 5).copy(bytes, 3 * MiB + 1);
  const sent = await fetch(
    `${world.url}/import_raw_vdi?${new URLSearchParams({ session_id: token, vdi }).toString()}`,
    { method: 'PUT', body: bytes },
  );
  expect(sent.status).toBe(200);
  await sent.text();
  await eventually(async () => expect(await call('VDI.get_current_operations', vdi)).toEqual({}));
  return { vm, uuid: await call('VM.get_uuid', vm), vdi, vif, bytes };
}
async function started(name: string, memory = GiB): Promise<Made> {
  const made = await newVm(name, memory);
  await here.call('VM.start', made.vm, false, false);
  await eventually(async () =>
    expect(await here.call('VM.get_allowed_operations', made.vm)).toContain('migrate_send'),
  );
  return made;
}
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
async function contents({ world, token }: Side, vdi: string): Promise<string> {
  const answer = await fetch(
    `${world.url}/export_raw_vdi?${new URLSearchParams({ session_id: token, vdi }).toString()}`,
  );
  return sha(Buffer.from(await answer.arrayBuffer()));
}
async function disksOf({ call }: Side, vm: string): Promise<string[]> {
  const vbds = await Promise.all(
    (await call<string[]>('VM.get_VBDs', vm)).map((vbd) =>
      call<{ VDI: string; type: string }>('VBD.get_record', vbd),
    ),
  );
  return vbds.filter((vbd) => vbd.type === 'Disk').map((vbd) => vbd.VDI);
}
const ended = (task: string): Promise<{ status: string }> =>
  eventually(async () => {
    const record = await here.call<{ status: string }>('task.get_record', task);
    if (record.status === 'pending') throw new Error('pending');
    return record;
  });
const invitation = (): Promise<Record<string, string>> =>
  there.call('host.migrate_receive', there.host, there.network, {});
const everything = async ({ call }: Side): Promise<unknown> =>
  Promise.all(
    ['VM', 'VDI', 'VBD', 'VIF', 'network', 'VM_metrics'].map(async (cls) =>
      (await call<string[]>(`${cls}.get_all`)).toSorted(),
    ),
  );
const maps = ({ vdi, vif }: Made): [Record<string, string>, Record<string, string>] => [
  { [vdi]: there.sr },
  { [vif]: there.network },
];

test('a guest that runs goes on in the other pool, with its disks, snapshots and addresses, and nothing of it stays', async () => {
  const before = { here: await everything(here), vdis: await here.call('VDI.get_all') };
  const made = await started('traveller');
  await here.call('VM.set_tags', made.vm, ['kept']);
  await here.call('VM.set_blocked_operations', made.vm, { destroy: 'mine' });
  await here.call('VM.snapshot', made.vm, 'before the journey', []);
  await untilGuestSpeaks(here.call, made.vm);
  const guest = await eventually(async () =>
    here.call<Record<string, string>>(
      'VM_guest_metrics.get_os_version',
      await here.call('VM.get_guest_metrics', made.vm),
    ),
  );
  const MAC = await here.call('VIF.get_MAC', made.vif);
  const dest = await invitation();
  await here.call('VM.assert_can_migrate', made.vm, dest, true, ...maps(made), {});
  const arrived = await here.call<string>('VM.migrate_send', made.vm, dest, true, ...maps(made), {});
  const record = await there.call<
    Record<string, unknown> & { VIFs: string[]; snapshots: string[]; guest_metrics: string }
  >('VM.get_record', arrived);
  expect(record).toMatchObject({
    uuid: made.uuid,
    name_label: 'traveller',
    power_state: 'Running',
    resident_on: there.host,
    tags: ['kept'],
    blocked_operations: { destroy: 'mine' },
    suspend_VDI: none,
    current_operations: {},
    is_a_snapshot: false,
  });
  expect(await running(there)).toContain(made.uuid);
  const [disk = ''] = await disksOf(there, arrived);
  expect(await there.call('VDI.get_record', disk)).toMatchObject({
    name_label: "traveller's disk",
    other_config: { owner: 'me' },
    SR: there.sr,
  });
  const [vif] = record.VIFs;
  expect(await there.call('VIF.get_record', vif)).toMatchObject({
    MAC,
    network: there.network,
    currently_attached: true,
    device: '0',
  });
  await eventually(async () =>
    expect(
      await there.call('VM_guest_metrics.get_os_version', await there.call('VM.get_guest_metrics', arrived)),
    ).toEqual(guest),
  );
  const [snapshot = ''] = record.snapshots;
  expect(await there.call('VM.get_record', snapshot)).toMatchObject({
    name_label: 'before the journey',
    is_a_snapshot: true,
    snapshot_of: arrived,
  });
  const [old = ''] = await disksOf(there, snapshot);
  expect(await contents(there, old)).toBe(sha(made.bytes));
  expect(await everything(here)).toEqual(before.here);
  expect(await running(here)).not.toContain(made.uuid);
  await there.call('VM.hard_shutdown', arrived);
  expect(await contents(there, disk)).toBe(sha(made.bytes));
  await there.call('VM.start', arrived, false, false);
  await there.call('VM.hard_shutdown', arrived);
});

test('a halted and a suspended VM go as they are', async () => {
  const halted = await newVm('halted');
  const arrived = await here.call<string>(
    'VM.migrate_send',
    halted.vm,
    await invitation(),
    false,
    ...maps(halted),
    {},
  );
  expect(await there.call('VM.get_record', arrived)).toMatchObject({
    uuid: halted.uuid,
    power_state: 'Halted',
    blocked_operations: {},
  });
  expect(await contents(there, (await disksOf(there, arrived))[0] ?? '')).toBe(sha(halted.bytes));
  const asleep = await started('asleep');
  await eventually(async () =>
    expect(await here.call('VM.get_allowed_operations', asleep.vm)).toContain('suspend'),
  );
  await here.call('VM.suspend', asleep.vm);
  const moved = await here.call<string>(
    'VM.migrate_send',
    asleep.vm,
    await invitation(),
    false,
    ...maps(asleep),
    {},
  );
  expect(await there.call('VM.get_power_state', moved)).toBe('Suspended');
  await there.call('VM.resume', moved, false, false);
  expect(await there.call('VM.get_power_state', moved)).toBe('Running');
  for (const { vm } of [halted, asleep])
    await expect(here.call('VM.get_record', vm)).rejects.toThrow(`HANDLE_INVALID VM ${vm}`);
});

test('a copy is another VM, and the original stays', async () => {
  const made = await newVm('original');
  const before = await everything(here);
  const copy = await here.call<string>('VM.migrate_send', made.vm, await invitation(), false, ...maps(made), {
    copy: 'true',
  });
  expect(await everything(here)).toEqual(before);
  const record = await there.call<{ uuid: string; VIFs: string[]; power_state: string }>(
    'VM.get_record',
    copy,
  );
  expect([record.uuid === made.uuid, record.power_state]).toEqual([false, 'Halted']);
  expect(await there.call('VIF.get_MAC', record.VIFs[0])).not.toBe(await here.call('VIF.get_MAC', made.vif));
  expect(await contents(there, (await disksOf(there, copy))[0] ?? '')).toBe(sha(made.bytes));
  expect(await here.call('VDI.get_current_operations', made.vdi)).toEqual({});
  await there.call('VM.start', copy, false, false);
  const second = await here.call<string>(
    'VM.migrate_send',
    made.vm,
    await invitation(),
    false,
    ...maps(made),
    {},
  );
  expect(await there.call('VM.get_uuid', second)).toBe(made.uuid);
});

test('`xe vm-migrate` finds storage and network in the other pool by itself', async () => {
  const made = await newVm('by xe');
  const { url, password } = there.world;
  const to = [
    'remote-master=' + url.replace('http://', ''),
    'remote-username=root',
    `remote-password=${password}`,
  ];
  expect(await xeWith(here.world, ['vm-migrate', 'vm=by xe', ...to])).toMatchObject({ code: 0, error: '' });
  const arrived = await there.call<string>('VM.get_by_uuid', made.uuid);
  const [vif] = await there.call<string[]>('VM.get_VIFs', arrived);
  expect([
    await there.call('VIF.get_network', vif),
    await there.call('VDI.get_SR', (await disksOf(there, arrived))[0]),
  ]).toEqual([there.network, there.sr]);
});

test('what cannot go is refused, before anything has moved', async () => {
  const made = await started('refused');
  const before = [await everything(here), await everything(there)];
  const dest = await invitation();
  const [vdis, vifs] = maps(made);
  const [iso = ''] = await there.call<string[]>('SR.get_by_name_label', 'ISO library');
  const cases: [string, unknown[]][] = [
    ['INVALID_VALUE session_id', [{ ...dest, session_id: undefined }, true, vdis, vifs, {}]],
    [
      'VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED',
      [{ ...dest, master: 'http://127.0.0.1:1/' }, true, vdis, vifs, {}],
    ],
    ['VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED', [{ ...dest, master: 'nowhere' }, true, vdis, vifs, {}]],
    ['SESSION_INVALID OpaqueRef:gone', [{ ...dest, session_id: 'OpaqueRef:gone' }, true, vdis, vifs, {}]],
    ['HANDLE_INVALID host OpaqueRef:none', [{ ...dest, host: 'OpaqueRef:none' }, true, vdis, vifs, {}]],
    [`VDI_NOT_IN_MAP ${made.vdi}`, [dest, true, {}, vifs, {}]],
    [`VM_REQUIRES_SR ${made.vm} ${here.sr}`, [dest, true, { [made.vdi]: here.sr }, vifs, {}]],
    [
      `SR_DOES_NOT_SUPPORT_MIGRATION ${iso} VDI_SNAPSHOT;VDI_MIRROR_IN`,
      [dest, true, { [made.vdi]: iso }, {}, { copy: 'true' }],
    ],
    [`VIF_NOT_IN_MAP ${made.vif}`, [dest, true, vdis, {}, {}]],
    [`HANDLE_INVALID network ${here.network}`, [dest, true, vdis, { [made.vif]: here.network }, {}]],
    [`VM_BAD_POWER_STATE ${made.vm} halted running`, [dest, true, vdis, vifs, { copy: 'true' }]],
  ];
  for (const [error, args] of cases)
    for (const method of ['VM.assert_can_migrate', 'VM.migrate_send']) {
      const given = args.map((arg) => JSON.parse(JSON.stringify(arg)) as unknown);
      await expect(here.call(method, made.vm, ...given)).rejects.toThrow(error);
    }
  await there.call('host.disable', there.host);
  await expect(here.call('VM.migrate_send', made.vm, dest, true, vdis, vifs, {})).rejects.toThrow(
    `HOST_DISABLED ${there.host}`,
  );
  await there.call('host.enable', there.host);
  expect(iso).not.toBe(there.sr);
  expect([await everything(here), await everything(there)]).toEqual(before);
  expect(await here.call('VM.get_power_state', made.vm)).toBe('Running');
});

test('a journey that is given up on the way, or goes wrong there, leaves the guest where it was and nothing behind', async () => {
  const made = await started('stays', 200 * GiB);
  const before = [await everything(here), await everything(there)];
  const dest = await invitation();
  const task = await here.call<string>('Async.VM.migrate_send', made.vm, dest, true, ...maps(made), {});
  await eventually(async () => expect(await here.call('task.get_progress', task)).toBeGreaterThan(0.6));
  await here.call('task.cancel', task);
  expect((await ended(task)).status).toBe('cancelled');
  await here.call('task.destroy', task);
  // Once stopped, the guest cannot be loaded there.
  const again = await here.call<string>('Async.VM.migrate_send', made.vm, dest, true, ...maps(made), {});
  await eventually(async () => expect(await here.call('task.get_progress', again)).toBeGreaterThan(0.6));
  await there.call('host.disable', there.host);
  expect(await ended(again)).toMatchObject({ status: 'failure', error_info: ['HOST_DISABLED', there.host] });
  await there.call('host.enable', there.host);
  await eventually(async () => expect([await everything(here), await everything(there)]).toEqual(before));
  expect([
    await here.call('VM.get_power_state', made.vm),
    await here.call('VM.get_current_operations', made.vm),
  ]).toEqual(['Running', {}]);
  expect(await running(here)).toContain(made.uuid);
  expect(await here.call('VDI.get_current_operations', made.vdi)).toEqual({});
});
