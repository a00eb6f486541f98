/** GPUs, USB devices and the rest of what only some hosts have, over the wire: who gets it, how much is left, what is refused. */
import { eventually, login, startWorld, type Call, type World } from '../world';

let world: World;
let call: Call;
beforeAll(async () => {
  world = await startWorld({ hosts: 3 });
  call = await login(world.url);
});
afterAll(() => world?.stop());

async function newVm(name: string): Promise<string> {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, name);
  await call('VM.provision', vm);
  return vm;
}
type Records<T> = Readonly<Record<string, T>>;
interface Gpu {
  readonly GPU_group: string;
  readonly host: string;
  readonly PCI: string;
  readonly is_system_display_device: boolean;
  readonly enabled_VGPU_types: string[];
  readonly supported_VGPU_types: string[];
}
/** The GPU that VMs may have, its group, and its types by name. */
async function accelerator(): Promise<{ pgpu: string; gpu: Gpu; types: Readonly<Record<string, string>> }> {
  const found = Object.entries(await call<Records<Gpu>>('PGPU.get_all_records')).find(
    ([, g]) => !g.is_system_display_device,
  );
  if (!found) throw new Error('no GPU');
  const types = Object.entries(await call<Records<{ model_name: string }>>('VGPU_type.get_all_records')).map(
    ([ref, t]) => [t.model_name, ref],
  );
  return { pgpu: found[0], gpu: found[1], types: Object.fromEntries(types) as Record<string, string> };
}
const attach = (vm: string, gpu: Gpu, type?: string): Promise<string> =>
  call('VGPU.create', vm, gpu.GPU_group, '0', {}, ...(type ? [type] : []));
const none = 'OpaqueRef:NULL';

test('every host has a display, one of three a GPU for guests', async () => {
  const all = Object.values(await call<Records<Gpu>>('PGPU.get_all_records'));
  expect([all.length, all.filter((g) => g.is_system_display_device).length]).toEqual([4, 3]);
  const { gpu, types } = await accelerator();
  expect([...gpu.supported_VGPU_types].sort()).toEqual(Object.values(types).sort());
  expect(await call('GPU_group.get_record', gpu.GPU_group)).toMatchObject({
    GPU_types: ['10de/1eb8'],
    allocation_algorithm: 'depth_first',
  });
  expect(await call('PCI.get_vendor_name', gpu.PCI)).toBe('NVIDIA Corporation');
});

test('virtual GPUs are had as long as there is room, on the host that has it, by one type at a time', async () => {
  const { pgpu, gpu, types } = await accelerator();
  const half = types['GRID T4-8Q'] ?? '',
    quarter = types['GRID T4-4Q'] ?? '';
  const left = (type: string): Promise<number> =>
    call('GPU_group.get_remaining_capacity', gpu.GPU_group, type);
  expect([await left(half), await left(quarter)]).toEqual([2, 4]);
  const vms = await Promise.all([0, 1, 2].map((n) => newVm(`drawing ${n}`)));
  const vgpus = await Promise.all(vms.map((vm) => attach(vm, gpu, half)));
  await expect(attach(vms[0] ?? '', gpu, half)).rejects.toThrow(/^DEVICE_ALREADY_EXISTS 0$/);
  await expect(call('VGPU.create', vms[0], gpu.GPU_group, '1', {}, half)).rejects.toThrow(
    `VGPU_TYPE_NOT_COMPATIBLE ${half}`,
  );
  const started = await Promise.allSettled(vms.map((vm) => call('VM.start', vm, false, false)));
  expect(started.filter((s) => s.status === 'fulfilled').length).toBe(2);
  expect([await left(half), await left(quarter)]).toEqual([0, 0]);
  const third = started.findIndex((s) => s.status === 'rejected');
  const loser = vms[third] ?? '';
  await expect(call('VM.start_on', loser, gpu.host, false, false)).rejects.toThrow(
    `VM_REQUIRES_VGPU ${loser} ${gpu.GPU_group} ${half}`,
  );
  await expect(call('VM.start', loser, false, false)).rejects.toThrow('NO_HOSTS_AVAILABLE');
  const winner = vms.findIndex((_vm, i) => i !== third);
  expect(await call('VM.get_resident_on', vms[winner])).toBe(gpu.host);
  expect(await call('VGPU.get_record', vgpus[winner])).toMatchObject({
    resident_on: pgpu,
    scheduled_to_be_resident_on: none,
    currently_attached: true,
  });
  expect((await call<string[]>('PGPU.get_resident_VGPUs', pgpu)).length).toBe(2);
  await expect(call('VGPU.destroy', vgpus[winner])).rejects.toThrow(
    `VM_BAD_POWER_STATE ${vms[winner]} halted running`,
  );
  await expect(call('PGPU.remove_enabled_VGPU_types', pgpu, half)).rejects.toThrow('PGPU_IN_USE_BY_VM');
  await expect(call('PGPU.set_GPU_group', pgpu, none)).rejects.toThrow('PGPU_IN_USE_BY_VM');
  await call('VM.hard_shutdown', vms[winner]);
  expect(await call('VGPU.get_record', vgpus[winner])).toMatchObject({
    resident_on: none,
    currently_attached: false,
  });
  await call('VM.start', loser, false, false);
  for (const vm of vms.filter((_vm, i) => i !== winner)) await call('VM.hard_shutdown', vm);
  for (const vm of vms) await call('VM.destroy', vm);
  expect([await left(half), await left(quarter), await call('VGPU.get_all')]).toEqual([2, 4, []]);
});

test('a whole GPU for one VM; types are enabled and groups joined only where they fit', async () => {
  const { pgpu, gpu, types } = await accelerator();
  const whole = types['passthrough'] ?? '',
    quarter = types['GRID T4-4Q'] ?? '';
  const [first, second] = await Promise.all([newVm('whole'), newVm('none')]);
  await attach(first, gpu);
  await attach(second, gpu, whole);
  await call('VM.start', first, false, false);
  await expect(call('VM.start_on', second, gpu.host, false, false)).rejects.toThrow(
    `VM_REQUIRES_GPU ${second} ${gpu.GPU_group}`,
  );
  await call('VM.hard_shutdown', first);
  await call('PGPU.set_enabled_VGPU_types', pgpu, [whole]);
  expect([
    await call('PGPU.get_remaining_capacity', pgpu, quarter),
    await call('GPU_group.get_enabled_VGPU_types', gpu.GPU_group),
  ]).toEqual([0, [whole]]);
  await call('PGPU.add_enabled_VGPU_types', pgpu, quarter);
  expect(await call('PGPU.get_remaining_capacity', pgpu, quarter)).toBe(4);
  const displays = Object.values(await call<Records<Gpu>>('PGPU.get_all_records')).find(
    (g) => g.is_system_display_device,
  );
  await expect(call('PGPU.set_GPU_group', pgpu, displays?.GPU_group)).rejects.toThrow(
    'PGPU_NOT_COMPATIBLE_WITH_GPU_GROUP 10de/1eb8 [1a03/2000]',
  );
  await expect(attach(await newVm('display'), displays as Gpu)).rejects.toThrow('VGPU_TYPE_NOT_SUPPORTED');
  await expect(call('GPU_group.destroy', gpu.GPU_group)).rejects.toThrow(`GPU_GROUP_CONTAINS_PGPU ${pgpu}`);
  const empty = await call<string>('GPU_group.create', 'spare', '', {});
  await call('PGPU.set_GPU_group', pgpu, empty);
  expect(await call('GPU_group.get_GPU_types', empty)).toEqual(['10de/1eb8']);
  await call('PGPU.set_GPU_group', pgpu, gpu.GPU_group);
  await call('GPU_group.destroy', empty);
});

test('a PCI device is hidden from Dom0 from the next boot on', async () => {
  const { pgpu, gpu } = await accelerator();
  expect(await call('PCI.get_dom0_access_status', gpu.PCI)).toBe('enabled');
  expect(await call('PCI.disable_dom0_access', gpu.PCI)).toBe('disable_on_reboot');
  expect([
    await call('PCI.get_dom0_access_status', gpu.PCI),
    await call('PGPU.get_dom0_access', pgpu),
  ]).toEqual(['disable_on_reboot', 'disable_on_reboot']);
  expect(await call('PGPU.enable_dom0_access', pgpu)).toBe('enabled');
});

test('a USB stick goes to one VM at a time, once that is permitted', async () => {
  const [pusb = ''] = await call<string[]>('PUSB.get_all');
  const { USB_group, host, passthrough_enabled } = await call<{
    USB_group: string;
    host: string;
    passthrough_enabled: boolean;
  }>('PUSB.get_record', pusb);
  expect(passthrough_enabled).toBe(false);
  await call('PUSB.scan', host);
  expect(await call('PUSB.get_all')).toEqual([pusb]);
  const vm = await newVm('stick');
  const empty = await call<string>('USB_group.create', 'empty', '', {});
  await expect(call('VUSB.create', vm, empty, {})).rejects.toThrow(`USB_GROUP_CONTAINS_NO_PUSBS ${empty}`);
  const vusb = await call<string>('VUSB.create', vm, USB_group, {});
  await expect(call('VUSB.create', await newVm('other'), USB_group, {})).rejects.toThrow(
    `USB_GROUP_CONFLICT ${USB_group}`,
  );
  await expect(call('USB_group.destroy', USB_group)).rejects.toThrow(`USB_GROUP_CONTAINS_PUSB ${pusb}`);
  await expect(call('VM.start_on', vm, host, false, false)).rejects.toThrow(
    `VM_REQUIRES_VUSB ${vm} ${USB_group}`,
  );
  await call('PUSB.set_passthrough_enabled', pusb, true);
  await call('VM.start', vm, false, false);
  expect([await call('VM.get_resident_on', vm), await call('VUSB.get_currently_attached', vusb)]).toEqual([
    host,
    true,
  ]);
  expect(await call('VUSB.get_allowed_operations', vusb)).toContain('unplug');
  await eventually(async () => expect(await call('VM.get_allowed_operations', vm)).not.toContain('suspend'));
  await expect(call('PUSB.set_passthrough_enabled', pusb, false)).rejects.toThrow(
    `USB_ALREADY_ATTACHED ${pusb} ${vm}`,
  );
  await expect(call('VUSB.destroy', vusb)).rejects.toThrow('OPERATION_NOT_ALLOWED');
  await call('VUSB.unplug', vusb);
  await expect(call('VUSB.unplug', vusb)).rejects.toThrow(`DEVICE_ALREADY_DETACHED ${vusb}`);
  await call('VUSB.destroy', vusb);
  await call('VM.hard_shutdown', vm);
});

test('clusters: one a pool, over interfaces that stay up', async () => {
  const [network = ''] = await call<string[]>(
    'network.get_by_name_label',
    'Pool-wide network associated with eth0',
  );
  const pifs = await call<string[]>('network.get_PIFs', network);
  await expect(call('Cluster.create', pifs[0], 'other', true, 20, 1)).rejects.toThrow(
    /^INVALID_CLUSTER_STACK other$/,
  );
  await expect(call('Cluster.create', pifs[0], 'corosync', true, 0.5, 1)).rejects.toThrow(
    /^INVALID_VALUE token_timeout 0.5$/,
  );
  await expect(call('Cluster.create', pifs[0], 'corosync', true, 20, 1)).rejects.toThrow(
    `PIF_ALLOWS_UNPLUG ${pifs[0]}`,
  );
  for (const pif of pifs) await call('PIF.set_disallow_unplug', pif, true);
  const cluster = await call<string>('Cluster.pool_create', network, 'corosync', 20, 1);
  expect(await call('Cluster.get_record', cluster)).toMatchObject({
    expected_hosts: 3,
    live_hosts: 3,
    quorum: 2,
    is_quorate: true,
  });
  expect(await call('Cluster.get_network', cluster)).toBe(network);
  await expect(call('Cluster.pool_create', network, 'corosync', 20, 1)).rejects.toThrow(
    /^CLUSTER_ALREADY_EXISTS$/,
  );
  await expect(call('Cluster.destroy', cluster)).rejects.toThrow(/^CLUSTER_DOES_NOT_HAVE_ONE_NODE 3$/);
  const [member = ''] = await call<string[]>('Cluster.get_cluster_hosts', cluster);
  const pif = await call<string>('Cluster_host.get_PIF', member);
  await expect(call('PIF.set_disallow_unplug', pif, false)).rejects.toThrow(`CLUSTERING_ENABLED ${member}`);
  await call('Cluster_host.disable', member);
  await expect(call('Cluster_host.destroy', member)).rejects.toThrow(`CLUSTERING_DISABLED ${member}`);
  await call('Cluster.pool_resync', cluster);
  expect(await call('Cluster_host.get_enabled', member)).toBe(true);
  await call('Cluster.pool_destroy', cluster);
  expect(await call('Cluster_host.get_all')).toEqual([]);
});

test('controllers, provisioning sites, observers', async () => {
  await expect(call('SDN_controller.introduce', 'ssl', 'nowhere', 0)).rejects.toThrow(
    /^INVALID_IP_ADDRESS_SPECIFIED address$/,
  );
  const controller = await call<string>('SDN_controller.introduce', 'ssl', '10.0.0.9', 0);
  expect(await call('SDN_controller.get_port', controller)).toBe(6632);
  await expect(call('SDN_controller.introduce', 'pssl', '', 0)).rejects.toThrow('OPERATION_NOT_ALLOWED');
  await call('SDN_controller.forget', controller);

  const site = await call<string>('PVS_site.introduce', 'site', '', 'id');
  await expect(call('PVS_server.introduce', ['10.0.0.1'], 0, 5, site)).rejects.toThrow(
    'VALUE_NOT_SUPPORTED first_port 0',
  );
  const server = await call<string>('PVS_server.introduce', ['10.0.0.1'], 6910, 6930, site);
  await expect(call('PVS_server.introduce', ['10.0.0.1'], 6910, 6930, site)).rejects.toThrow(
    /^PVS_SERVER_ADDRESS_IN_USE 10.0.0.1$/,
  );
  await expect(call('PVS_site.forget', site)).rejects.toThrow(`PVS_SITE_CONTAINS_SERVERS ${server}`);
  await call('PVS_server.forget', server);
  await call('PVS_site.forget', site);

  const observer = await call<string>('Observer.create', {
    name_label: 'traces',
    hosts: [],
    attributes: {},
    endpoints: ['bugtool'],
    components: ['xapi'],
    enabled: false,
  });
  await expect(call('Observer.set_components', observer, ['kernel'])).rejects.toThrow(
    /^INVALID_VALUE components kernel$/,
  );
  await expect(call('Observer.set_endpoints', observer, ['somewhere'])).rejects.toThrow(
    /^INVALID_VALUE endpoints somewhere$/,
  );
  await call('Observer.set_endpoints', observer, ['https://traces.example/v2']);
  await call('Observer.set_enabled', observer, true);
  expect(await call('Observer.get_enabled', observer)).toBe(true);
  await call('Observer.destroy', observer);
  await expect(call('Caller.query_all_usage')).rejects.toThrow(/^FEATURE_RESTRICTED$/);
});
