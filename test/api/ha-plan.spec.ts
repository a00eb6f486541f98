/** The plan of high availability: what would break it is refused, and what binds a VM to its host has no place in it. */
import { attachment, eventually, login, startWorld, type Call, type World } from '../world';

const GiB = 2 ** 30;
let world: World;
let call: Call;
let pool: string;
let hosts: string[];
beforeAll(async () => {
  world = await startWorld({ hosts: 3 });
  call = await login(world.url);
  [pool = ''] = await call<string[]>('pool.get_all');
  hosts = await call<string[]>('host.get_all');
  await call('pool.enable_ha', [], {});
  await call('pool.set_ha_host_failures_to_tolerate', pool, 1);
});
afterAll(() => world?.stop());

async function newVm(name: string, gigabytes: number, staticGigabytes = gigabytes): Promise<string> {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, name);
  await call('VM.provision', vm);
  await call('VM.set_memory_limits', vm, GiB, staticGigabytes * GiB, gigabytes * GiB, gigabytes * GiB);
  return vm;
}
const breaks = (method: string, ...params: unknown[]): Promise<void> =>
  expect(call(method, ...params)).rejects.toThrow(/^HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN$/);
const freeOn = (host: string | undefined): Promise<number> => call('host.compute_free_memory', host);
const overcommit = (allowed: boolean): Promise<unknown> =>
  call('pool.set_ha_allow_overcommit', pool, allowed);

/** Two protected VMs of 100 GiB on the first host, one of 160 on the second: if the first fails, only the third has room for both. */
describe('a VM that is not protected takes no room that the plan needs', () => {
  let big: string, next: string;
  beforeAll(async () => {
    for (const name of ['kept 1', 'kept 2']) {
      const vm = await newVm(name, 100);
      await call('VM.set_ha_restart_priority', vm, 'restart');
      await call('VM.start_on', vm, hosts[0], false, false);
    }
    big = await newVm('big', 160);
    next = await newVm('next', 160);
    await call('VM.start_on', big, hosts[1], false, false);
  });

  test('when it starts, wherever that is to be', async () => {
    const before = await freeOn(hosts[2]);
    await breaks('VM.start', next, false, false);
    await breaks('VM.start_on', next, hosts[2], false, false);
    const task = await call<string>('Async.VM.start', next, false, false);
    await eventually(async () => expect(await call('task.get_status', task)).toBe('failure'));
    expect(await call('task.get_error_info', task)).toEqual(['HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN']);
    expect([
      await call('VM.get_power_state', next),
      await call('VM.get_scheduled_to_be_resident_on', next),
    ]).toEqual(['Halted', 'OpaqueRef:NULL']);
    expect(await freeOn(hosts[2])).toBe(before);
    const small = await newVm('small', 10);
    await call('VM.start_on', small, hosts[2], false, false);
    await call('VM.hard_shutdown', small);
  });

  test('when it resumes', async () => {
    await overcommit(true);
    await call('VM.start', next, false, false);
    await eventually(() => call('VM.suspend', next));
    await overcommit(false);
    await breaks('VM.resume', next, false, false);
    await breaks('VM.resume_on', next, hosts[2], false, false);
    expect(await call('VM.get_power_state', next)).toBe('Suspended');
    await call('VM.hard_shutdown', next);
  });

  test('when it grows', async () => {
    const growing = await newVm('growing', 20, 160);
    await call('VM.start_on', growing, hosts[2], false, false);
    const before = await freeOn(hosts[2]);
    await breaks('VM.set_memory_dynamic_range', growing, 20 * GiB, 160 * GiB);
    expect([await call('VM.get_memory_dynamic_max', growing), await freeOn(hosts[2])]).toEqual([
      20 * GiB,
      before,
    ]);
    await call('VM.set_memory_dynamic_range', growing, 20 * GiB, 30 * GiB);
    await call('VM.hard_shutdown', growing);
  });

  test('when it moves', async () => {
    await breaks('VM.pool_migrate', big, hosts[2], {});
    expect(await call('VM.get_resident_on', big)).toBe(hosts[1]);
    await overcommit(true);
    await call('VM.pool_migrate', big, hosts[2], {});
    expect(await call('VM.get_resident_on', big)).toBe(hosts[2]);
    await overcommit(false);
  });

  test('and a host is emptied of what is protected alone', async () => {
    expect(await call('host.get_vms_which_prevent_evacuation', hosts[2])).toEqual({
      [big]: ['HOST_NOT_ENOUGH_FREE_MEMORY', big],
    });
    await expect(call('host.evacuate', hosts[2])).rejects.toThrow(`HOST_NOT_ENOUGH_FREE_MEMORY ${big}`);
    expect(await call('host.get_vms_which_prevent_evacuation', hosts[0])).toEqual({});
  });
});

describe('what not every host has', () => {
  let inside: string, local: string;
  const nic = (VM: string): object => ({
    device: '5',
    network: inside,
    VM,
    MAC: '',
    MTU: 1500,
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  });
  beforeAll(async () => {
    inside = await call<string>('network.create', {
      name_label: 'inside',
      name_description: '',
      MTU: 1500,
      other_config: {},
      bridge: '',
      managed: true,
    });
    [local = ''] = await call<string[]>('SR.get_by_name_label', 'Local storage');
  });
  const localDisk = (): Promise<string> =>
    call('VDI.create', {
      SR: local,
      virtual_size: 2 ** 20,
      type: 'user',
      sharable: false,
      read_only: false,
      other_config: {},
    });

  test('binds a VM: a disk, a disc in a drive, a network, a repository that a host has lost', async () => {
    const vm = await newVm('bound', 1);
    await call('VM.assert_agile', vm);
    const VIF = await call<string>('VIF.create', nic(vm));
    await expect(call('VM.assert_agile', vm)).rejects.toThrow(
      `HA_CONSTRAINT_VIOLATION_NETWORK_NOT_SHARED ${inside}`,
    );
    await call('VIF.destroy', VIF);
    await call('VM.assert_agile', vm);
    const VBD = await call<string>('VBD.create', attachment(vm, await localDisk()));
    await expect(call('VM.assert_agile', vm)).rejects.toThrow(
      `HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED ${local}`,
    );
    expect(await call('pool.ha_compute_vm_failover_plan', [], [vm])).toEqual({
      [vm]: { error_code: 'HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED' },
    });
    await call('VBD.destroy', VBD);
    const discs = await call<string>(
      'SR.create',
      hosts[0],
      { location: '/srv/discs' },
      0,
      'discs',
      '',
      'iso',
      'iso',
      false,
      {},
    );
    const [disc] = await call<string[]>('SR.get_VDIs', discs);
    const drive = await call<string>('VBD.create', { ...attachment(vm, disc ?? ''), type: 'CD', mode: 'RO' });
    await expect(call('VM.assert_agile', vm)).rejects.toThrow(
      `HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED ${discs}`,
    );
    await call('VBD.eject', drive);
    const place = await call<string>(
      'SR.create',
      hosts[0],
      { server: 'filer', serverpath: '/export/some' },
      0,
      'some',
      '',
      'nfs',
      'user',
      true,
      {},
    );
    const shared = await call<string>('VDI.create', {
      SR: place,
      virtual_size: 2 ** 20,
      type: 'user',
      sharable: false,
      read_only: false,
      other_config: {},
    });
    await call('VBD.create', attachment(vm, shared));
    await call('VM.assert_agile', vm);
    const [pbd] = await call<string[]>('SR.get_PBDs', place);
    await call('PBD.unplug', pbd);
    await expect(call('VM.assert_agile', vm)).rejects.toThrow(
      `HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED ${place}`,
    );
    await call('PBD.plug', pbd);
    await call('VM.assert_agile', vm);
    await call('VM.destroy', vm);
    await call('VDI.destroy', shared);
  });

  test('is not given to a VM that is kept running', async () => {
    const vm = await newVm('kept too', 1);
    await call('VM.set_ha_restart_priority', vm, 'restart');
    const VDI = await localDisk();
    await call('VM.start', vm, false, false);
    await breaks('VBD.create', attachment(vm, VDI));
    await breaks('VIF.create', nic(vm));
    await overcommit(true);
    await call('VIF.create', nic(vm));
    await call('VBD.create', attachment(vm, VDI));
    await overcommit(false);
  });
});
