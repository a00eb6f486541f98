/** The main job over the wire: from template to running VM and back, with what is left on the node afterwards. */
import { eventually, login, startWorld, type Call, type World } from '../world';

let world: World;
let call: Call;
beforeAll(async () => {
  world = await startWorld({ hosts: 3 });
  call = await login(world.url);
});
afterAll(() => world?.stop());

const template = async (label: string): Promise<string> =>
  (await call<string[]>('VM.get_by_name_label', label))[0] ?? '';
async function newVm(name: string, from = 'Debian Bookworm 12'): Promise<string> {
  const vm = await call<string>('VM.clone', await template(from), name);
  await call('VM.provision', vm);
  return vm;
}

test('a VM is cloned, provisioned, started on the least-loaded host, shut down and destroyed', async () => {
  const vm = await newVm('first');
  expect(await call('VM.get_power_state', vm)).toBe('Halted');
  expect(await call('VM.get_is_a_template', vm)).toBe(false);
  await call('VM.start', vm, false, false);
  const record = await call<{
    power_state: string;
    resident_on: string;
    domid: number;
    allowed_operations: string[];
    current_operations: object;
  }>('VM.get_record', vm);
  expect(record.power_state).toBe('Running');
  expect(record.domid).toBeGreaterThan(0);
  expect(record.current_operations).toEqual({});
  await eventually(async () =>
    expect(await call('VM.get_allowed_operations', vm)).toContain('clean_shutdown'),
  );
  const residents = await call<string[]>('host.get_resident_VMs', record.resident_on);
  expect(residents).toContain(vm);
  await call('VM.clean_shutdown', vm);
  expect(await call('VM.get_power_state', vm)).toBe('Halted');
  await call('VM.destroy', vm);
  await expect(call('VM.get_record', vm)).rejects.toThrow(`HANDLE_INVALID VM ${vm}`);
});

test('six VMs spread evenly over three hosts', async () => {
  const vms = await Promise.all(Array.from({ length: 6 }, (_, i) => newVm(`spread ${i}`)));
  await Promise.all(vms.map((vm) => call('VM.start', vm, false, false)));
  const hosts = await Promise.all(vms.map((vm) => call<string>('VM.get_resident_on', vm)));
  const counts = [...new Set(hosts)].map((h) => hosts.filter((x) => x === h).length);
  expect(counts).toEqual([2, 2, 2]);
  await Promise.all(vms.map((vm) => call('VM.hard_shutdown', vm)));
});

test('what is not legal is refused with xapi’s error and nothing changes', async () => {
  const vm = await newVm('refusals');
  await expect(call('VM.clean_shutdown', vm)).rejects.toThrow(`VM_BAD_POWER_STATE ${vm} running halted`);
  await expect(call('VM.start', await template('Debian Bookworm 12'), false, false)).rejects.toThrow(
    'VM_IS_TEMPLATE',
  );
  await call('VM.start', vm, false, false);
  await expect(call('VM.start', vm, false, false)).rejects.toThrow(`VM_BAD_POWER_STATE ${vm} halted running`);
  await expect(call('VM.destroy', vm)).rejects.toThrow('VM_BAD_POWER_STATE');
  await call('VM.hard_shutdown', vm);
});

test('pause, unpause, suspend, resume and reboot', async () => {
  const vm = await newVm('states');
  await call('VM.start', vm, true, false);
  expect(await call('VM.get_power_state', vm)).toBe('Paused');
  await call('VM.unpause', vm);
  expect(await call('VM.get_power_state', vm)).toBe('Running');
  await eventually(async () => expect(await call('VM.get_allowed_operations', vm)).toContain('suspend'));
  await call('VM.suspend', vm);
  expect(await call('VM.get_power_state', vm)).toBe('Suspended');
  const suspended = await call<string>('VM.get_suspend_VDI', vm);
  expect(await call('VDI.get_type', suspended)).toBe('suspend');
  await call('VM.resume', vm, false, false);
  expect(await call('VM.get_power_state', vm)).toBe('Running');
  await expect(call('VDI.get_type', suspended)).rejects.toThrow('HANDLE_INVALID');
  const before = await call<number>('VM.get_domid', vm);
  await call('VM.hard_reboot', vm);
  expect(await call<number>('VM.get_domid', vm)).toBeGreaterThan(before);
  await call('VM.hard_shutdown', vm);
});

test('a VM that fits on no host is refused and leaves nothing behind', async () => {
  const vm = await newVm('huge');
  const size = 2 ** 50;
  await call('VM.set_memory_limits', vm, 0, size, size, size);
  await expect(call('VM.start', vm, false, false)).rejects.toThrow(
    /HOST_NOT_ENOUGH_FREE_MEMORY|NO_HOSTS_AVAILABLE/,
  );
  const { power_state, current_operations } = await call<{ power_state: string; current_operations: object }>(
    'VM.get_record',
    vm,
  );
  expect({ power_state, current_operations }).toEqual({ power_state: 'Halted', current_operations: {} });
  const [reserved] = await world.apis[0]!.plane.store.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM reservation r JOIN vm v ON v.ref = r.vm WHERE v.ref = $1',
    [vm],
  );
  expect(reserved?.n).toBe(0);
});

test('the guest tells its address and system some time after boot', async () => {
  const vm = await newVm('guest');
  const [network] = await call<string[]>(
    'network.get_by_name_label',
    'Pool-wide network associated with eth0',
  );
  await call('VIF.create', {
    device: '0',
    network,
    VM: vm,
    MAC: '',
    MTU: 0,
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  });
  await call('VM.start', vm, false, false);
  await eventually(async () => {
    const metrics = await call<string>('VM.get_guest_metrics', vm);
    const { networks, os_version } = await call<{
      networks: Record<string, string>;
      os_version: Record<string, string>;
    }>('VM_guest_metrics.get_record', metrics);
    expect(networks['0/ip']).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    expect(os_version['distro']).toBe('debian');
  });
  await call('VM.hard_shutdown', vm);
});

test('a hundred starts of one VM at once: one succeeds, the others are refused', async () => {
  const vm = await newVm('rush');
  const results = await Promise.allSettled(
    Array.from({ length: 100 }, () => call('VM.start', vm, false, false)),
  );
  const refused = results
    .filter((r): r is PromiseRejectedResult => r.status === 'rejected')
    .map((r) => String(r.reason));
  expect(refused.length).toBe(99);
  for (const reason of refused) expect(reason).toMatch(/VM_BAD_POWER_STATE|OTHER_OPERATION_IN_PROGRESS/);
  await call('VM.hard_shutdown', vm);
});
