/** Checks of a VM's platform and processors by start, resume and migration, in the order in which xapi makes them. */
import { login, startWorld, untilGuestSpeaks, type Call, type World } from '../world';

let world: World;
let call: Call;
let hosts: string[];
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  call = await login(world.url);
  hosts = await call<string[]>('host.get_all');
});
afterAll(() => world?.stop());

async function newVm(name: string, type = 'hvm'): Promise<string> {
  const vm = await call<string>(
    'VM.clone',
    (await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12'))[0],
    name,
  );
  await call('VM.provision', vm);
  await call('VM.set_domain_type', vm, type);
  await set(vm, 'HVM_boot_params', { firmware: 'bios' });
  return vm;
}
async function set(
  vm: string,
  map: 'platform' | 'HVM_boot_params',
  entries: Readonly<Record<string, string>>,
): Promise<void> {
  const present = await call<Record<string, string>>(`VM.get_${map}`, vm);
  await call(`VM.set_${map}`, vm, { ...present, ...entries });
}
async function vcpus(vm: string, count: number): Promise<void> {
  await call('VM.set_VCPUs_max', vm, count);
  await call('VM.set_VCPUs_at_startup', vm, count);
}

test.each<[string, Readonly<Record<string, string>>, string]>([
  [
    'cores that do not divide the vCPUs',
    { 'cores-per-socket': '3' },
    'VCPU_MAX_NOT_CORES_PER_SOCKET_MULTIPLE 4 3',
  ],
  ['no cores', { 'cores-per-socket': '0' }, 'VCPU_MAX_NOT_CORES_PER_SOCKET_MULTIPLE 4 0'],
  ['cores that are no number', { 'cores-per-socket': 'abc' }, 'INVALID_VALUE platform:cores-per-socket abc'],
  [
    'nesting that is neither on nor off',
    { 'nested-virt': 'perhaps' },
    'INVALID_VALUE platform:nested-virt perhaps',
  ],
  [
    'the device model of the other firmware',
    { 'device-model': 'qemu-upstream-uefi' },
    'INVALID_VALUE platform:device-model BIOS boot is not supported',
  ],
])('a start refuses %s, here and there, and takes nothing', async (_what, platform, message) => {
  const vm = await newVm('unfit');
  await vcpus(vm, 4);
  await set(vm, 'platform', platform);
  await expect(call('VM.start', vm, false, false)).rejects.toThrow(message);
  await expect(call('VM.start_on', vm, hosts[0], false, true)).rejects.toThrow(message);
  expect(await call('VM.get_record', vm)).toMatchObject({
    power_state: 'Halted',
    current_operations: {},
    scheduled_to_be_resident_on: 'OpaqueRef:NULL',
  });
  await call('VM.assert_can_boot_here', vm, hosts[0]);
  await call('VM.destroy', vm);
});

test('a guest without a device model starts whatever its cores are; firmware must be one that there is', async () => {
  const vm = await newVm('plain', 'pv');
  await set(vm, 'platform', { 'cores-per-socket': 'abc' });
  await call('VM.start', vm, true, false);
  await call('VM.hard_shutdown', vm);
  await set(vm, 'HVM_boot_params', { firmware: 'coreboot' });
  await expect(call('VM.start', vm, false, false)).rejects.toThrow(
    "INVALID_VALUE HVM-boot-params['firmware'] coreboot",
  );
});

test('nesting asks for memory that does not move, unless the start is forced', async () => {
  const vm = await newVm('nested');
  await set(vm, 'platform', { 'nested-virt': 'true' });
  const gib = 2 ** 30;
  await call('VM.set_memory_limits', vm, gib, 2 * gib, gib, 2 * gib);
  await expect(call('VM.start', vm, false, false)).rejects.toThrow(
    'MEMORY_CONSTRAINT_VIOLATION_MAXPIN nested virt',
  );
  await call('VM.start', vm, true, true);
  await call('VM.hard_shutdown', vm);
});

test('a VM is started with a device model named, and a former one is replaced', async () => {
  const vm = await newVm('modelled');
  await call('VM.remove_from_platform', vm, 'device-model');
  await set(vm, 'HVM_boot_params', { firmware: 'uefi' });
  await call('VM.start', vm, true, false);
  expect(await call('VM.get_platform', vm)).toMatchObject({ 'device-model': 'qemu-upstream-uefi' });
  await call('VM.hard_shutdown', vm);
  await set(vm, 'platform', { 'device-model': 'qemu-trad' });
  await set(vm, 'HVM_boot_params', { firmware: 'bios' });
  await call('VM.start', vm, true, false);
  expect(await call('VM.get_platform', vm)).toMatchObject({ 'device-model': 'qemu-upstream-compat' });
  await call('VM.hard_shutdown', vm);
});

test('a resume refuses cores that were set meanwhile, and the VM stays suspended', async () => {
  const vm = await newVm('asleep');
  await call('VM.start', vm, false, false);
  await untilGuestSpeaks(call, vm);
  await call('VM.suspend', vm);
  await set(vm, 'platform', { 'cores-per-socket': 'many' });
  for (const [method, ...where] of [['VM.resume'], ['VM.resume_on', hosts[1]]] as const)
    await expect(call(method, vm, ...where, false, false)).rejects.toThrow(
      'INVALID_VALUE platform:cores-per-socket many',
    );
  expect(await call('VM.get_power_state', vm)).toBe('Suspended');
  await set(vm, 'platform', { 'cores-per-socket': '1' });
  await call('VM.resume', vm, false, false);
  await call('VM.hard_shutdown', vm);
});

test('no host is possible for a VM that would dump the memory of an HVM guest when it crashes', async () => {
  const vm = await newVm('dumping');
  await call('VM.set_actions_after_crash', vm, 'coredump_and_restart');
  const refused = 'VALUE_NOT_SUPPORTED VM.actions_after_crash coredump_and_restart';
  expect(await call('VM.get_possible_hosts', vm)).toEqual([]);
  await expect(call('VM.assert_can_boot_here', vm, hosts[0])).rejects.toThrow(refused);
  await expect(call('VM.start', vm, false, false)).rejects.toThrow(refused);
  await call('VM.set_domain_type', vm, 'pv');
  await call('VM.start', vm, true, false);
  await call('VM.hard_shutdown', vm);
});

describe('a guest with more vCPUs than a host has CPUs', () => {
  let vm: string;
  beforeAll(async () => {
    vm = await newVm('wide');
    await vcpus(vm, 100);
    await set(vm, 'platform', { 'cores-per-socket': 'abc' });
  });
  test('is told so, before anything of its platform', async () => {
    expect(await call('host.get_cpu_info', hosts[0])).toMatchObject({ cpu_count: '64' });
    expect(await call('VM.get_possible_hosts', vm)).toEqual([]);
    await expect(call('VM.start', vm, false, false)).rejects.toThrow('HOST_NOT_ENOUGH_PCPUS 100 64');
    await expect(call('VM.start_on', vm, hosts[0], false, true)).rejects.toThrow(
      'HOST_NOT_ENOUGH_PCPUS 100 64',
    );
    await expect(call('VM.assert_can_boot_here', vm, hosts[0])).rejects.toThrow(
      'HOST_NOT_ENOUGH_PCPUS 100 64',
    );
  });
  test('runs where its settings allow it, and where its start left it moves by the same rule', async () => {
    await set(vm, 'platform', { 'cores-per-socket': '1', 'vcpu-unrestricted': 'true' });
    expect(await call<string[]>('VM.get_possible_hosts', vm)).toHaveLength(2);
    await call('VM.start_on', vm, hosts[0], false, false);
    await untilGuestSpeaks(call, vm);
    await call('VM.remove_from_platform', vm, 'vcpu-unrestricted');
    await expect(call('VM.pool_migrate', vm, hosts[1], {})).rejects.toThrow('HOST_NOT_ENOUGH_PCPUS 100 64');
    await call('VM.suspend', vm);
    await expect(call('VM.resume', vm, false, false)).rejects.toThrow('HOST_NOT_ENOUGH_PCPUS 100 64');
    await expect(call('VM.resume_on', vm, hosts[1], false, false)).rejects.toThrow(
      'HOST_NOT_ENOUGH_PCPUS 100 64',
    );
    await call('VM.hard_shutdown', vm);
  });
});
