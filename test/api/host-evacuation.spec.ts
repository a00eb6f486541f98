/** Hosts are emptied, go down and come back while their guests run on; no guest ever runs twice. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { complaints } from '@xenplane/testing';
import { eventually, login, startWorld, type Call, type World } from '../world';

const GiB = 2 ** 30;
let world: World;
let call: Call;
let hosts: string[];
let uuids: string[];
/** Guests that were seen running on two hosts at once, and the watch for them. */
let twice: string[];
let watch: NodeJS.Timeout;

beforeAll(async () => {
  world = await startWorld({ hosts: 3, speed: 50 });
  call = await login(world.url);
  const records = await call<Record<string, { uuid: string }>>('host.get_all_records');
  hosts = Object.keys(records);
  uuids = Object.values(records).map((h) => h.uuid);
  twice = [];
  watch = setInterval(() => void look(), 3);
});
afterAll(async () => {
  clearInterval(watch);
  await world?.stop();
});
afterEach(async () => {
  expect(twice).toEqual([]);
  await eventually(async () => expect(await complaints(plane().store)).toEqual([]));
});

const plane = () => {
  const [api] = world.apis;
  if (!api) throw new Error('no API');
  return api.plane;
};
/** All hosts at one moment. */
async function look(): Promise<void> {
  const lists = await Promise.all(uuids.map((host) => world.agent.hypervisor.list(host)));
  const running = lists
    .flat()
    .filter((d) => d.state === 'running')
    .map((d) => d.vm);
  twice.push(...running.filter((vm, i) => running.indexOf(vm) !== i));
}

async function newVm(name: string, memory = GiB): Promise<string> {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, name);
  await call('VM.provision', vm);
  await call('VM.set_memory_limits', vm, memory, memory, memory, memory);
  return vm;
}
async function startedVm(name: string, memory?: number, host?: string): Promise<string> {
  const vm = await newVm(name, memory);
  await (host ? call('VM.start_on', vm, host, false, false) : call('VM.start', vm, false, false));
  await eventually(async () => expect(await call('VM.get_allowed_operations', vm)).toContain('pool_migrate'));
  return vm;
}
const residentOn = (vm: string): Promise<string> => call<string>('VM.get_resident_on', vm);
const guestsOf = async (host: string): Promise<string[]> => {
  const dom0 = await call<string>('host.get_control_domain', host);
  return (await call<string[]>('host.get_resident_VMs', host)).filter((vm) => vm !== dom0);
};
const isLive = async (host: string): Promise<boolean> =>
  call<boolean>('host_metrics.get_live', await call<string>('host.get_metrics', host));
const other = (...not: string[]): string => hosts.find((h) => !not.includes(h)) ?? '';
async function ended(task: string): Promise<{ status: string; error_info: string[] }> {
  return eventually(async () => {
    const record = await call<{ status: string; error_info: string[] }>('task.get_record', task);
    if (record.status === 'pending') throw new Error('pending');
    return record;
  }, 60_000);
}

test('twenty guests run on while their host is emptied, in batches with tasks of their own', async () => {
  const vms = await Promise.all(Array.from({ length: 20 }, (_, i) => startedVm(`guest ${i}`)));
  const [host = ''] = hosts;
  const moving = await guestsOf(host);
  expect(moving.length).toBeGreaterThan(4);
  const late = await newVm('late');
  await call('host.disable', host);
  const task = await call<string>('Async.host.evacuate', host, 'OpaqueRef:NULL', 3);
  await eventually(async () =>
    expect((await call<string[]>('task.get_subtasks', task)).length).toBeGreaterThan(2),
  );
  expect(await call('host.get_allowed_operations', host)).not.toContain('vm_migrate');
  await expect(call('VM.start_on', late, host, false, false)).rejects.toThrow(
    `HOST_EVACUATE_IN_PROGRESS ${host}`,
  );
  expect(await ended(task)).toMatchObject({ status: 'success' });
  expect((await call<string[]>('task.get_subtasks', task)).length).toBe(moving.length);
  expect(await guestsOf(host)).toEqual([]);
  for (const vm of vms) {
    const { power_state, resident_on, current_operations } = await call<Record<string, unknown>>(
      'VM.get_record',
      vm,
    );
    expect([power_state, resident_on === host, current_operations]).toEqual(['Running', false, {}]);
  }
  await look();
  const domains = (await Promise.all(uuids.map((uuid) => world.agent.hypervisor.list(uuid)))).flat();
  expect(domains.filter((d) => d.state === 'running').length).toBe(20);
  expect(domains.length).toBe(20);
  await call('host.enable', host);
  await Promise.all(vms.map((vm) => call('VM.hard_shutdown', vm)));
});

test('a guest that has moved is where its record says, with its consoles, and can move back', async () => {
  const vm = await startedVm('traveller');
  const from = await residentOn(vm),
    to = other(from);
  await call('VM.pool_migrate', vm, to, { live: 'true' });
  expect(await residentOn(vm)).toBe(to);
  const uuid = await call('VM.get_uuid', vm);
  const told = Object.values(
    await call<Record<string, { name: string; obj_uuid: string }>>('message.get_all_records'),
  ).filter((m) => m.obj_uuid === uuid);
  expect(told.map((m) => m.name)).toContain('VM_MIGRATED');
  const address = await call<string>('host.get_address', to);
  for (const { VM, location } of Object.values(
    await call<Record<string, { VM: string; location: string }>>('console.get_all_records'),
  ))
    if (VM === vm) expect(location).toContain(`http://${address}:${new URL(world.url).port}/`);
  await call('VM.pool_migrate', vm, from, { live: 'false' });
  expect(await residentOn(vm)).toBe(from);
  await call('VM.pool_migrate', vm, from, {});
  expect(await residentOn(vm)).toBe(from);
  await call('VM.clean_shutdown', vm);
  expect(await call('VM.get_power_state', vm)).toBe('Halted');
});

test('the temporary disks of a guest are made at the other host and leave nothing at this one', async () => {
  const template = await eventually(async () => {
    const [ref] = await call<string[]>('VM.get_by_name_label', 'Xenplane demo disk');
    if (!ref) throw new Error('no demo template');
    return ref;
  });
  const vm = await call<string>('VM.clone', template, 'temporary');
  await call('VM.provision', vm);
  await call('VM.start', vm, false, false);
  await eventually(async () => expect(await call('VM.get_allowed_operations', vm)).toContain('pool_migrate'));
  const from = await residentOn(vm),
    to = other(from);
  const disksAt = async (host: string): Promise<string[]> =>
    readdirSync(path.join(world.folder, 'agent', 'disks', await call<string>('host.get_uuid', host)));
  expect([(await disksAt(from)).length, (await disksAt(to)).length]).toEqual([1, 0]);
  await call('VM.pool_migrate', vm, to, {});
  expect([(await disksAt(from)).length, (await disksAt(to)).length]).toEqual([0, 1]);
  await call('VM.hard_shutdown', vm);
  expect((await disksAt(to)).length).toBe(0);
});

test('a migration is refused for what the guest is, and for what the other host lacks', async () => {
  const vm = await startedVm('stuck');
  const from = await residentOn(vm),
    to = other(from);
  await expect(call('VM.pool_migrate', await newVm('halted'), to, {})).rejects.toThrow(
    /VM_BAD_POWER_STATE \S+ running halted/,
  );
  await expect(call('VM.pool_migrate', vm, 'OpaqueRef:nobody', {})).rejects.toThrow(
    'HANDLE_INVALID host OpaqueRef:nobody',
  );
  const [inside] = await call<string[]>(
    'network.get_by_name_label',
    'Pool-wide network associated with eth1',
  );
  await expect(call('VM.pool_migrate', vm, to, { network: inside })).rejects.toThrow(
    'PIF_HAS_NO_NETWORK_CONFIGURATION',
  );
  await call('host.disable', to);
  await expect(call('VM.pool_migrate', vm, to, {})).rejects.toThrow(`HOST_DISABLED ${to}`);
  await call('host.enable', to);
  await plane().store.query(
    `UPDATE host SET cpu_info = cpu_info || '{"vendor": "GenuineIntel"}' WHERE ref = $1`,
    [to],
  );
  await expect(call('VM.pool_migrate', vm, to, {})).rejects.toThrow(
    `VM_INCOMPATIBLE_WITH_THIS_HOST ${vm} ${to}`,
  );
  await plane().store.query(
    `UPDATE host SET cpu_info = cpu_info || '{"vendor": "AuthenticAMD"}' WHERE ref = $1`,
    [to],
  );
  const [shared] = await call<string[]>('SR.get_by_name_label', 'Shared storage');
  const [pbd] = Object.entries(
    await call<Record<string, { host: string; SR: string }>>('PBD.get_all_records'),
  ).filter(([, p]) => p.host === to && p.SR === shared);
  await plane().store.query('UPDATE pbd SET currently_attached = false WHERE ref = $1', [pbd?.[0]]);
  await expect(call('VM.pool_migrate', vm, to, {})).rejects.toThrow(`VM_REQUIRES_SR ${vm} ${shared}`);
  await plane().store.query('UPDATE pbd SET currently_attached = true WHERE ref = $1', [pbd?.[0]]);
  const big = await startedVm('big', 200 * GiB, to);
  const wide = await startedVm('wide', 100 * GiB, from);
  await expect(call('VM.pool_migrate', wide, to, {})).rejects.toThrow(/HOST_NOT_ENOUGH_FREE_MEMORY \d+ \d+/);
  expect(await residentOn(vm)).toBe(from);
  await Promise.all([vm, big, wide].map((one) => call('VM.hard_shutdown', one)));
});

test('what keeps guests on a host is told for each, and nothing moves', async () => {
  const vm = await startedVm('kept'),
    fine = await startedVm('fine', GiB, await residentOn(vm));
  const host = await residentOn(vm);
  await call('host.assert_can_evacuate', host);
  expect(await call('host.get_vms_which_prevent_evacuation', host)).toEqual({});
  await call('VM.add_to_blocked_operations', vm, 'pool_migrate', 'because');
  expect(await call('host.get_vms_which_prevent_evacuation', host)).toEqual({
    [vm]: ['OPERATION_BLOCKED', vm, 'because'],
  });
  await expect(call('host.assert_can_evacuate', host)).rejects.toThrow(
    `CANNOT_EVACUATE_HOST OPERATION_BLOCKED,${vm},because`,
  );
  await expect(call('host.evacuate', host)).rejects.toThrow(`OPERATION_BLOCKED ${vm} because`);
  expect(await residentOn(fine)).toBe(host);
  await call('VM.remove_from_blocked_operations', vm, 'pool_migrate');
  const rest = hosts.filter((h) => h !== host);
  for (const one of rest) await call('host.disable', one);
  await expect(call('host.assert_can_evacuate', host)).rejects.toThrow(
    'CANNOT_EVACUATE_HOST NO_HOSTS_AVAILABLE|NO_HOSTS_AVAILABLE',
  );
  for (const one of rest) await call('host.enable', one);
  await Promise.all([vm, fine].map((one) => call('VM.hard_shutdown', one)));
});

test('a migration that is cancelled while memory is copied leaves the guest running where it was', async () => {
  const vm = await startedVm('large', 200 * GiB);
  const from = await residentOn(vm),
    to = other(from);
  const task = await call<string>('Async.VM.pool_migrate', vm, to, {});
  await eventually(async () => expect(await call<number>('task.get_progress', task)).toBeGreaterThan(0.15));
  expect(Object.values(await call<object>('host.get_current_operations', to))).toEqual(['vm_migrate']);
  await call('task.cancel', task);
  expect((await ended(task)).status).toBe('cancelled');
  expect([await residentOn(vm), await call('VM.get_power_state', vm)]).toEqual([from, 'Running']);
  await call('VM.pool_migrate', vm, to, {});
  expect(await residentOn(vm)).toBe(to);

  const again = await call<string>('Async.VM.pool_migrate', vm, from, {});
  await eventually(async () => expect(await call<number>('task.get_progress', again)).toBeGreaterThan(0.15));
  await call('VM.hard_shutdown', vm);
  expect([(await ended(again)).status, await call('VM.get_power_state', vm)]).toEqual([
    'cancelled',
    'Halted',
  ]);
});

test('a guest that ends by itself while it is moved is halted, and the migration says so', async () => {
  const vm = await newVm('mortal', 200 * GiB);
  await call('VM.set_actions_after_crash', vm, 'destroy');
  await call('VM.start', vm, false, false);
  await eventually(async () => expect(await call('VM.get_allowed_operations', vm)).toContain('pool_migrate'));
  const from = await residentOn(vm),
    to = other(from);
  const task = await call<string>('Async.VM.pool_migrate', vm, to, {});
  await eventually(async () => expect(await call<number>('task.get_progress', task)).toBeGreaterThan(0.15));
  await world.agent.hypervisor.crash(await call('host.get_uuid', from), await call('VM.get_uuid', vm));
  const { status, error_info } = await ended(task);
  expect([status, ...error_info.slice(0, 4)]).toEqual(['failure', 'VM_MIGRATE_FAILED', vm, from, to]);
  expect(await call('VM.get_power_state', vm)).toBe('Halted');
  expect(await world.agent.hypervisor.list(await call('host.get_uuid', to))).toEqual([]);
});

test('disks go to the other host’s own storage with the guest, and a halted VM’s without it', async () => {
  const vm = await startedVm('mover');
  const from = await residentOn(vm),
    to = other(from);
  const [network] = await call<string[]>(
    'network.get_by_name_label',
    'Pool-wide network associated with eth0',
  );
  const srs = await call<Record<string, { type: string }>>('SR.get_all_records');
  const pbds = Object.values(await call<Record<string, { host: string; SR: string }>>('PBD.get_all_records'));
  const local = pbds.find((p) => p.host === to && srs[p.SR]?.type === 'ext')?.SR ?? '';
  const [shared] = await call<string[]>('SR.get_by_name_label', 'Shared storage');
  const [vbd] = await call<string[]>('VM.get_VBDs', vm);
  const disk = (): Promise<string> => call<string>('VBD.get_VDI', vbd);
  const before = await disk();
  const dest = await call<Record<string, string>>('host.migrate_receive', to, network, {});
  const foreign = { ...dest, host: 'OpaqueRef:elsewhere' };
  await expect(call('VM.assert_can_migrate', vm, foreign, true, {}, {}, {})).rejects.toThrow(
    'HANDLE_INVALID host OpaqueRef:elsewhere',
  );
  await expect(call('VM.assert_can_migrate', vm, { host: to }, true, {}, {}, {})).rejects.toThrow(
    'INVALID_VALUE SM',
  );
  await expect(
    call('VM.assert_can_migrate', vm, { ...dest, session_id: 'OpaqueRef:no' }, true, {}, {}, {}),
  ).rejects.toThrow('SESSION_INVALID');
  await call('VM.assert_can_migrate', vm, dest, true, { [before]: local }, {}, {});
  expect(await call('VM.migrate_send', vm, dest, true, { [before]: local }, {}, {})).toBe(vm);
  expect([await residentOn(vm), await call('VDI.get_SR', await disk())]).toEqual([to, local]);
  await expect(call('VDI.get_record', before)).rejects.toThrow(`HANDLE_INVALID VDI ${before}`);
  await expect(call('VM.pool_migrate', vm, from, {})).rejects.toThrow(`VM_REQUIRES_SR ${vm} ${local}`);
  expect(await call('host.get_vms_which_prevent_evacuation', to)).toEqual({
    [vm]: ['VM_REQUIRES_SR', vm, local],
  });
  await call('VM.migrate_send', vm, dest, true, { [await disk()]: shared }, {}, {});
  expect([await residentOn(vm), await call('VDI.get_SR', await disk())]).toEqual([to, shared]);
  await call('VM.hard_shutdown', vm);
  await call('VM.migrate_send', vm, dest, false, { [await disk()]: local }, {}, {});
  expect([await call('VM.get_power_state', vm), await call('VDI.get_SR', await disk())]).toEqual([
    'Halted',
    local,
  ]);
  const back = await call<Record<string, string>>('host.migrate_receive', from, network, {});
  await expect(call('VM.migrate_send', vm, back, false, {}, {}, {})).rejects.toThrow(
    `VDI_NOT_IN_MAP ${await disk()}`,
  );
  const copied = call('VM.migrate_send', vm, dest, false, { [await disk()]: shared }, {}, { copy: 'true' });
  await expect(copied).rejects.toThrow(
    'OPERATION_NOT_ALLOWED Copy mode is disallowed on intra pool storage migration',
  );
  expect(await call('VDI.get_SR', await disk())).toBe(local);
});

test('a host is rebooted when it is empty, and takes guests again by itself', async () => {
  const [host = ''] = hosts;
  const vm = await startedVm('in the way', GiB, host);
  const booted = async (): Promise<Record<string, string>> =>
    call<Record<string, string>>('host.get_other_config', host);
  const before = await booted();
  await call('host.disable', host);
  expect(await call('host.get_allowed_operations', host)).toEqual(
    expect.arrayContaining(['reboot', 'shutdown', 'evacuate']),
  );
  await expect(call('host.reboot', host)).rejects.toThrow(`HOST_IN_USE ${host} vm ${vm}`);
  await call('host.evacuate', host);
  await call('host.reboot', host);
  expect(await isLive(host)).toBe(false);
  await expect(call('host.call_plugin', host, 'raid.py', 'check_raid_pool', {})).rejects.toThrow(
    `HOST_OFFLINE ${host}`,
  );
  await expect(call('host.reboot', host)).rejects.toThrow(`HOST_OFFLINE ${host}`);
  await eventually(async () => expect(await isLive(host)).toBe(true));
  expect(await call('host.get_enabled', host)).toBe(true);
  expect(Number((await booted())['boot_time'])).toBeGreaterThan(Number(before['boot_time']));
  await call('VM.pool_migrate', vm, host, {});
  await call('VM.hard_shutdown', vm);
  await call('host.disable', host, false);
  await call('host.reboot', host);
  await eventually(async () => expect(await isLive(host)).toBe(true));
  expect(await call('host.get_enabled', host)).toBe(false);
  await call('host.enable', host);
});

test('the toolstack alone is restarted under a guest that does not notice', async () => {
  const vm = await startedVm('unaware');
  const host = await residentOn(vm);
  const domid = await call<string>('VM.get_domid', vm);
  const before = await call<Record<string, string>>('host.get_other_config', host);
  await call('host.restart_agent', host);
  const after = await call<Record<string, string>>('host.get_other_config', host);
  expect(after['boot_time']).toBe(before['boot_time']);
  expect([await call('VM.get_power_state', vm), await call('VM.get_domid', vm)]).toEqual(['Running', domid]);
  await call('VM.clean_reboot', vm);
  await call('VM.hard_shutdown', vm);
});

test('a host is shut down, switched on, and one that is gone for good is forgotten', async () => {
  const [master = '', , host = ''] = hosts;
  await call('host.disable', host);
  await call('host.evacuate', host);
  await call('host.shutdown', host);
  expect(await isLive(host)).toBe(false);
  expect(await call('host.get_allowed_operations', host)).not.toContain('power_on');
  await expect(call('host.power_on', host)).rejects.toThrow('HOST_POWER_ON_MODE_DISABLED');
  await call('host.set_power_on_mode', host, 'wake-on-lan', {});
  expect(await call('host.get_allowed_operations', host)).toContain('power_on');
  await call('host.power_on', host);
  expect([await isLive(host), await call('host.get_enabled', host)]).toEqual([true, true]);
  await expect(call('host.power_on', host)).rejects.toThrow(`HOST_IS_LIVE ${host}`);
  await call('host.disable', host);
  await call('host.shutdown', host);
  await call('host.declare_dead', host);
  await expect(call('host.restart_agent', host)).rejects.toThrow(`HOST_OFFLINE ${host}`);
  const dom0 = await call('host.get_control_domain', host);
  await call('host.destroy', host);
  await expect(call('host.get_record', host)).rejects.toThrow(`HANDLE_INVALID host ${host}`);
  await expect(call('VM.get_record', dom0)).rejects.toThrow('HANDLE_INVALID VM');
  for (const cls of ['PBD', 'PIF', 'host_cpu']) {
    const records = Object.values(await call<Record<string, { host: string }>>(`${cls}.get_all_records`));
    expect([cls, records.filter((r) => r.host === host).length, records.length > 0]).toEqual([cls, 0, true]);
  }
  const [pool] = Object.values(
    await call<Record<string, { master: string; cpu_info: Record<string, string> }>>('pool.get_all_records'),
  );
  expect(pool?.cpu_info['cpu_count']).toBe('128');
  expect(hosts).toContain(pool?.master);
  expect(master).not.toBe(host);
  const vm = await startedVm('after');
  await call('VM.hard_shutdown', vm);
});
