/** PCI devices and whole GPUs that VMs are given: by one VM at a time, on the host that has them, and for a guest that stays there. */
import { login, startWorld, untilGuestSpeaks, type Call, type World } from '../world';

let world: World;
let calls: readonly Call[];
let call: Call;
beforeAll(async () => {
  world = await startWorld({ hosts: 3, apis: 2 });
  calls = await Promise.all(world.apis.map(({ url }) => login(url)));
  call = calls[0] ?? (await login(world.url));
});
afterAll(() => world?.stop());

const card = '0000:81:00.0'; // the accelerator of one host of three
const disk = '0000:41:00.0'; // one on every host
async function newVm(name: string, pci?: string): Promise<string> {
  const vm = await call<string>(
    'VM.clone',
    (await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12'))[0],
    name,
  );
  await call('VM.provision', vm);
  if (pci !== undefined) await call('VM.add_to_other_config', vm, 'pci', pci);
  return vm;
}
interface Pci {
  readonly host: string;
  readonly pci_id: string;
}
const pcisAt = async (address: string): Promise<(readonly [string, string])[]> =>
  Object.entries(await call<Record<string, Pci>>('PCI.get_all_records')).flatMap(([ref, { host, pci_id }]) =>
    pci_id === address ? [[ref, host] as const] : [],
  );
const attached = (vm: string): Promise<string[]> => call('VM.get_attached_PCIs', vm);

test('hosts have devices that can be passed through: network cards, disks and USB controllers', async () => {
  const names = Object.values(await call<Record<string, { class_name: string }>>('PCI.get_all_records')).map(
    ({ class_name }) => class_name,
  );
  for (const name of [
    'Ethernet controller',
    'Non-Volatile memory controller',
    'USB controller',
    'VGA compatible controller',
    '3D controller',
  ])
    expect(names).toContain(name);
});

test('a VM is given its device on the host that has it, and gives it back when it halts', async () => {
  const [[ref, host] = ['', '']] = await pcisAt(card);
  const other = (await call<string[]>('host.get_all')).find((one) => one !== host) ?? '';
  const vm = await newVm('given', `0/${card}`);
  expect(await call('VM.get_possible_hosts', vm)).toEqual([host]);
  await call('VM.assert_can_boot_here', vm, host);
  const refused = `VM_INCOMPATIBLE_WITH_THIS_HOST ${vm} ${other} The host has no PCI device ${card}`;
  await expect(call('VM.assert_can_boot_here', vm, other)).rejects.toThrow(refused);
  await expect(call('VM.start_on', vm, other, false, false)).rejects.toThrow(refused);
  expect(await attached(vm)).toEqual([]);
  await call('VM.start', vm, false, false);
  expect([await call('VM.get_resident_on', vm), await attached(vm)]).toEqual([host, [ref]]);
  expect(await call('VM.get_possible_hosts', vm)).toEqual([host]);
  await call('VM.assert_can_boot_here', vm, host);
  await expect(call('VM.assert_can_boot_here', vm, other)).rejects.toThrow(refused);
  await untilGuestSpeaks(call, vm);
  await call('VM.clean_reboot', vm);
  expect(await attached(vm)).toEqual([ref]);
  await untilGuestSpeaks(call, vm);
  await call('VM.clean_shutdown', vm);
  expect(await attached(vm)).toEqual([]);
  await call('VM.destroy', vm);
});

test('a guest with a device stays where it is: no migration, suspend or checkpoint, and none is offered', async () => {
  const [, host] = (await pcisAt(disk))[0] ?? [];
  const other = (await call<string[]>('host.get_all')).find((one) => one !== host) ?? '';
  const vm = await newVm('bound', `0/${disk},1/0000:c5:00.3`);
  await call('VM.start_on', vm, host, false, false);
  await untilGuestSpeaks(call, vm);
  expect(await attached(vm)).toHaveLength(2);
  const refused = `VM_HAS_PCI_ATTACHED ${vm}`;
  await expect(call('VM.suspend', vm)).rejects.toThrow(refused);
  await expect(call('VM.checkpoint', vm, 'with memory')).rejects.toThrow(refused);
  await expect(call('VM.pool_migrate', vm, other, {})).rejects.toThrow(refused);
  const allowed = await call<string[]>('VM.get_allowed_operations', vm);
  for (const op of ['suspend', 'checkpoint', 'pool_migrate', 'migrate_send'])
    expect(allowed).not.toContain(op);
  expect(await call('host.get_vms_which_prevent_evacuation', host)).toMatchObject({
    [vm]: expect.arrayContaining(['VM_HAS_PCI_ATTACHED']),
  });
  const copy = await call<string>('VM.snapshot', vm, 'without memory', []);
  expect(await attached(copy)).toEqual([]);
  await call('VM.hard_shutdown', vm);
  expect(await call<string[]>('VM.get_possible_hosts', vm)).toHaveLength(3);
});

test.each([
  ['0/0000:99:00.0', '0/0000:99:00.0'],
  [`0/${disk},0/0000:99:00.0`, '0/0000:99:00.0'],
  [card, card],
  ['card', 'card'],
])('a start with %j is refused: there is no such device, and the others stay free', async (pci, wrong) => {
  const vm = await newVm('mistaken', pci);
  const host = (await call<string[]>('host.get_all'))[0];
  for (const [method, ...where] of [['VM.start'], ['VM.start_on', host]] as const)
    await expect(call(method, vm, ...where, false, false)).rejects.toThrow(
      `INVALID_VALUE other_config:pci ${wrong}`,
    );
  await call('VM.set_other_config', vm, { pci: `0/${disk}` });
  expect(await call<string[]>('VM.get_possible_hosts', vm)).toHaveLength(3);
  await call('VM.destroy', vm);
});

test('of many that start at once on two APIs each device goes to one', async () => {
  const one = await Promise.all(Array.from({ length: 6 }, (_, n) => newVm(`card ${n}`, `0/${card}`)));
  const every = await Promise.all(Array.from({ length: 6 }, (_, n) => newVm(`disk ${n}`, `0/${disk}`)));
  const all = [...one, ...every];
  const outcome = await Promise.allSettled(
    all.map((vm, n) => (calls[n % 2] ?? call)('VM.start', vm, true, false)),
  );
  const up = (vms: readonly string[]): string[] =>
    vms.filter((vm) => outcome[all.indexOf(vm)]?.status === 'fulfilled');
  expect([up(one).length, up(every).length]).toEqual([1, 3]);
  for (const [n, end] of outcome.entries())
    if (end.status === 'rejected')
      expect(String(end.reason)).toContain(`DEVICE_ALREADY_ATTACHED ${n < one.length ? card : disk}`);
  const held = (await Promise.all(all.map(attached))).flat();
  expect([held.length, new Set(held).size]).toEqual([4, 4]);
  const [loser = ''] = one.filter((vm) => !up(one).includes(vm));
  await call('VM.hard_shutdown', up(one)[0]);
  await call('VM.start', loser, true, false);
  expect(await attached(loser)).toHaveLength(1);
  for (const vm of all)
    if ((await call('VM.get_power_state', vm)) !== 'Halted') await call('VM.hard_shutdown', vm);
});

test('a GPU is given whole, in parts, or as a PCI device: one of the three', async () => {
  const gpus = Object.entries(
    await call<Record<string, { is_system_display_device: boolean; GPU_group: string; PCI: string }>>(
      'PGPU.get_all_records',
    ),
  );
  const [, gpu] = gpus.find(([, one]) => !one.is_system_display_device) ?? [];
  const types = Object.entries(
    await call<Record<string, { model_name: string }>>('VGPU_type.get_all_records'),
  );
  const type = (name: string): string => types.find(([, one]) => one.model_name === name)?.[0] ?? '';
  const left = (name: string): Promise<number> =>
    call('GPU_group.get_remaining_capacity', gpu?.GPU_group, type(name));
  const withGpu = async (name: string): Promise<string> => {
    const vm = await newVm(name);
    await call('VGPU.create', vm, gpu?.GPU_group, '0', {}, type(name));
    return vm;
  };
  const [whole, part, named] = [
    await withGpu('passthrough'),
    await withGpu('GRID T4-8Q'),
    await newVm('by address', `0/${card}`),
  ];

  await call('VM.start', whole, false, false);
  expect(await attached(whole)).toEqual([gpu?.PCI]);
  await untilGuestSpeaks(call, whole);
  await expect(call('VM.suspend', whole)).rejects.toThrow(`VM_HAS_PCI_ATTACHED ${whole}`);
  await expect(call('VM.start', named, false, false)).rejects.toThrow(`DEVICE_ALREADY_ATTACHED ${card}`);
  await call('VM.hard_shutdown', whole);

  await call('VM.start', part, true, false);
  expect(await attached(part)).toEqual([]);
  await expect(call('VM.start', named, false, false)).rejects.toThrow(`DEVICE_ALREADY_ATTACHED ${card}`);
  await call('VM.hard_shutdown', part);

  expect([await left('passthrough'), await left('GRID T4-8Q')]).toEqual([1, 2]);
  await call('VM.start', named, true, false);
  expect([await left('passthrough'), await left('GRID T4-8Q')]).toEqual([0, 0]);
  for (const vm of [whole, part])
    await expect(call('VM.start', vm, true, false)).rejects.toThrow('NO_HOSTS_AVAILABLE');
  await call('VM.hard_shutdown', named);
  await call('VM.start', whole, true, false);
  await call('VM.hard_shutdown', whole);
});

describe('of three hosts one has no IOMMU', () => {
  let small: World, at: Call, without: string, others: string[];
  beforeAll(async () => {
    small = await startWorld({ hosts: 3, hostVariables: { XENPLANE_HOSTS_WITHOUT_IOMMU: '1' } });
    at = await login(small.url);
    const hosts = Object.entries(
      await at<Record<string, { chipset_info: Record<string, string> }>>('host.get_all_records'),
    );
    const having = (iommu: string): string[] =>
      hosts.flatMap(([ref, { chipset_info }]) => (chipset_info['iommu'] === iommu ? [ref] : [])).toSorted();
    [[without = ''], others] = [having('false'), having('true')];
  });
  afterAll(() => small?.stop());
  const cloned = async (name: string): Promise<string> => {
    const vm = await at<string>(
      'VM.clone',
      (await at<string[]>('VM.get_by_name_label', 'Debian Bookworm 12'))[0],
      name,
    );
    await at('VM.provision', vm);
    return vm;
  };

  test('it takes no VM with a PCI device or a whole GPU, and any other', async () => {
    const vm = await cloned('passed through');
    const possible = async (): Promise<string[]> =>
      (await at<string[]>('VM.get_possible_hosts', vm)).toSorted();
    expect(await possible()).toEqual([without, ...others].toSorted());
    await at('VM.add_to_other_config', vm, 'pci', `0/${disk}`);
    expect(await possible()).toEqual(others);
    const refused = `VM_REQUIRES_IOMMU ${without}`;
    await expect(at('VM.assert_can_boot_here', vm, without)).rejects.toThrow(refused);
    await expect(at('VM.start_on', vm, without, false, false)).rejects.toThrow(refused);
    await at('VM.start', vm, false, false);
    expect(others).toContain(await at('VM.get_resident_on', vm));
    await at('VM.hard_shutdown', vm);

    await at('VM.remove_from_other_config', vm, 'pci');
    const types = await at<Record<string, { implementation: string }>>('VGPU_type.get_all_records'),
      [whole = ''] = Object.keys(types).filter((type) => types[type]?.implementation === 'passthrough'),
      groups = Object.entries(
        await at<Record<string, { supported_VGPU_types: string[] }>>('GPU_group.get_all_records'),
      ),
      [group] = groups.find(([, { supported_VGPU_types }]) => supported_VGPU_types.includes(whole)) ?? [];
    await at('VGPU.create', vm, group, '0', {}, whole);
    await expect(at('VM.assert_can_boot_here', vm, without)).rejects.toThrow(refused);
  });
});
