/** Settings of VMs, what they are refused, and the calls that reach a running guest. */
import { execFileSync } from 'node:child_process';
import { attachment, eventually, login, startWorld, type Call, type World } from '../world';

let world: World;
let call: Call;
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  call = await login(world.url);
});
afterAll(() => world?.stop());

const NULL = 'OpaqueRef:NULL';
async function newVm(name: string): Promise<string> {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, name);
  await call('VM.provision', vm);
  return vm;
}
async function runningVm(name: string): Promise<string> {
  const vm = await newVm(name);
  await call('VM.start', vm, false, false);
  await eventually(async () => expect(await call('VM.get_allowed_operations', vm)).toContain('suspend'));
  return vm;
}

describe('firmware', () => {
  test('SMBIOS strings are set once, with keys and values that can be', async () => {
    const vm = await newVm('strings');
    await expect(call('VM.set_bios_strings', vm, { colour: 'red' })).rejects.toThrow(
      'INVALID_VALUE colour Unknown key',
    );
    await expect(call('VM.set_bios_strings', vm, { 'bios-vendor': '' })).rejects.toThrow(
      'INVALID_VALUE bios-vendor',
    );
    await expect(call('VM.set_bios_strings', vm, { 'bios-vendor': 'x'.repeat(513) })).rejects.toThrow(
      'INVALID_VALUE bios-vendor',
    );
    await expect(call('VM.set_bios_strings', vm, { 'bios-vendor': 'ä' })).rejects.toThrow(
      'INVALID_VALUE bios-vendor ä',
    );
    await call('VM.set_bios_strings', vm, { 'system-serial-number': '42' });
    expect(await call('VM.get_bios_strings', vm)).toMatchObject({
      'system-serial-number': '42',
      'bios-vendor': 'Xen',
    });
    await expect(call('VM.set_bios_strings', vm, {})).rejects.toThrow('VM_BIOS_STRINGS_ALREADY_SET');
    const [host] = await call<string[]>('host.get_all');
    await expect(call('VM.copy_bios_strings', vm, host)).rejects.toThrow('VM_BIOS_STRINGS_ALREADY_SET');
    const other = await newVm('copied strings');
    await call('VM.copy_bios_strings', other, host);
    expect(await call('VM.get_bios_strings', other)).toEqual(await call('host.get_bios_strings', host));
  });

  test('secure boot is judged from the firmware and its variables', async () => {
    const vm = await newVm('secure');
    const readiness = (): Promise<string> => call<string>('VM.get_secureboot_readiness', vm);
    const store = (...names: string[]): string =>
      Buffer.concat(names.map((n) => Buffer.from(`${n}\0`, 'utf16le'))).toString('base64');
    await call('VM.set_domain_type', vm, 'hvm');
    await call('VM.set_HVM_boot_params', vm, { firmware: 'bios' });
    expect(await readiness()).toBe('not_supported');
    await call('VM.set_HVM_boot_params', vm, { firmware: 'uefi' });
    await call('VM.set_platform', vm, {});
    expect(await readiness()).toBe('disabled');
    for (const [value, answer] of [
      ['auto', 'disabled'],
      ['TRUE', 'first_boot'],
      ['1', 'first_boot'],
      ['true', 'first_boot'],
    ] as const) {
      await call('VM.set_platform', vm, { secureboot: value });
      expect([value, await readiness()]).toEqual([value, answer]);
    }
    for (const [names, answer] of [
      [['KEK', 'db', 'dbx'], 'setup_mode'],
      [['PK', 'dbx'], 'certs_incomplete'],
      [['PK', 'KEK', 'db'], 'ready_no_dbx'],
      [['PK', 'KEK', 'db', 'dbx'], 'ready'],
    ] as const) {
      await call('VM.set_NVRAM', vm, { 'EFI-variables': store(...names) });
      expect([names, await readiness()]).toEqual([names, answer]);
    }
  });
});

describe('the keys of secure boot', () => {
  const archive = (revision: string): string => {
    const script = `for n in PK KEK db dbx; do echo ${revision} $n > $n.auth; done; tar cf - *.auth | base64 -w0`;
    return execFileSync('sh', ['-c', `cd "$(mktemp -d)" && ${script}`], { encoding: 'utf8' });
  };
  let pool: string;
  beforeAll(async () => {
    [pool = ''] = await call<string[]>('pool.get_all');
  });
  afterAll(() => call('pool.set_custom_uefi_certificates', pool, ''));
  const about = async (vm: string): Promise<[string, string]> => [
    await call<string>('VM.get_secureboot_readiness', vm),
    await call<string>('VM.get_secureboot_certificates_state', vm),
  ];
  async function uefiVm(name: string): Promise<string> {
    const vm = await newVm(name);
    await call('VM.set_HVM_boot_params', vm, { firmware: 'uefi', order: 'cdn' });
    await call('VM.set_platform', vm, { secureboot: 'true' });
    return vm;
  }

  test.each([
    ['without certificates', false, 'auto', 'false'],
    ['with certificates', true, 'auto', 'true'],
    ['with certificates', true, 'false', 'false'],
    ['with certificates', true, undefined, undefined],
  ])('in a pool %s (%j) a start makes of secure boot %j %j', async (_what, certified, before, after) => {
    await call('pool.set_custom_uefi_certificates', pool, certified ? archive('some') : '');
    const vm = await newVm('decided');
    await call('VM.set_platform', vm, before === undefined ? {} : { secureboot: before, apic: 'true' });
    const settings = (): Promise<Record<string, string>> => call('VM.get_platform', vm);
    await call('VM.start', vm, false, false);
    expect((await settings())['secureboot']).toBe(after);
    if (before === undefined) return;
    expect(await settings()).toMatchObject({ apic: 'true' });
    // The decided value stays.
    await call('VM.hard_shutdown', vm);
    await call('pool.set_custom_uefi_certificates', pool, certified ? '' : archive('other'));
    await call('VM.start', vm, false, false);
    expect((await settings())['secureboot']).toBe(after);
  });
  afterEach(() => call('pool.set_custom_uefi_certificates', pool, ''));

  test('come from the pool in user mode and are gone in setup mode', async () => {
    const vm = await uefiVm('modes');
    await expect(call('VM.set_uefi_mode', vm, 'user')).rejects.toThrow(
      'INTERNAL_ERROR The pool has no platform key',
    );
    await call('pool.set_custom_uefi_certificates', pool, archive('first'));
    expect(await call('VM.set_uefi_mode', vm, 'user')).toBe('');
    expect(await about(vm)).toEqual(['ready', 'ok']);
    await call('VM.set_uefi_mode', vm, 'setup');
    expect(await about(vm)).toEqual(['setup_mode', 'ok']);
    await call('VM.set_HVM_boot_params', vm, { firmware: 'bios' });
    await expect(call('VM.set_uefi_mode', vm, 'user')).rejects.toThrow('OPERATION_NOT_ALLOWED');
    await expect(call('VM.set_uefi_mode', await runningVm('up'), 'user')).rejects.toThrow(
      'VM_BAD_POWER_STATE',
    );
  });

  test('grow old when the pool gets others, and are renewed at the boot that was chosen', async () => {
    const vm = await uefiVm('renewed');
    await call('pool.set_custom_uefi_certificates', pool, archive('first'));
    await call('VM.set_uefi_mode', vm, 'user');
    await expect(call('VM.update_secureboot_certificates_on_boot', vm, true)).rejects.toThrow(
      'OPERATION_NOT_ALLOWED',
    );
    const { 'EFI-variables': first } = await call<Record<string, string>>('VM.get_NVRAM', vm);
    await call('pool.set_custom_uefi_certificates', pool, archive('second'));
    expect(await about(vm)).toEqual(['ready', 'update_available']);
    await call('VM.update_secureboot_certificates_on_boot', vm, true);
    await call('VM.update_secureboot_certificates_on_boot', vm, false);
    expect(await about(vm)).toEqual(['ready', 'update_available']);
    await call('VM.update_secureboot_certificates_on_boot', vm, true);
    expect(await about(vm)).toEqual(['ready', 'update_on_boot']);
    await call('VM.start', vm, false, false);
    expect(await about(vm)).toEqual(['ready', 'ok']);
    const { 'EFI-variables': second = '' } = await call<Record<string, string>>('VM.get_NVRAM', vm);
    expect(second).not.toBe(first);
    expect(Buffer.from(second, 'base64').toString('latin1')).toContain('second dbx');
    await call('pool.set_auto_update_vm_secureboot_certificates', pool, true);
    await call('pool.set_custom_uefi_certificates', pool, archive('third'));
    expect(await about(vm)).toEqual(['ready', 'update_on_boot']);
    await call('VM.hard_reboot', vm);
    expect(await about(vm)).toEqual(['ready', 'ok']);
  });
});

test('new device models are a new domain that goes on where the old one was', async () => {
  const vm = await runningVm('emulated');
  const seen = async (): Promise<unknown[]> => [
    await call('VM.get_power_state', vm),
    await call('VM.get_resident_on', vm),
    await call('VM_metrics.get_start_time', await call('VM.get_metrics', vm)),
    await call('VM.get_guest_metrics', vm),
  ];
  const before = await seen(),
    domid = Number(await call('VM.get_domid', vm));
  await call('VM.restart_device_models', vm);
  expect(await seen()).toEqual(before);
  expect(Number(await call('VM.get_domid', vm))).toBeGreaterThan(domid);
  await call('VM.clean_reboot', vm);
  await call('VM.hard_shutdown', vm);
  await expect(call('VM.restart_device_models', vm)).rejects.toThrow(
    `VM_BAD_POWER_STATE ${vm} running halted`,
  );
  await call('VM.set_domain_type', vm, 'pv');
  await call('VM.start', vm, false, false);
  await eventually(async () => expect(await call('VM.get_allowed_operations', vm)).toContain('suspend'));
  await expect(call('VM.restart_device_models', vm)).rejects.toThrow(`CANNOT_RESTART_DEVICE_MODEL ${vm}`);
});

test('LVM repositories have no extension here that makes them thin', async () => {
  const [host] = await call<string[]>('host.get_all'),
    [sr] = await call<string[]>('SR.get_all');
  await expect(call('LVHD.enable_thin_provisioning', host, sr, 0, 0)).rejects.toThrow(
    'MESSAGE_METHOD_UNKNOWN LVHD.enable_thin_provisioning',
  );
  await expect(call('LVHD.enable_thin_provisioning', NULL, sr, 0, 0)).rejects.toThrow('HANDLE_INVALID host');
});

test('what a guest has said of itself stays while the VM is halted, and goes when it starts again', async () => {
  const vm = await runningVm('remembered');
  const said = await call<string>('VM.get_guest_metrics', vm);
  await call('VM.hard_shutdown', vm);
  expect(await call('VM.get_guest_metrics', vm)).toBe(said);
  expect(await call('VM_guest_metrics.get_live', said)).toBe(false);
  await call('VM.start', vm, true, false);
  await expect(call('VM_guest_metrics.get_record', said)).rejects.toThrow(
    `HANDLE_INVALID VM_guest_metrics ${said}`,
  );
  await call('VM.hard_shutdown', vm);
});

test('what a VM was not given before its first start it has from then on', async () => {
  const vm = await newVm('bare');
  await call('VM.set_has_vendor_device', vm, true);
  expect(await call('VM.get_record', vm)).toMatchObject({ bios_strings: {}, hardware_platform_version: 0 });
  await call('VM.start', vm, true, false);
  expect(await call('VM.get_record', vm)).toMatchObject({
    bios_strings: { 'bios-vendor': 'Xen' },
    hardware_platform_version: 2,
  });
  await call('VM.hard_shutdown', vm);
  await expect(call('VM.set_bios_strings', vm, { 'bios-vendor': 'Late' })).rejects.toThrow(
    'VM_BIOS_STRINGS_ALREADY_SET',
  );
});

test('a VM counts as installed from when it is no template any more', async () => {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Other install media');
  const vm = await call<string>('VM.clone', template, 'installed');
  const installed = async (): Promise<string> =>
    call('VM_metrics.get_install_time', await call('VM.get_metrics', vm));
  expect(await installed()).toMatch(/^1970/);
  await call('VM.set_is_a_template', vm, false);
  expect(await installed()).toMatch(/^20/);
  await call('VM.set_is_a_template', vm, true);
  expect(await call('VM.get_is_a_template', vm)).toBe(true);
});

test('a guest that has said nothing of what it can is not moved, unless by force', async () => {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Other install media');
  const vm = await call<string>('VM.clone', template, 'silent');
  await call('VM.set_is_a_template', vm, false);
  await call('VM.add_to_platform', vm, 'nomigrate', 'true');
  await call('VM.start', vm, false, false);
  const from = await call<string>('VM.get_resident_on', vm);
  const to = (await call<string[]>('host.get_all')).find((host) => host !== from) ?? '';
  await expect(call('VM.pool_migrate', vm, to, {})).rejects.toThrow(`VM_IS_IMMOBILE ${vm}`);
  await call('VM.remove_from_platform', vm, 'nomigrate');
  expect(await call('VM_metrics.get_nomigrate', await call('VM.get_metrics', vm))).toBe(true);
  await call('VM.hard_shutdown', vm);
  await call('VM.start', vm, false, false);
  const there = (await call<string[]>('host.get_all')).find((host) => host !== to) ?? '';
  const target = (await call('VM.get_resident_on', vm)) === to ? there : to;
  await expect(call('VM.pool_migrate', vm, target, {})).rejects.toThrow(`VM_LACKS_FEATURE ${vm}`);
  await call('VM.pool_migrate', vm, target, { force: 'true' });
  expect(await call('VM.get_resident_on', vm)).toBe(target);
  await call('VM.hard_shutdown', vm);
});

test('memory is saved where the VM wants it, else where the pool does, else where its host does', async () => {
  const vm = await runningVm('asleep');
  const [pool] = await call<string[]>('pool.get_all');
  const host = await call<string>('VM.get_resident_on', vm);
  const [shared, local] = [
    await call<string>('pool.get_suspend_image_SR', pool),
    await call<string>('host.get_suspend_image_sr', host),
  ];
  const savedIn = async (): Promise<string> => {
    await call('VM.suspend', vm);
    const sr = await call<string>('VDI.get_SR', await call('VM.get_suspend_VDI', vm));
    await call('VM.resume_on', vm, host, false, false);
    return sr;
  };
  expect(await savedIn()).toBe(shared);
  await call('VM.set_suspend_SR', vm, local);
  expect(await savedIn()).toBe(local);
  await call('VM.set_suspend_SR', vm, NULL);
  await call('pool.set_suspend_image_SR', pool, NULL);
  expect(await savedIn()).toBe(local);
  await call('host.set_suspend_image_sr', host, NULL);
  await expect(call('VM.suspend', vm)).rejects.toThrow(`VM_NO_SUSPEND_SR ${vm}`);
  await call('host.set_suspend_image_sr', host, local);
  await call('pool.set_suspend_image_SR', pool, shared);
  await call('VM.hard_shutdown', vm);
});

test('some things can be set only while the VM is halted', async () => {
  const vm = await runningVm('fixed');
  const refused = `VM_BAD_POWER_STATE ${vm} halted running`;
  await expect(call('VM.set_has_vendor_device', vm, false)).rejects.toThrow(refused);
  await expect(call('VM.set_domain_type', vm, 'pv')).rejects.toThrow(refused);
  await expect(call('VM.set_NVRAM', vm, {})).rejects.toThrow(refused);
  await expect(call('VM.set_VCPUs_max', vm, 8)).rejects.toThrow(refused);
  await expect(call('VM.set_suspend_VDI', vm, NULL)).rejects.toThrow(
    `VM_BAD_POWER_STATE ${vm} suspended running`,
  );
  await call('VM.hard_shutdown', vm);
  await call('VM.set_has_vendor_device', vm, false);
  expect(await call('VM.get_has_vendor_device', vm)).toBe(false);
});

test('blocked operations are refused with their reason and are not offered', async () => {
  const vm = await newVm('blocked');
  await call('VM.set_blocked_operations', vm, { start: 'it is Sunday', destroy: 'it is dear' });
  expect(await call('VM.get_allowed_operations', vm)).not.toContain('start');
  await expect(call('VM.start', vm, false, false)).rejects.toThrow(`OPERATION_BLOCKED ${vm} it is Sunday`);
  await expect(call('VM.assert_operation_valid', vm, 'destroy')).rejects.toThrow(
    `OPERATION_BLOCKED ${vm} it is dear`,
  );
  await expect(call('VM.add_to_blocked_operations', vm, 'start', 'again')).rejects.toThrow(
    `MAP_DUPLICATE_KEY VM blocked_operations ${vm} start`,
  );
  await call('VM.remove_from_blocked_operations', vm, 'destroy');
  await call('VM.destroy', vm);
});

test('a VM becomes one of the default templates, which cannot be destroyed, and is an ordinary template when that is taken back', async () => {
  const vm = await newVm('shipped');
  await call('VM.set_is_default_template', vm, true);
  expect(await call('VM.get_record', vm)).toMatchObject({
    is_a_template: true,
    is_default_template: true,
    other_config: { default_template: 'true' },
  });
  await expect(call('VM.destroy', vm)).rejects.toThrow(`VM_IS_TEMPLATE ${vm} destroy`);
  await call('VM.set_is_default_template', vm, false);
  expect(await call('VM.get_record', vm)).toMatchObject({
    is_a_template: true,
    is_default_template: false,
    other_config: { default_template: 'false' },
  });
  await call('VM.set_is_default_template', vm, true);
  await call('VM.set_is_a_template', vm, false);
  expect(await call('VM.get_record', vm)).toMatchObject({ is_a_template: false, is_default_template: false });
  await call('VM.start', vm, false, false);
  await expect(call('VM.set_is_default_template', vm, true)).rejects.toThrow(
    `VM_BAD_POWER_STATE ${vm} halted running`,
  );
  await call('VM.hard_shutdown', vm);
  await call('VM.destroy', vm);
});

describe('a VM that is created from a record', () => {
  const given = {
    name_label: 'recorded',
    user_version: 1,
    is_a_template: false,
    affinity: NULL,
    memory_static_max: 2 ** 30,
    memory_static_min: 2 ** 29,
  };
  const more = {
    memory_dynamic_max: 2 ** 30,
    memory_dynamic_min: 2 ** 30,
    VCPUs_params: {},
    VCPUs_max: 1,
    VCPUs_at_startup: 1,
    recommendations: '',
  };
  const ends = {
    actions_after_shutdown: 'destroy',
    actions_after_reboot: 'restart',
    actions_after_crash: 'restart',
  };
  const boot = {
    HVM_boot_params: {},
    platform: {},
    PCI_bus: '',
    other_config: {},
    PV_bootloader: '',
    PV_kernel: '',
    PV_ramdisk: '',
    PV_args: '',
  };
  const record = { ...given, ...more, ...ends, ...boot, PV_bootloader_args: '', PV_legacy_args: '' };

  test.each([
    ['BIOS order', 'hvm'],
    ['', 'pv'],
  ])('boot policy “%s”: its type is %s where none is said', async (HVM_boot_policy, type) => {
    const vm = await call('VM.create', { ...record, HVM_boot_policy });
    expect(await call('VM.get_domain_type', vm)).toBe(type);
    await call('VM.destroy', vm);
  });

  test('is suspended when its memory is on a disk for that, else halted', async () => {
    const [pool] = await call<string[]>('pool.get_all');
    const disk = {
      SR: await call('pool.get_default_SR', pool),
      virtual_size: 2 ** 30,
      sharable: false,
      read_only: false,
      other_config: {},
    };
    const [memory, other] = [
      await call('VDI.create', { ...disk, type: 'suspend' }),
      await call('VDI.create', { ...disk, type: 'user' }),
    ];
    const suspended = { ...record, HVM_boot_policy: 'BIOS order', power_state: 'Suspended' };
    await expect(call('VM.create', { ...suspended, suspend_VDI: other })).rejects.toThrow(
      `VDI_INCOMPATIBLE_TYPE ${other} user`,
    );
    await expect(call('VM.create', suspended)).rejects.toThrow(`HANDLE_INVALID VDI ${NULL}`);
    const vm = await call('VM.create', { ...suspended, suspend_VDI: memory });
    expect(await call('VM.get_record', vm)).toMatchObject({
      power_state: 'Suspended',
      suspend_VDI: memory,
      resident_on: NULL,
    });
    // No two VMs have the same memory.
    await expect(call('VM.create', { ...suspended, suspend_VDI: memory })).rejects.toThrow(
      `VDI_IN_USE ${memory} resume`,
    );
    await call('VM.resume', vm, false, false);
    expect(await call('VM.get_record', vm)).toMatchObject({ power_state: 'Running', suspend_VDI: NULL });
    const running = await call('VM.create', { ...suspended, power_state: 'Running' });
    expect(await call('VM.get_power_state', running)).toBe('Halted');
  });
});

test('the order and delays of a VM are not negative; availability has three levels', async () => {
  const vm = await newVm('numbers');
  for (const field of ['order', 'start_delay', 'shutdown_delay']) {
    await expect(call(`VM.set_${field}`, vm, -1)).rejects.toThrow(`VALUE_NOT_SUPPORTED ${field} -1`);
    await call(`VM.set_${field}`, vm, 3);
    expect(Number(await call(`VM.get_${field}`, vm))).toBe(3);
  }
  await call('VM.set_ha_always_run', vm, true);
  expect(await call('VM.get_ha_restart_priority', vm)).toBe('restart');
  await expect(call('VM.set_ha_restart_priority', vm, 'always')).rejects.toThrow(
    'INVALID_VALUE ha_restart_priority always',
  );
});

describe('a running guest', () => {
  test('its memory target moves with the range, and can be waited for', async () => {
    const vm = await runningVm('balloon');
    const metrics = await call<string>('VM.get_metrics', vm);
    await call('VM.set_memory_target_live', vm, 2 ** 30);
    expect(Number(await call('VM.get_memory_target', vm))).toBe(2 ** 30);
    await call('VM.wait_memory_target_live', vm);
    expect(Number(await call('VM_metrics.get_memory_actual', metrics))).toBe(2 ** 30);
    await expect(call('VM.set_memory_target_live', vm, 2 ** 50)).rejects.toThrow(
      'MEMORY_CONSTRAINT_VIOLATION_ORDER',
    );
    await call('VM.hard_shutdown', vm);
    await expect(call('VM.set_memory_target_live', vm, 2 ** 30)).rejects.toThrow(
      `VM_BAD_POWER_STATE ${vm} running halted`,
    );
    await expect(call('VM.wait_memory_target_live', vm)).rejects.toThrow(
      `VM_BAD_POWER_STATE ${vm} running halted`,
    );
  });

  test('its shadow memory takes more of the host, and its scheduler parameters are checked', async () => {
    const vm = await runningVm('shadow');
    const host = await call<string>('VM.get_resident_on', vm);
    const free = Number(await call('host.compute_free_memory', host));
    await call('VM.set_shadow_multiplier_live', vm, 4);
    expect(Number(await call('host.compute_free_memory', host))).toBeLessThan(free);
    await expect(call('VM.set_shadow_multiplier_live', vm, 0.5)).rejects.toThrow(
      'INVALID_VALUE HVM_shadow_multiplier 0.5',
    );
    await expect(call('VM.set_shadow_multiplier_live', vm, 1e9)).rejects.toThrow(
      'HOST_NOT_ENOUGH_FREE_MEMORY',
    );
    await call('VM.add_to_VCPUs_params_live', vm, 'weight', '512');
    expect(await call('VM.get_VCPUs_params', vm)).toMatchObject({ weight: '512' });
    await expect(call('VM.add_to_VCPUs_params_live', vm, 'weight', 'heavy')).rejects.toThrow(
      'INVALID_VALUE weight heavy',
    );
    await call('VM.hard_shutdown', vm);
    await expect(call('VM.add_to_VCPUs_params_live', vm, 'cap', '50')).rejects.toThrow(
      `VM_BAD_POWER_STATE ${vm} running halted`,
    );
  });

  test('what it cannot do is said as xapi says it', async () => {
    const vm = await runningVm('asked');
    await expect(call('VM.send_sysrq', vm, 'b')).rejects.toThrow('NOT_IMPLEMENTED send_sysrq');
    await expect(call('VM.send_trigger', vm, 'nmi')).rejects.toThrow('NOT_IMPLEMENTED send_trigger');
    await expect(call('VM.call_plugin', vm, 'no-such-plugin', 'f', {})).rejects.toThrow(
      'XENAPI_MISSING_PLUGIN no-such-plugin',
    );
    await expect(call('VM.call_plugin', vm, 'guest-agent-operation', 'testfun', {})).rejects.toThrow(
      `VM_LACKS_FEATURE ${vm}`,
    );
    await expect(call('VM.sysprep', vm, '<unattend/>', 10)).rejects.toThrow(`SYSPREP ${vm}`);
    await expect(call('VM.query_services', vm)).rejects.toThrow(`NOT_SYSTEM_DOMAIN ${vm}`);
    expect(await call('VM.get_cooperative', vm)).toBe(true);
    const record = await call<{ uuid: string; VBDs: string[]; power_state: string }>(
      'VM.get_boot_record',
      vm,
    );
    expect(record).toMatchObject({ power_state: 'Running', VBDs: await call('VM.get_VBDs', vm) });
    await call('VM.hard_shutdown', vm);
    await expect(call('VM.send_sysrq', vm, 'b')).rejects.toThrow(`VM_BAD_POWER_STATE ${vm} running halted`);
    await expect(call('VM.get_boot_record', vm)).rejects.toThrow(
      `VM_BAD_POWER_STATE ${vm} paused, suspended, running halted`,
    );
  });

  test('its consoles are there while it runs and gone afterwards', async () => {
    const vm = await newVm('looked at');
    await call('VM.set_domain_type', vm, 'hvm');
    expect(await call('VM.get_consoles', vm)).toEqual([]);
    await call('VM.start', vm, false, false);
    const consoles = await Promise.all(
      (await call<string[]>('VM.get_consoles', vm)).map((c) =>
        call<{ protocol: string; VM: string }>('console.get_record', c),
      ),
    );
    expect(consoles.map((c) => c.protocol)).toEqual(['rfb']);
    expect(consoles.every((c) => c.VM === vm)).toBe(true);
    const [first] = await call<string[]>('VM.get_consoles', vm);
    await expect(call('console.destroy', first)).rejects.toThrow('NOT_IMPLEMENTED console.destroy');
    await expect(call('console.create', { other_config: {} })).rejects.toThrow(
      'NOT_IMPLEMENTED console.create',
    );
    await eventually(async () => expect(await call('VM.get_allowed_operations', vm)).toContain('suspend'));
    await expect(call('VM.power_state_reset', vm)).rejects.toThrow(
      `HOST_IS_LIVE ${await call('VM.get_resident_on', vm)}`,
    );
    await call('VM.suspend', vm);
    expect(await call('VM.get_consoles', vm)).toEqual([]);
    const present = await call<string>('VM.get_suspend_VDI', vm);
    const { SR } = await call<{ SR: string }>('VDI.get_record', present);
    const other = await call<string>('VDI.create', {
      SR,
      virtual_size: 2 ** 20,
      type: 'user',
      sharable: false,
      read_only: false,
      other_config: {},
    });
    await expect(call('VM.set_suspend_VDI', vm, other)).rejects.toThrow(
      'SUSPEND_VDI_REPLACEMENT_IS_NOT_IDENTICAL',
    );
    await call('VM.power_state_reset', vm);
    expect(await call('VM.get_record', vm)).toMatchObject({
      power_state: 'Halted',
      suspend_VDI: NULL,
      consoles: [],
      domid: -1,
      resident_on: NULL,
    });
  });
});

describe('where a VM could be', () => {
  test('agility, recovery and the advice of a balancer', async () => {
    const vm = await newVm('agile');
    const session = await fetch(`${world.url}/jsonrpc`, {
      method: 'POST',
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'session.login_with_password',
        params: ['root', world.password],
      }),
    }).then(async (r) => ((await r.json()) as { result: string }).result);
    await call('VM.assert_can_be_recovered', vm, session);
    expect(await call('VM.get_SRs_required_for_recovery', vm, session)).toEqual([]);
    await call('VM.assert_agile', vm);
    const [local] = Object.entries(
      await call<Record<string, { shared: boolean; type: string }>>('SR.get_all_records'),
    ).filter(([, s]) => !s.shared && s.type !== 'udev' && s.type !== 'iso' && s.type !== 'image');
    const disk = {
      SR: local?.[0],
      virtual_size: 2 ** 20,
      type: 'user',
      sharable: false,
      read_only: false,
      other_config: {},
    };
    const VDI = await call<string>('VDI.create', disk);
    await call('VBD.create', attachment(vm, VDI, '9'));
    await expect(call('VM.assert_agile', vm)).rejects.toThrow(
      `HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED ${local?.[0]}`,
    );
    const pbds = await call<string[]>('SR.get_PBDs', local?.[0]);
    for (const pbd of pbds) await call('PBD.unplug', pbd);
    expect(await call('VM.get_SRs_required_for_recovery', vm, session)).toEqual([local?.[0]]);
    await expect(call('VM.assert_can_be_recovered', vm, session)).rejects.toThrow(
      `VM_REQUIRES_SR ${vm} ${local?.[0]}`,
    );
    const appliance = await call<string>('VM_appliance.create', { name_label: 'one', name_description: '' });
    await call('VM.set_appliance', vm, appliance);
    await expect(call('VM.assert_can_be_recovered', vm, session)).rejects.toThrow(
      `VM_IS_PART_OF_AN_APPLIANCE ${vm} ${appliance}`,
    );
    await expect(call('VM_appliance.assert_can_be_recovered', appliance, session)).rejects.toThrow(
      `VM_REQUIRES_SR ${vm} ${local?.[0]}`,
    );
    expect(await call('VM_appliance.get_SRs_required_for_recovery', appliance, session)).toEqual([
      local?.[0],
    ]);
    await expect(call('VM.retrieve_wlb_recommendations', vm)).rejects.toThrow('WLB_NOT_INITIALIZED');
    for (const pbd of pbds) await call('PBD.plug', pbd);
  });
});

test('a guest that crashes is told about', async () => {
  const vm = await newVm('fragile');
  await call('VM.set_actions_after_crash', vm, 'destroy');
  await call('VM.start', vm, false, false);
  const uuid = await call<string>('VM.get_uuid', vm);
  const host = await call<string>('host.get_uuid', await call('VM.get_resident_on', vm));
  await world.agent.hypervisor.crash(host, uuid);
  await eventually(async () => expect(await call('VM.get_power_state', vm)).toBe('Halted'));
  const messages = await call<Record<string, { name: string; priority: string }>>(
    'message.get',
    'VM',
    uuid,
    '19700101T00:00:00Z',
  );
  expect(Object.values(messages).map((m) => [m.name, Number(m.priority)])).toContainEqual(['VM_CRASHED', 2]);
});
