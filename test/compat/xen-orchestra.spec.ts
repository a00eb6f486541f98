/** Xen Orchestra takes a pool on: it connects, fills its cache, makes an object of every record, leaves its mark and follows what changes. */
import { eventually, startWorld, type World } from '../world';
import { GiB, MiB, none, Orchestra, type Seen, type Texts } from './orchestra';

let world: World;
let xo: Orchestra;
let vm: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  xo = await Orchestra.register(world.url);
  vm = await xo.task('VM.clone', xo.template('Debian Bookworm 12').$ref, 'shown');
  await xo.call('VM.provision', vm);
  await xo.createVbd({ VM: vm, type: 'CD' });
  await xo.call('VTPM.create', vm, false);
  if ((await xo.field<string[]>('VM', vm, 'VIFs')).length === 0)
    await xo.createVif({ VM: vm, network: xo.find('network', ({ PIFs }) => PIFs.length > 1).$ref });
  await xo.task('VM.start', vm, false, false);
  await xo.snapshot(vm, 'before');
  const withUsb = await xo.task('VM.clone', xo.template('Debian Bookworm 12').$ref, 'with USB');
  await xo.call('PUSB.set_passthrough_enabled', xo.find('PUSB', () => true).$ref, true);
  await xo.call('VUSB.create', withUsb, xo.find('USB_group', () => true).$ref);
  await xo.call('message.create', 'NOTED', 3, 'VM', await xo.field('VM', vm, 'uuid'), 'a body');
  await xo.call('task.create', 'by hand', 'of a person');
  await xo.call('network.create', { name_label: 'inside', other_config: {} });
  await xo.sees(vm, ({ guest_metrics, snapshots }) => guest_metrics !== none && snapshots.length === 1);
  await eventually(async () => expect(['message', 'task', 'VUSB', 'VTPM'].filter((type) => xo.all(type).length === 0)).toEqual([]));
});
afterAll(async () => {
  await xo?.xapi.disconnect();
  await world?.stop();
});

const [text, list, flag, whole] = [expect.any(String), expect.any(Array), expect.any(Boolean), expect.any(Number)];
const map = expect.objectContaining({});
const ref = expect.stringMatching(/^OpaqueRef:/);
const live = expect.stringMatching(/^OpaqueRef:[0-9a-f]{8}-/);
const date = expect.stringMatching(/^\d{8}T\d\d:\d\d:\d\dZ$/);
const seconds = expect.stringMatching(/^\d+\.$/);
const number = expect.stringMatching(/^\d+$/);

/** What is read of every record of a class when an object is made of it. */
const shapes: readonly (readonly [string, object])[] = [
  [
    'pool',
    {
      other_config: map,
      master: live,
      ha_statefiles: list,
      ha_enabled: flag,
      restrictions: expect.objectContaining({ restrict_zstd_export: 'false', restrict_vtpm: 'false' }),
      cpu_info: expect.objectContaining({ cpu_count: number, socket_count: number }),
      tags: list,
      migration_compression: flag,
      current_operations: map,
      name_label: text,
      name_description: text,
      default_SR: live,
      suspend_image_SR: ref,
      crash_dump_SR: ref,
    },
  ],
  [
    'host',
    {
      metrics: live,
      software_version: expect.objectContaining({
        product_version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
        product_brand: 'XCP-ng',
        build_number: text,
        platform_version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
        xapi: text,
        xen: text,
        date: text,
      }),
      license_params: expect.objectContaining({ expiry: date, restrict_zstd_export: text, sku_type: text }),
      license_server: map,
      other_config: expect.objectContaining({ boot_time: seconds, agent_start_time: seconds }),
      chipset_info: expect.objectContaining({ iommu: text }),
      capabilities: expect.arrayContaining([expect.stringMatching(/^hvm/)]),
      cpu_info: expect.objectContaining({ cpu_count: number, socket_count: number, modelname: text, threads_per_core: number }),
      bios_strings: expect.objectContaining({ 'system-product-name': text, 'system-manufacturer': text, 'bios-version': text }),
      logging: map,
      iscsi_iqn: text,
      control_domain: live,
      current_operations: map,
      power_on_mode: text,
      updates_requiring_reboot: [],
      patches: list,
      updates: list,
      certificates: list,
      resident_VMs: list,
      address: expect.stringMatching(/./),
      hostname: expect.stringMatching(/./),
      tags: list,
      enabled: true,
    },
  ],
  ['host_metrics', { live: true, memory_free: whole, memory_total: whole }],
  [
    'VM',
    {
      other_config: map,
      platform: map,
      HVM_boot_params: map,
      HVM_boot_policy: text,
      recommendations: expect.stringMatching(/^$|^<restrictions>(<restriction [^>]*\/>){2,}<\/restrictions>$/s),
      current_operations: map,
      blocked_operations: map,
      tags: list,
      VCPUs_params: map,
      VCPUs_max: whole,
      VCPUs_at_startup: whole,
      memory_dynamic_min: whole,
      memory_dynamic_max: whole,
      memory_static_min: whole,
      memory_static_max: whole,
      xenstore_data: map,
      domain_type: expect.stringMatching(/^(hvm|pv)$/),
      ha_restart_priority: text,
      has_vendor_device: flag,
      start_delay: whole,
      bios_strings: map,
      children: list,
      is_default_template: flag,
      is_control_domain: flag,
      is_a_snapshot: flag,
      power_state: text,
      PV_args: text,
    },
  ],
  ['VM_metrics', { start_time: date, install_time: date, VCPUs_number: whole, memory_actual: whole }],
  [
    'SR',
    {
      other_config: map,
      sm_config: map,
      type: text,
      physical_size: whole,
      physical_utilisation: whole,
      virtual_allocation: whole,
      current_operations: map,
      tags: list,
      shared: flag,
      content_type: text,
    },
  ],
  [
    'VDI',
    {
      sm_config: map,
      other_config: map,
      current_operations: map,
      tags: list,
      SR: live,
      VBDs: list,
      managed: flag,
      is_a_snapshot: flag,
      cbt_enabled: flag,
      missing: flag,
      snapshot_time: date,
      virtual_size: whole,
      physical_utilisation: whole,
      type: text,
    },
  ],
  [
    'VBD',
    {
      type: expect.stringMatching(/^(Disk|CD)$/),
      mode: expect.stringMatching(/^R[OW]$/),
      userdevice: number,
      device: text,
      VM: live,
      bootable: flag,
      currently_attached: flag,
    },
  ],
  [
    'VIF',
    {
      device: number,
      other_config: map,
      qos_algorithm_type: text,
      qos_algorithm_params: map,
      ipv4_allowed: list,
      ipv6_allowed: list,
      locking_mode: text,
      MAC: expect.stringMatching(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/),
      MTU: whole,
      currently_attached: flag,
    },
  ],
  [
    'PIF',
    {
      VLAN: whole,
      MTU: whole,
      metrics: live,
      host: live,
      network: live,
      device: text,
      MAC: text,
      IP: text,
      IPv6: list,
      DNS: text,
      gateway: text,
      netmask: text,
      management: flag,
      physical: flag,
      disallow_unplug: flag,
      currently_attached: flag,
      ip_configuration_mode: text,
      ipv6_configuration_mode: text,
      primary_address_type: text,
    },
  ],
  ['PIF_metrics', { device_name: text, carrier: flag, speed: whole }],
  ['network', { purpose: list, default_locking_mode: text, bridge: text, MTU: whole, current_operations: map, other_config: map, tags: list }],
  ['SM', { type: text, features: map, vendor: text, configuration: map }],
  ['PBD', { SR: live, host: live, device_config: map, other_config: map, currently_attached: flag }],
  ['message', { body: text, name: text, timestamp: date, obj_uuid: text }],
  [
    'task',
    { other_config: map, allowed_operations: list, current_operations: map, created: date, finished: date, progress: whole, result: text, status: text },
  ],
  ['PCI', { class_name: text, device_name: text, pci_id: expect.stringMatching(/^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.\d$/) }],
  ['PGPU', { dom0_access: text, is_system_display_device: flag, supported_VGPU_max_capacities: map }],
  ['GPU_group', { allocation_algorithm: text, GPU_types: list, other_config: map }],
  ['VGPU_type', { experimental: flag, framebuffer_size: whole, max_heads: whole, max_resolution_x: whole, max_resolution_y: whole, model_name: text }],
  ['PUSB', { vendor_desc: text, product_desc: text, passthrough_enabled: flag, speed: whole, vendor_id: text, version: text }],
  ['VUSB', { currently_attached: flag }],
  ['VTPM', { VM: live }],
];
/** The fields that an object shows as links: each of their references has to be of an object in the cache. */
const links: Readonly<Record<string, readonly string[]>> = {
  pool: ['master', 'default_SR', 'suspend_image_SR', 'crash_dump_SR', 'ha_statefiles'],
  host: ['metrics', 'control_domain', 'resident_VMs', 'PIFs', 'PCIs', 'PGPUs', 'PBDs', 'patches', 'updates', 'certificates'],
  VM: 'affinity parent children snapshots suspend_SR VIFs VBDs VTPMs VGPUs VUSBs resident_on snapshot_of suspend_VDI metrics guest_metrics consoles'.split(' '),
  SR: ['VDIs', 'PBDs'],
  PBD: ['host', 'SR'],
  PIF: ['metrics', 'host', 'network', 'bond_master_of', 'bond_slave_of', 'VLAN_master_of'],
  VDI: ['SR', 'VBDs', 'snapshots', 'snapshot_of'],
  VBD: ['VDI', 'VM'],
  VIF: ['network', 'VM'],
  network: ['PIFs', 'VIFs'],
  task: ['resident_on'],
  PCI: ['host'],
  PGPU: ['PCI', 'GPU_group', 'host', 'enabled_VGPU_types', 'supported_VGPU_types', 'resident_VGPUs'],
  GPU_group: ['PGPUs', 'VGPUs', 'enabled_VGPU_types', 'supported_VGPU_types'],
  VGPU_type: ['enabled_on_GPU_groups', 'enabled_on_PGPUs', 'VGPUs'],
  PUSB: ['host', 'USB_group'],
  VUSB: ['VM', 'USB_group'],
  USB_group: ['PUSBs', 'VUSBs'],
  VTPM: ['VM'],
};

describe('an object of every record', () => {
  test.each(shapes)('%s has all that is read', async (type, shape) => {
    const records = xo.all(type);
    expect(records.length).toBeGreaterThan(0);
    for (const record of records) expect({ ...record }).toMatchObject(shape);
  });

  test.each(Object.entries(links))('what a %s refers to is there', async (type, fields) => {
    const records = xo.all(type);
    expect(records.length).toBeGreaterThan(0);
    for (const record of records)
      for (const field of fields) {
        expect([type, field, record[field]]).not.toContain(undefined);
        for (const one of [record[field]].flat() as string[]) if (one !== none) expect([field, xo.xapi.getObject(one, undefined)]).toEqual([field, map]);
      }
  });

  test('a VM is shown at its host, at rest in the pool; every VM has cores-per-socket, so none is asked to change', async () => {
    expect(xo.one(vm).resident_on).toEqual(live);
    for (const template of xo.all('VM').filter((one) => one.is_a_template)) expect(template.resident_on).toBe(none);
    for (const { platform, name_label } of xo.all('VM').filter((one) => !one.is_control_domain))
      expect([name_label, platform]).toEqual([name_label, expect.objectContaining({ 'cores-per-socket': number })]);
    const snapshot = xo.find('VM', (one) => one.is_a_snapshot);
    expect(snapshot).toMatchObject({ snapshot_of: vm, snapshot_time: date, is_a_template: false, snapshot_info: { 'power-state-at-snapshot': 'Running' } });
    expect(xo.one(vm).snapshot_of).toBe(none);
  });

  test('default templates are known as such, and their disks can be read', async () => {
    const templates = xo.all('VM').filter(({ is_a_template }) => is_a_template);
    const disks = templates.map(({ other_config }) => other_config['disks'] ?? '').filter((xml) => xml !== '');
    expect(disks.length).toBeGreaterThan(0);
    for (const xml of disks)
      expect(xml).toMatch(/^<provision>(<disk bootable="(true|false)" device="\d+" size="\d+" sr="[^"]*" type="[^"]+"\/>)+<\/provision>$/);
    const defaults = templates.filter(({ is_default_template, other_config }) => is_default_template || other_config['default_template'] === 'true');
    expect(defaults.map(({ name_label }) => name_label)).toContain('Debian Bookworm 12');
    for (const { other_config } of defaults) expect(other_config['install-methods']).toMatch(/^\w+(,\w+)*$/);
  });

  test('a running VM has what its page shows', async () => {
    const shown = xo.one(vm);
    expect(shown).toMatchObject({ power_state: 'Running', metrics: live, domid: whole });
    expect(xo.one(shown.metrics)).toMatchObject({
      VCPUs_number: shown.VCPUs_at_startup,
      start_time: expect.stringMatching(/^20/),
      memory_actual: shown.memory_dynamic_max,
    });
    await xo.sees(shown.guest_metrics, ({ networks }) => '0/ip' in (networks as Texts));
    expect(xo.one(shown.guest_metrics)).toMatchObject({
      PV_drivers_version: { major: number, minor: number, micro: number, build: number },
      PV_drivers_detected: true,
      PV_drivers_up_to_date: true,
      os_version: expect.objectContaining({ name: text, uname: text }),
      networks: expect.objectContaining({ '0/ip': expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/), '0/ipv4/0': text }),
      other: map,
      memory: map,
    });
    const consoles = (shown['consoles'] as string[]).map((one) => xo.one(one));
    expect(consoles).toContainEqual(expect.objectContaining({ protocol: 'rfb', location: expect.stringMatching(/^https?:/) }));
  });

  test('no id is shared by two objects of any class', async () => {
    const objects = Object.entries(xo.xapi.objects.all as Record<string, Seen>);
    for (const [id, { $id, uuid }] of objects) expect([id, uuid]).toEqual([$id, expect.stringMatching(/^[0-9a-f-]{36}$/)]);
    const types = new Set(objects.map(([, { $type }]) => $type));
    for (const type of types) expect(xo.all(type)).toHaveLength((await xo.call<string[]>(`${type}.get_all`)).length);
  });

  test.each(['VM', 'host', 'VDI', 'SR', 'network', 'PIF', 'VBD', 'task'])(
    'all records of %s have the same members, as its cache is made from the first',
    async (type) => {
      const records = Object.values(await xo.call<Record<string, object>>(`${type}.get_all_records`));
      expect(new Set(records.map((record) => Object.keys(record).join(' '))).size).toBe(1);
    },
  );
});

describe('what it writes about itself', () => {
  const mark = 'xo:clientInfo:0001';
  const written = (): Promise<void> =>
    xo.update(xo.pool, 'other_config', { [mark]: JSON.stringify({ lastConnected: Date.now(), networkInterfaces: { eth0: [] } }) });

  test('its mark is set, replaced when it comes again, and taken off by another that finds it old', async () => {
    await written();
    const first = (await xo.barrier(xo.pool.$ref)).other_config[mark];
    await new Promise((resolve) => setTimeout(resolve, 2));
    await written();
    const second = (await xo.barrier(xo.pool.$ref)).other_config[mark];
    expect(Object.keys(JSON.parse(String(second)) as object)).toEqual(['lastConnected', 'networkInterfaces']);
    expect(second).not.toBe(first);
    await xo.update(xo.pool, 'other_config', { [mark]: null });
    expect((await xo.barrier(xo.pool.$ref)).other_config).not.toHaveProperty([mark]);
  });

  test('what it knows of a VM is JSON in its settings, and gone when it is set to nothing', async () => {
    const key = 'xo:creation';
    await xo.update(xo.one(vm), 'other_config', { [key]: JSON.stringify({ date: new Date(0).toISOString(), user: 'one' }) });
    await xo.sees(vm, ({ other_config }) => other_config[key] !== undefined);
    expect(JSON.parse(String(xo.one(vm).other_config[key]))).toEqual({ date: '1970-01-01T00:00:00.000Z', user: 'one' });
    await xo.update(xo.one(vm), 'other_config', { [key]: null, 'xo:notes': 'a note' });
    expect((await xo.barrier(vm)).other_config).toMatchObject({ 'xo:notes': 'a note' });
    expect(xo.one(vm).other_config).not.toHaveProperty([key]);
  });

  test('tags come and go one by one; one that is there already is no error', async () => {
    for (const tag of ['one', 'two', 'one']) await xo.call('VM.add_tags', vm, tag);
    expect((await xo.barrier(vm)).tags.toSorted()).toEqual(['one', 'two']);
    await xo.call('VM.remove_tags', vm, 'one');
    await xo.call('VM.remove_tags', vm, 'never');
    expect((await xo.barrier(vm)).tags).toEqual(['two']);
    await xo.xapi.setField('VM', vm, 'tags', ['three']);
    expect((await xo.barrier(vm)).tags).toEqual(['three']);
  });

  test('settings of the pool: its names, automatic power-on, networks for its own work, where suspended VMs lie', async () => {
    const sr = xo.find('SR', ({ shared, content_type, type }) => shared && content_type === 'user' && type === 'nfs').$ref;
    const { $ref: pool } = xo.pool;
    await xo.xapi.setFields('pool', pool, { name_label: 'mine', name_description: 'of mine', migration_compression: true });
    await xo.update(xo.pool, 'other_config', { auto_poweron: 'true', 'xo:migrationNetwork': 'a', 'xo:backupNetwork': 'b' });
    await xo.call('pool.set_suspend_image_SR', pool, sr);
    await xo.call('pool.set_crash_dump_SR', pool, none);
    await xo.call('pool.set_default_SR', pool, sr);
    expect(await xo.barrier(pool)).toMatchObject({
      name_label: 'mine',
      name_description: 'of mine',
      migration_compression: true,
      suspend_image_SR: sr,
      crash_dump_SR: none,
      default_SR: sr,
      other_config: expect.objectContaining({ auto_poweron: 'true', 'xo:migrationNetwork': 'a', 'xo:backupNetwork': 'b' }),
    });
    await xo.update(xo.pool, 'other_config', { auto_poweron: null, 'xo:migrationNetwork': null, 'xo:backupNetwork': null });
  });
});

describe('tasks and messages', () => {
  test('a task is shown while it runs, cancelled if it may be, and destroyed', async () => {
    const task = await xo.call('task.create', 'mine', 'to be cancelled');
    expect(await xo.sees(task)).toMatchObject({ status: 'pending', name_description: 'to be cancelled' });
    await xo.call('task.set_progress', task, 0.25);
    await xo.sees(task, ({ progress }) => progress === 0.25);
    await xo.call('task.cancel', task);
    await xo.sees(task, ({ status }) => ['cancelling', 'cancelled'].includes(String(status)));
    await xo.call('task.destroy', task);
    await eventually(async () => expect(xo.xapi.getObject(task, undefined)).toBeUndefined());
    expect(await xo.refused('task.cancel', task)).toMatchObject({ code: 'HANDLE_INVALID' });
  });

  test('a message is of an object by its uuid; it can be deleted, and then is not there to be deleted again', async () => {
    const noted = xo.find('message', ({ name }) => name === 'NOTED');
    expect(noted).toMatchObject({ cls: 'VM', obj_uuid: xo.one(vm).uuid, body: 'a body' });
    await xo.call('message.destroy', noted.$ref);
    await eventually(async () => expect(xo.xapi.getObject(noted.$ref, undefined)).toBeUndefined());
    expect(await xo.refused('message.destroy', noted.$ref)).toMatchObject({ code: 'HANDLE_INVALID' });
  });
});

test('a VDI that comes, changes and goes is followed', async () => {
  const vdi = await xo.createVdi(xo.pool.default_SR, 8 * MiB, { name_label: 'followed' });
  expect(await xo.sees(vdi)).toMatchObject({ virtual_size: 8 * MiB, name_label: 'followed' });
  await xo.task('VDI.resize', vdi, GiB);
  await xo.sees(vdi, ({ virtual_size }) => virtual_size === GiB);
  await xo.task('VDI.destroy', vdi);
  await eventually(async () => expect(xo.xapi.getObject(vdi, undefined)).toBeUndefined());
});
