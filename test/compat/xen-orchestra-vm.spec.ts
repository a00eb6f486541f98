/** A VM as Xen Orchestra creates and edits it: from a template step by step, from a description, its limits, firmware, devices and stream for cloud-init. */
import { randomBytes } from 'node:crypto';
import { eventually, startWorld, type World } from '../world';
import { GiB, MiB, none, Orchestra, type Failure, type Fields, type Seen } from './orchestra';

let world: World;
let xo: Orchestra;
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  xo = await Orchestra.register(world.url);
});
afterAll(async () => {
  await xo?.xapi.disconnect();
  await world?.stop();
});

const nfs = (): string => xo.find('SR', ({ type }) => type === 'nfs').$ref;
const wire = (): string => xo.find('network', ({ bridge }) => bridge === 'xenbr0').$ref;
const master = (): string => xo.pool.master;

/** The input of a form: disks of an existing place are moved and grown, others are made. */
interface Form {
  readonly template: string;
  readonly name: string;
  readonly copyBios?: boolean;
  readonly iso?: string;
  readonly disks?: readonly (Fields & {
    readonly size: number;
    readonly sr: string;
    readonly userdevice?: string;
  })[];
  readonly vifs?: readonly Fields[];
  readonly edit?: (vm: Seen) => Promise<unknown>;
}
async function createVm({
  template,
  name,
  copyBios = false,
  iso,
  disks = [],
  vifs = [],
  edit,
}: Form): Promise<Seen> {
  const origin = xo.template(template);
  const ref = await xo.task('VM.clone', origin.$ref, name);
  if (copyBios && Object.keys(origin['bios_strings'] as object).length === 0)
    await xo.task('VM.copy_bios_strings', ref, master());
  await xo.call('VM.remove_from_other_config', ref, 'disks').catch(() => undefined);
  await xo.task('VM.provision', ref);
  const vm = await xo.sees(ref);
  await xo.update(vm, 'other_config', { 'xo:creation': JSON.stringify({ template: origin.uuid }) });
  await edit?.(vm);
  if (disks.length === 0)
    await xo.update(vm, 'HVM_boot_params', {
      order: `n${(vm.HVM_boot_params['order'] ?? 'cd').replace('n', '')}`,
    });
  if (iso !== undefined) await xo.createVbd({ VM: ref, type: 'CD', VDI: iso, bootable: true });
  for (const { sr, size, userdevice, ...properties } of disks) {
    const place = vm.VBDs.map((vbd) => xo.one(vbd)).find((vbd) => vbd.userdevice === userdevice);
    if (place === undefined)
      await xo.createVbd({
        VM: ref,
        VDI: await xo.createVdi(sr, size, properties),
        ...(userdevice === undefined ? {} : { userdevice }),
      });
    else await growInto(place.VDI, sr, size, properties);
  }
  for (const vif of xo.one(ref).VIFs) await xo.task('VIF.destroy', vif);
  for (const vif of vifs)
    await xo.createVif({ VM: ref, network: wire(), locking_mode: 'network_default', ...vif });
  return xo.barrier(ref);
}
async function growInto(vdi: string, sr: string, size: number, properties: Fields): Promise<void> {
  for (const [field, value] of Object.entries(properties)) await xo.call(`VDI.set_${field}`, vdi, value);
  const { uuid } = await xo.sees(await moveVdi(vdi, sr));
  await xo.task('VDI.resize', await xo.call('VDI.get_by_uuid', uuid), size);
}
/** A disk that belongs to no VM cannot be moved as it is: it is copied, and each of its places given to the copy. */
async function moveVdi(vdi: string, sr: string): Promise<string> {
  const moved = await xo.task('VDI.pool_migrate', vdi, sr, {}).catch(({ code }: Failure) => code);
  if (moved.startsWith('OpaqueRef:')) return moved;
  expect(['VDI_NEEDS_VM_FOR_MIGRATE', 'NO_HOSTS_AVAILABLE', 'LICENCE_RESTRICTION']).toContain(moved);
  const copy = await xo.task('VDI.copy', vdi, sr);
  for (const ref of await xo.field<string[]>('VDI', vdi, 'VBDs')) {
    const { bootable, mode, userdevice, type, VM, other_config } = (await xo.xapi.getRecord(
      'VBD',
      ref,
    )) as Seen;
    await xo.call('VBD.destroy', ref);
    await xo.createVbd({ bootable, mode, userdevice, type, VM, other_config, VDI: copy });
  }
  await xo.task('VDI.destroy', vdi);
  return copy;
}

describe('from a template', () => {
  test('with disks, an image to boot from, networks, BIOS strings of the host and limits; it starts, and goes with all that it has', async () => {
    const iso = xo.find('VDI', ({ name_label }) => name_label.startsWith('debian-12')).$ref;
    const vm = await createVm({
      template: 'Debian Bookworm 12',
      name: 'made',
      copyBios: true,
      iso,
      disks: [
        { size: GiB, sr: nfs(), name_label: 'first', name_description: 'of two' },
        { size: 2 * GiB, sr: nfs(), name_label: 'second' },
      ],
      vifs: [
        { MAC: '4a:5b:6c:00:00:01' },
        { ipv4_allowed: ['10.1.2.3'], ipv6_allowed: ['fe80::1'], locking_mode: 'locked', MTU: 1400 },
      ],
      edit: ({ $ref, $type }) =>
        Promise.all([
          xo.call('VM.set_affinity', $ref, master()),
          xo.xapi.setField('VM', $ref, 'name_description', 'by a form'),
          xo.xapi
            .setField('VM', $ref, 'VCPUs_max', 4)
            .then(() => xo.xapi.setField('VM', $ref, 'VCPUs_at_startup', 2)),
          xo.call('VM.set_memory_limits', $ref, 512 * MiB, 2 * GiB, 2 * GiB, 2 * GiB),
          xo.update({ $ref, $type }, 'platform', { 'cores-per-socket': '2', viridian: 'true' }),
          xo.xapi.setField('VM', $ref, 'tags', ['made', 'here']),
        ]),
    });
    expect(vm).toMatchObject({
      name_label: 'made',
      name_description: 'by a form',
      is_a_template: false,
      affinity: master(),
      VCPUs_max: 4,
      VCPUs_at_startup: 2,
      memory_static_max: 2 * GiB,
      memory_dynamic_min: 2 * GiB,
      platform: expect.objectContaining({ 'cores-per-socket': '2', viridian: 'true' }),
      bios_strings: xo.one(master())['bios_strings'],
      tags: expect.arrayContaining(['made', 'here']),
    });
    expect(JSON.parse(vm.other_config['xo:creation'] ?? '')).toEqual({
      template: xo.template('Debian Bookworm 12').uuid,
    });
    const vbds = vm.VBDs.map((ref) => xo.one(ref)).toSorted(
      (a, b) => Number(a.userdevice) - Number(b.userdevice),
    );
    expect(vbds.map(({ userdevice, type, bootable, mode }) => [userdevice, type, bootable, mode])).toEqual([
      ['0', 'Disk', false, 'RW'],
      ['1', 'Disk', false, 'RW'],
      ['3', 'CD', true, 'RO'],
    ]);
    expect(vbds.map(({ VDI }) => xo.one(VDI).name_label)).toEqual([
      'first',
      'second',
      expect.stringMatching(/^debian/),
    ]);
    const vifs = vm.VIFs.map((ref) => xo.one(ref)).toSorted((a, b) => a.device.localeCompare(b.device));
    expect(vifs).toEqual([
      expect.objectContaining({
        device: '0',
        MAC: '4a:5b:6c:00:00:01',
        MAC_autogenerated: false,
        locking_mode: 'network_default',
        MTU: 1500,
      }),
      expect.objectContaining({
        device: '1',
        MAC_autogenerated: true,
        locking_mode: 'locked',
        ipv4_allowed: ['10.1.2.3'],
        ipv6_allowed: ['fe80::1'],
        MTU: 1400,
      }),
    ]);
    await xo.call('VM.start', vm.$ref, false, false);
    expect(await xo.sees(vm.$ref, ({ power_state }) => power_state === 'Running')).toMatchObject({
      resident_on: master(),
    });
    await xo.destroyVm(vm.$ref);
    for (const ref of [vm.$ref, ...vm.VBDs, ...vm.VIFs, vbds[0]?.VDI, vbds[1]?.VDI]) await gone(String(ref));
    expect(xo.one(iso)).toMatchObject({ VBDs: [] });
  });

  test('a disk that the template has is renamed, put on other storage and grown', async () => {
    const own = await createVm({
      template: 'Debian Bookworm 12',
      name: 'own template',
      disks: [{ size: 64 * MiB, sr: nfs() }],
    });
    await xo.createVbd({ VM: own.$ref, type: 'CD' });
    // A drive that cannot be ejected, or is empty, is left as it is.
    const left = await Promise.all(
      (await xo.field<string[]>('VM', own.$ref, 'VBDs')).map((vbd) => xo.refused('VBD.eject', vbd)),
    );
    expect(left.map(({ code }) => code).toSorted()).toEqual(['VBD_IS_EMPTY', 'VBD_NOT_REMOVABLE_MEDIA']);
    await xo.call('VM.set_is_a_template', own.$ref, true);
    await xo.barrier(own.$ref);
    const local = xo.find(
      'SR',
      ({ type, PBDs }) => type === 'ext' && PBDs.some((pbd) => xo.one(pbd).host === master()),
    ).$ref;
    const vm = await createVm({
      template: 'own template',
      name: 'moved',
      disks: [{ userdevice: '0', sr: local, size: GiB, name_label: 'grown' }],
    });
    const disk = vm.VBDs.map((ref) => xo.one(ref)).find(({ type }) => type === 'Disk');
    expect(disk).toMatchObject({ userdevice: '0', mode: 'RW' });
    expect(await xo.sees(String(disk?.VDI), ({ virtual_size }) => virtual_size === GiB)).toMatchObject({
      SR: local,
      name_label: 'grown',
    });
    await xo.task('VM.start', vm.$ref, false, false);
    await xo.destroyVm(vm.$ref);
    await gone(String(disk?.VDI));
    await xo.destroyVm(own.$ref);
  });

  test('without disks it boots from the network first; with UEFI, secure boot and a TPM', async () => {
    const vm = await createVm({
      template: 'Other install media',
      name: 'secure',
      edit: ({ $ref, $type }) =>
        Promise.all([
          xo.update({ $ref, $type }, 'HVM_boot_params', { firmware: 'uefi' }),
          xo.update({ $ref, $type }, 'platform', {
            'device-model': 'qemu-upstream-uefi',
            secureboot: 'true',
            vga: 'std',
            videoram: '16',
            nic_type: 'e1000',
          }),
        ]),
    });
    expect(vm.HVM_boot_params).toMatchObject({ order: 'ncd', firmware: 'uefi' });
    expect(await xo.call('VM.get_secureboot_readiness', vm.$ref)).toBe('first_boot');
    expect(await xo.call('pool.get_guest_secureboot_readiness', xo.pool.$ref)).toBe('not_ready');
    const vtpm = await xo.call('VTPM.create', vm.$ref, false);
    await xo.sees(vm.$ref, ({ VTPMs }) => (VTPMs as string[]).includes(vtpm));
    await xo.call('VM.start', vm.$ref, false, false);
    // The states of this error are in small letters.
    expect(await xo.refused('VTPM.create', vm.$ref, false)).toMatchObject({
      code: 'VM_BAD_POWER_STATE',
      params: [vm.$ref, 'halted', 'running'],
    });
    await xo.task('VM.hard_shutdown', vm.$ref);
    await xo.call('VTPM.destroy', vtpm);
    await gone(vtpm);
    await xo.destroyVm(vm.$ref);
  });

  test('a drive for cloud-init is made, filled, seen by the guest and gone after the first boot', async () => {
    const vm = await createVm({
      template: 'Debian Bookworm 12',
      name: 'clouded',
      disks: [{ size: GiB, sr: nfs() }],
    });
    const drive = randomBytes(10 * MiB);
    const vdi = await xo.createVdi(nfs(), drive.length, { name_label: 'XO CloudConfigDrive' });
    await xo.sees(vdi);
    const task = await xo.call('task.create', 'Importing content into VDI', '');
    await xo.update(xo.one(vdi), 'other_config', {
      'xo:import:task': await xo.field('task', task, 'uuid'),
      'xo:import:length': String(drive.length),
    });
    await xo.xapi.putResource(drive, '/import_raw_vdi/', { query: { format: 'raw', vdi }, task });
    await xo.update(xo.one(vdi), 'other_config', { 'xo:import:task': null, 'xo:import:length': null });
    const { body } = await xo.xapi.getResource('/export_raw_vdi/', {
      query: { format: 'raw', vdi },
      task: await xo.call('task.create', 'Exporting', ''),
    });
    expect(Buffer.from(await body.arrayBuffer()).equals(drive)).toBe(true);
    const vbd = await xo.createVbd({ VM: vm.$ref, VDI: vdi });
    await xo.call('VM.start', vm.$ref, false, false);
    const { guest_metrics } = await xo.sees(vm.$ref, (one) => one.guest_metrics !== none);
    await xo.sees(
      guest_metrics,
      ({ PV_drivers_version }) => (PV_drivers_version as Fields)['major'] !== undefined,
    );
    expect(await xo.refused('VDI.destroy', vdi)).toMatchObject({ code: 'VDI_IN_USE' });
    await xo.destroyVbd(vbd);
    await xo.task('VDI.destroy', vdi);
    await gone(vdi);
    await xo.destroyVm(vm.$ref);
  });

  test('a template without disks is no error; one that is not there is, and so is a GPU that cannot be passed on', async () => {
    expect(await xo.refused('VM.clone', 'OpaqueRef:none', 'x')).toMatchObject({
      code: 'HANDLE_INVALID',
      params: ['VM', 'OpaqueRef:none'],
    });
    const vm = await xo.task('VM.clone', xo.template('Other install media').$ref, 'bare');
    await xo.call('VM.remove_from_other_config', vm, 'disks');
    const group = xo.find('GPU_group', () => true).$ref;
    const type = xo.find('VGPU_type', () => true).$ref;
    expect(await xo.refused('VGPU.create', vm, group, '0', {}, type)).toMatchObject({
      code: 'VGPU_TYPE_NOT_SUPPORTED',
      params: [type, ''],
    });
    await xo.destroyVm(vm);
  });
});

test('a template that ships with the pool is protected, and goes when that is asked for', async () => {
  const { $ref } = xo.template('Rocky Linux 9');
  expect((await xo.refused('VM.destroy', $ref)).code).toBe('VM_IS_TEMPLATE');
  await xo.update(xo.one($ref), 'blocked_operations', { destroy: 'true' });
  await xo.destroyVm($ref);
  await gone($ref);
});

const gone = (ref: string): Promise<void> =>
  eventually(async () => expect(xo.xapi.getObject(ref, undefined)).toBeUndefined());

describe('from a description, as an archive of another maker is imported', () => {
  /** Numbers are numbers, what has its ordinary value is left out: HVM_shadow_multiplier above all. */
  const description = {
    actions_after_crash: 'restart',
    actions_after_reboot: 'restart',
    actions_after_shutdown: 'destroy',
    affinity: none,
    blocked_operations: {},
    HVM_boot_params: { order: 'cdn' },
    HVM_boot_policy: 'BIOS order',
    has_vendor_device: false,
    is_a_template: false,
    memory_dynamic_max: GiB,
    memory_dynamic_min: GiB,
    memory_static_max: GiB,
    memory_static_min: GiB,
    order: 0,
    other_config: { vgpu_pci: '', base_template_name: 'Other install media', 'install-methods': 'cdrom' },
    PCI_bus: '',
    platform: {
      timeoffset: '0',
      nx: 'true',
      acpi: '1',
      apic: 'true',
      pae: 'true',
      hpet: 'true',
      viridian: 'true',
    },
    PV_args: '',
    PV_bootloader: '',
    PV_bootloader_args: '',
    PV_kernel: '',
    PV_legacy_args: '',
    PV_ramdisk: '',
    recommendations:
      '<restrictions><restriction field="memory-static-max" max="137438953472" /><restriction field="vcpus-max" max="32" /></restrictions>',
    shutdown_delay: 0,
    start_delay: 0,
    user_version: 1,
    VCPUs_at_startup: 2,
    VCPUs_max: 2,
    VCPUs_params: {},
    version: 0,
    name_label: 'from elsewhere',
    name_description: 'as OVA',
  };

  test('it is created, kept from starting while its disks come, and released', async () => {
    const vm = await xo.sees(await xo.call('VM.create', description));
    expect(vm).toMatchObject({
      domain_type: 'hvm',
      HVM_shadow_multiplier: 1,
      VCPUs_max: 2,
      memory_static_max: GiB,
      power_state: 'Halted',
    });
    expect(vm.other_config['mac_seed']).toMatch(/^[0-9a-f-]{36}$/);
    const reason = 'OVA import in progress...';
    await xo.update(vm, 'blocked_operations', { start: reason, start_on: reason });
    await xo.call('VM.set_name_label', vm.$ref, '[Importing...] from elsewhere');
    expect(await xo.refused('VM.start', vm.$ref, false, false)).toMatchObject({
      code: 'OPERATION_BLOCKED',
      params: [vm.$ref, reason],
    });
    expect((await xo.barrier(vm.$ref)).allowed_operations).not.toContain('start');
    await xo.createVif({ VM: vm.$ref, network: wire() });
    const vdi = await xo.createVdi(nfs(), 8 * MiB, { name_label: 'disk', name_description: '' });
    await xo.createVbd({ VM: vm.$ref, VDI: vdi, userdevice: '0' });
    await xo.update(vm, 'blocked_operations', { start: null, start_on: null });
    await xo.call('VM.set_name_label', vm.$ref, 'from elsewhere');
    expect(await xo.barrier(vm.$ref)).toMatchObject({
      blocked_operations: {},
      allowed_operations: expect.arrayContaining(['start', 'start_on']),
    });
    await xo.task('VM.start', vm.$ref, false, false);
    await xo.destroyVm(vm.$ref);
  });

  test('BIOS strings are given after it is made, and once only', async () => {
    const vm = await xo.call('VM.create', description);
    const strings = { 'bios-vendor': 'Acme', 'system-manufacturer': 'Acme', 'system-product-name': 'Anvil' };
    await xo.call('VM.set_bios_strings', vm, strings);
    expect((await xo.barrier(vm))['bios_strings']).toMatchObject(strings);
    expect(await xo.refused('VM.set_bios_strings', vm, strings)).toMatchObject({
      code: 'VM_BIOS_STRINGS_ALREADY_SET',
    });
    await xo.destroyVm(vm);
  });
});

describe('what can be edited', () => {
  let vm: Seen;
  beforeAll(async () => {
    vm = await createVm({
      template: 'Debian Bookworm 12',
      name: 'edited',
      disks: [{ size: GiB, sr: nfs() }],
      edit: async ({ $ref }) => {
        await xo.xapi.setField('VM', $ref, 'VCPUs_max', 4);
        await xo.call('VM.set_memory_limits', $ref, 512 * MiB, 2 * GiB, GiB, 2 * GiB);
      },
    });
  });
  const set = async (field: string, value: unknown): Promise<Seen> => {
    await xo.xapi.setField('VM', vm.$ref, field, value);
    return xo.barrier(vm.$ref);
  };
  const entry = async (field: string, key: string, value: string | null): Promise<unknown> => {
    await xo.update(vm, field, { [key]: value });
    return ((await xo.barrier(vm.$ref))[field] as Fields)[key];
  };

  test.each<[string, unknown, unknown]>([
    ['name_label', 'edited again', 'edited'],
    ['tags', ['x'], []],
    ['has_vendor_device', true, false],
    ['ha_restart_priority', 'best-effort', ''],
    ['start_delay', 5, 0],
    ['PV_args', 'quiet', ''],
    ['domain_type', 'hvm', 'hvm'],
    ['HVM_boot_policy', 'Boot order', 'BIOS order'],
  ])('%s', async (field, value, back) => {
    expect(await set(field, value)).toMatchObject({ [field]: value });
    await set(field, back);
  });

  test.each<[string, string, string]>([
    ['platform', 'exp-nested-hvm', 'true'],
    ['platform', 'nested-virt', 'true'],
    ['platform', 'nic_type', 'e1000'],
    ['VCPUs_params', 'weight', '512'],
    ['VCPUs_params', 'cap', '50'],
    ['VCPUs_params', 'mask', '0,1'],
    ['xenstore_data', 'vm-data/role', 'web'],
    ['other_config', 'pci', '0/0000:04:00.0'],
    ['other_config', 'auto_poweron', 'true'],
    ['blocked_operations', 'destroy', 'true'],
    ['HVM_boot_params', 'order', 'dc'],
  ])('%s: %s', async (field, key, value) => {
    expect(await entry(field, key, value)).toBe(value);
    expect(await entry(field, key, null)).toBeUndefined();
    if (key === 'order') await entry(field, key, 'cdn');
  });

  test('processors and memory of a running VM, within what it was started with', async () => {
    const { $ref } = vm;
    await xo.task('VM.start', $ref, false, false);
    await xo.allows($ref, 'changing_VCPUs_live');
    // The count goes as text.
    await Promise.all([
      xo.xapi.setField('VM', $ref, 'VCPUs_at_startup', 3),
      xo.call('VM.set_VCPUs_number_live', $ref, '3'),
    ]);
    const running = await xo.sees($ref, ({ VCPUs_at_startup }) => VCPUs_at_startup === 3);
    await xo.sees(running.metrics, ({ VCPUs_number }) => VCPUs_number === 3);
    expect((await xo.refused('VM.set_VCPUs_max', $ref, 8)).code).toBe('VM_BAD_POWER_STATE');
    await xo.call('VM.set_memory_dynamic_range', $ref, GiB, GiB);
    expect(await xo.barrier($ref)).toMatchObject({ memory_dynamic_max: GiB, memory_static_max: 2 * GiB });
    await xo.sees(running.metrics, ({ memory_actual }) => memory_actual === GiB);
    expect((await xo.refused('VM.set_memory_dynamic_range', $ref, GiB, 4 * GiB)).code).toMatch(
      /^MEMORY_CONSTRAINT_VIOLATION/,
    );
    await xo.task('VM.hard_shutdown', $ref);
  });

  test('a halted one: what would be out of order is refused, and the second try has it right', async () => {
    const { $ref } = vm;
    expect((await xo.refused('VM.set_memory_limits', $ref, 3 * GiB, 2 * GiB, GiB, GiB)).code).toMatch(
      /^MEMORY_CONSTRAINT_VIOLATION/,
    );
    await xo.call('VM.set_memory_limits', $ref, 512 * MiB, GiB, GiB, GiB);
    await xo.call('VM.set_memory_static_max', $ref, 3 * GiB);
    expect(await xo.barrier($ref)).toMatchObject({ memory_static_max: 3 * GiB, memory_dynamic_max: GiB });
    expect((await xo.refused('VM.set_VCPUs_at_startup', $ref, 9)).code).toBe('INVALID_VALUE');
    await xo.call('VM.set_VCPUs_max', $ref, 9);
    await xo.call('VM.set_VCPUs_at_startup', $ref, 9);
    await xo.call('VM.set_suspend_SR', $ref, nfs());
    expect(await xo.barrier($ref)).toMatchObject({ VCPUs_at_startup: 9, suspend_SR: nfs() });
    await xo.call('VM.set_suspend_SR', $ref, none);
  });
});
