/** Where VMs go: the pool as it is seen from the database and from the replica, the policies, and what no move may overlook. */
import type { Candidate, PlacementSnapshot } from '@xenplane/domain';
import { haSnapshotFromReplica, haSnapshotFromTx, snapshotFromReplica, snapshotFromTx } from '@xenplane/xapi';
import { inTransaction, reading } from '@xenplane/store';
import { attachment, eventually, login, startWorld, type Call, type World } from '../world';

const GiB = 2 ** 30;
const card = '0000:81:00.0'; // on one host of three
let world: World;
let call: Call;
let pool: string;
let hosts: string[];
beforeAll(async () => {
  world = await startWorld({ hosts: 3 });
  call = await login(world.url);
  [pool = ''] = await call<string[]>('pool.get_all');
  hosts = await call<string[]>('host.get_all');
});
afterAll(() => world?.stop());
const plane = () => {
  const [api] = world.apis;
  if (!api) throw new Error('no API');
  return api.plane;
};

async function newVm(name: string, gigabytes = 1): Promise<string> {
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const vm = await call<string>('VM.clone', template, name);
  await call('VM.provision', vm);
  const bytes = gigabytes * GiB;
  await call('VM.set_memory_limits', vm, bytes, bytes, bytes, bytes);
  return vm;
}
async function startedVm(name: string, host?: string, gigabytes = 1): Promise<string> {
  const vm = await newVm(name, gigabytes);
  await (host ? call('VM.start_on', vm, host, false, false) : call('VM.start', vm, false, false));
  return vm;
}
const movable = (vm: string): Promise<void> =>
  eventually(async () => expect(await call('VM.get_allowed_operations', vm)).toContain('pool_migrate'));
const residentOn = (vm: string): Promise<string> => call('VM.get_resident_on', vm);
async function newGroup(vms: readonly string[]): Promise<string> {
  const group = await call<string>('VM_group.create', {
    name_label: 'apart',
    name_description: '',
    placement: 'anti_affinity',
  });
  for (const vm of vms) await call('VM.set_groups', vm, [group]);
  return group;
}
async function destroyed(vms: readonly string[]): Promise<void> {
  for (const vm of vms) {
    if ((await call('VM.get_power_state', vm)) !== 'Halted') await call('VM.hard_shutdown', vm);
    await call('VM.destroy', vm);
  }
}

/** With sets and hosts in an order of their own, so that two snapshots of one state are equal. */
const inOrder = ({ hosts: all, guests, reservations, policy }: PlacementSnapshot) => ({
  hosts: Object.fromEntries(all.map((host) => [host.ref, ordered(host)])),
  guests: Object.fromEntries(
    [...guests].map(([vm, guest]) => [
      vm,
      {
        ...guest,
        srs: guest.srs.toSorted(),
        networks: guest.networks.toSorted(),
        innerNetworks: (guest.innerNetworks ?? []).toSorted(),
      },
    ]),
  ),
  reservations: reservations.map(({ vm, host }) => `${vm} ${host}`).sort(),
  policy,
});
const ordered = ({ srs, networks, pcis, usbGroups, ...host }: Candidate): object => ({
  ...host,
  srs: [...srs].sort(),
  networks: [...networks].sort(),
  pcis: [...(pcis ?? [])].sort(),
  usbGroups: [...(usbGroups ?? [])].sort(),
});

describe('the pool from the database and from the replica', () => {
  let vms: string[];
  beforeAll(async () => {
    const [first = '', second = '', third = ''] = hosts;
    const [network = ''] = await call<string[]>('network.get_all');
    const inside = await call<string>('network.create', {
      name_label: 'inside',
      name_description: '',
      MTU: 1500,
      other_config: {},
      bridge: '',
      managed: true,
    });
    const [local = ''] = await call<string[]>('SR.get_by_name_label', 'Local storage');
    const running = await startedVm('running', first, 3);
    const paused = await newVm('paused');
    await call('VM.start_on', paused, second, true, false);
    const asleep = await startedVm('asleep', third);
    await eventually(() => call('VM.suspend', asleep));
    const halted = await newVm('halted', 2);
    await call('VM.set_affinity', halted, second);
    const VDI = await call<string>('VDI.create', {
      SR: local,
      virtual_size: GiB,
      type: 'user',
      sharable: false,
      read_only: false,
      other_config: {},
    });
    await call('VBD.create', attachment(halted, VDI));
    for (const [device, one] of [network, inside].entries())
      await call('VIF.create', {
        device: String(device + 4),
        network: one,
        VM: halted,
        MAC: '',
        MTU: 1500,
        other_config: {},
        qos_algorithm_type: '',
        qos_algorithm_params: {},
      });
    const withCard = await newVm('with a card');
    await call('VM.add_to_other_config', withCard, 'pci', `0/${card}`);
    await call('VM.start', withCard, false, false);
    const wantsCard = await newVm('wants the card too');
    await call('VM.add_to_other_config', wantsCard, 'pci', `0/${card},0/0000:41:00.0`);
    const types = await call<Record<string, { model_name: string }>>('VGPU_type.get_all_records');
    const [type] = Object.entries(types).find(([, { model_name }]) => model_name === 'GRID T4-8Q') ?? [];
    const gpus = Object.values(
      await call<Record<string, { is_system_display_device: boolean; GPU_group: string }>>(
        'PGPU.get_all_records',
      ),
    );
    const withGpu = await newVm('with a GPU');
    await call(
      'VGPU.create',
      withGpu,
      gpus.find((gpu) => !gpu.is_system_display_device)?.GPU_group,
      '0',
      {},
      type,
    );
    const grouped = [await startedVm('apart 1'), await newVm('apart 2')];
    await newGroup(grouped);
    const chooser = await newVm('chooser');
    await call('VM.add_to_other_config', chooser, 'placement-policy', 'packed');
    await call('pool.add_to_other_config', pool, 'placement-policy', 'packed');
    const lasting = await startedVm('lasting', second);
    await call('VM.set_ha_restart_priority', lasting, 'restart');
    await call('VM.set_ha_restart_priority', halted, 'restart');
    vms = [running, paused, asleep, halted, withCard, wantsCard, withGpu, ...grouped, chooser, lasting];
    await movable(running);
    await call('VM.set_memory_dynamic_range', running, 3 * GiB, 3 * GiB);
    await call('host.disable', third);
  });
  afterAll(async () => {
    await call('pool.remove_from_other_config', pool, 'placement-policy');
    await call('host.enable', hosts[2]);
    await destroyed(vms);
  });

  test.each(['start', 'move'] as const)('is the same, with all VMs that are to %s', async (as) => {
    const { store, replica } = plane();
    const fromTx = await reading(store, (tx) => snapshotFromTx(tx, vms, as));
    await replica.fresh();
    const seen = inOrder(await snapshotFromReplica(replica, vms, as));
    expect(seen).toEqual(inOrder(fromTx));
    expect([Object.keys(seen.hosts).length, Object.keys(seen.guests).length]).toEqual([3, vms.length]);
  });

  test('is the same for the plan of high availability', async () => {
    const { store, replica } = plane();
    for (const question of [{}, { besides: vms.slice(0, 2) }, { instead: vms.slice(2, 5) }]) {
      const fromTx = await reading(store, (tx) => haSnapshotFromTx(tx, question));
      await replica.fresh();
      expect(inOrder(await haSnapshotFromReplica(replica, question))).toEqual(inOrder(fromTx));
    }
    const { guests } = await haSnapshotFromReplica(replica);
    expect([...guests.keys()]).toEqual(vms.slice(-1));
  });

  test('has what a VM takes that is on its start, as long as its host has not answered', async () => {
    const { store, replica } = plane();
    const vm = await newVm('on its start', 7);
    const task = await call<string>('Async.VM.start', vm, false, false);
    await eventually(async () => {
      const fromTx = await reading(store, (tx) => snapshotFromTx(tx, [vm], 'start'));
      expect(fromTx.reservations).toHaveLength(1);
      await replica.fresh();
      expect(inOrder(await snapshotFromReplica(replica, [vm], 'start'))).toEqual(inOrder(fromTx));
    });
    await eventually(async () => expect(await call('task.get_status', task)).toBe('success'));
    await destroyed([vm]);
  });
});

describe('a policy', () => {
  const explanations = async (vm: string): Promise<unknown[]> =>
    inTransaction(plane().store, (tx) =>
      tx.query(
        "SELECT policy, explanation ->> 'policy' AS named, (explanation ->> 'version')::int AS version FROM placement WHERE vm = $1",
        [vm],
      ),
    );
  let full: string;
  beforeAll(async () => {
    full = await startedVm('full', hosts[1], 20);
  });
  afterAll(() => destroyed([full]));

  test('is the VM’s own, else its pool’s, else the least loaded host; what is recorded names it', async () => {
    const plain = await startedVm('plain');
    expect(await residentOn(plain)).not.toBe(hosts[1]);
    await call('pool.add_to_other_config', pool, 'placement-policy', 'packed');
    const follower = await newVm('follower');
    expect((await call<string[]>('VM.get_possible_hosts', follower))[0]).toBe(hosts[1]);
    await eventually(async () => {
      if ((await call('VM.get_power_state', follower)) !== 'Halted') await call('VM.hard_shutdown', follower);
      await call('VM.start', follower, false, false);
      expect(await residentOn(follower)).toBe(hosts[1]);
    });
    const own = await newVm('own');
    await call('VM.add_to_other_config', own, 'placement-policy', 'least-loaded');
    expect((await call<string[]>('VM.get_possible_hosts', own)).at(-1)).toBe(hosts[1]);
    await call('VM.start', own, false, false);
    expect(await residentOn(own)).not.toBe(hosts[1]);
    expect((await explanations(follower)).at(-1)).toEqual({ policy: 'packed', named: 'packed', version: 1 });
    expect(await explanations(own)).toEqual([{ policy: 'least-loaded', named: 'least-loaded', version: 2 }]);
    await call('pool.remove_from_other_config', pool, 'placement-policy');
    await destroyed([plain, follower, own]);
  });

  test('that there is not is refused where it is set, and never keeps a VM from running', async () => {
    const vm = await newVm('mistaken');
    const refused = 'INVALID_VALUE other_config:placement-policy spread';
    for (const [cls, self] of [
      ['VM', vm],
      ['pool', pool],
    ] as const) {
      await expect(call(`${cls}.add_to_other_config`, self, 'placement-policy', 'spread')).rejects.toThrow(
        refused,
      );
      await expect(call(`${cls}.set_other_config`, self, { 'placement-policy': 'spread' })).rejects.toThrow(
        refused,
      );
    }
    await inTransaction(plane().store, (tx) =>
      tx.query(
        `UPDATE vm SET other_config = other_config || '{"placement-policy": "of another version"}' WHERE ref = $1`,
        [vm],
      ),
    );
    await call('VM.start', vm, false, false);
    expect(await explanations(vm)).toMatchObject([{ policy: 'least-loaded' }]);
    await destroyed([vm]);
  });
});

describe('no move overlooks', () => {
  const stopping = (host: string | undefined): Promise<Record<string, string[]>> =>
    call('host.get_vms_which_prevent_evacuation', host);

  test('that VMs want to be apart: an evacuation spreads them over the other hosts', async () => {
    const weight = await startedVm('weight', hosts[1], 30);
    const vms = [await startedVm('apart 1', hosts[0]), await startedVm('apart 2', hosts[0])];
    const group = await newGroup(vms);
    for (const vm of vms) await movable(vm);
    await call('host.disable', hosts[0]);
    await call('host.evacuate', hosts[0], 'OpaqueRef:NULL', 0);
    expect((await Promise.all(vms.map(residentOn))).toSorted()).toEqual(hosts.slice(1).toSorted());
    await call('host.enable', hosts[0]);
    await destroyed([weight, ...vms]);
    await call('VM_group.destroy', group);
  });

  test('the CPU that a guest has seen: when its host is emptied, and when it resumes', async () => {
    const vm = await startedVm('has seen', hosts[0]);
    await movable(vm);
    const setVendor = (refs: readonly string[], vendor: string): Promise<unknown> =>
      inTransaction(plane().store, (tx) =>
        tx.query(
          `UPDATE host SET cpu_info = cpu_info || jsonb_build_object('vendor', $2::text) WHERE ref = ANY($1)`,
          [refs, vendor],
        ),
      );
    const vendor = (await call<Record<string, string>>('host.get_cpu_info', hosts[0]))['vendor'] ?? '';
    await setVendor([hosts[1] ?? ''], 'Another');
    for (let nth = 0; nth < 2; nth += 1) {
      await call('host.disable', hosts[0]);
      await call('host.evacuate', hosts[0], 'OpaqueRef:NULL', 0);
      expect(await residentOn(vm)).toBe(hosts[2]);
      await call('host.enable', hosts[0]);
      await movable(vm);
      await call('VM.pool_migrate', vm, hosts[0], {});
      await movable(vm);
      // The second time the host that suits is the less attractive one.
      if (nth === 0) await startedVm('weight', hosts[2], 30);
    }
    await setVendor([hosts[2] ?? ''], 'Another');
    expect(await stopping(hosts[0])).toMatchObject({
      [vm]: ['VM_INCOMPATIBLE_WITH_THIS_HOST', vm, expect.any(String), expect.any(String)],
    });
    await call('VM.suspend', vm);
    expect(await call('VM.get_possible_hosts', vm)).toEqual([hosts[0]]);
    await expect(call('VM.resume_on', vm, hosts[1], false, false)).rejects.toThrow(
      `VM_INCOMPATIBLE_WITH_THIS_HOST ${vm} ${hosts[1]}`,
    );
    await call('VM.resume', vm, false, false);
    expect(await residentOn(vm)).toBe(hosts[0]);
    await setVendor(hosts, vendor);
    await destroyed([vm, ...(await call<string[]>('VM.get_by_name_label', 'weight'))]);
  });

  test('a device of one host: the plan of high availability does not count on others', async () => {
    const vm = await newVm('with the card');
    await call('VM.add_to_other_config', vm, 'pci', `0/${card}`);
    await call('VM.set_ha_restart_priority', vm, 'restart');
    await call('VM.start', vm, false, false);
    const host = await residentOn(vm);
    expect(await call('pool.ha_compute_vm_failover_plan', [host], [])).toEqual({
      [vm]: { error_code: 'NO_HOSTS_AVAILABLE' },
    });
    expect(await call('pool.ha_compute_max_host_failures_to_tolerate')).toBe(0);
    await call('VM.set_ha_restart_priority', vm, '');
    await destroyed([vm]);
  });

  test('what its host reaches: a VM that runs is given no disk and no disc of another host’s', async () => {
    const vm = await newVm('hungry');
    const drives = await call<string[]>('VM.get_VBDs', vm);
    const types = await Promise.all(drives.map((vbd) => call<string>('VBD.get_type', vbd)));
    const drive =
      drives[types.indexOf('CD')] ??
      (await call<string>('VBD.create', {
        ...attachment(vm, 'OpaqueRef:NULL'),
        type: 'CD',
        mode: 'RO',
        empty: true,
      }));
    await call('VM.start_on', vm, hosts[0], false, false);
    const localOf = async (host: string | undefined): Promise<string> => {
      const pbds = Object.values(
        await call<Record<string, { host: string; SR: string }>>('PBD.get_all_records'),
      );
      const locals = await call<string[]>('SR.get_by_name_label', 'Local storage');
      return pbds.find((pbd) => pbd.host === host && locals.includes(pbd.SR))?.SR ?? '';
    };
    const diskIn = async (SR: string): Promise<string> =>
      call('VDI.create', {
        SR,
        virtual_size: GiB,
        type: 'user',
        sharable: false,
        read_only: false,
        other_config: {},
      });
    const [near, far] = [await localOf(hosts[0]), await localOf(hosts[1])];
    const reached = await call<string>('VBD.create', attachment(vm, await diskIn(near)));
    const unreached = await call<string>('VBD.create', attachment(vm, await diskIn(far)));
    await call('VBD.plug', reached);
    await expect(call('VBD.plug', unreached)).rejects.toThrow(`SR_NOT_ATTACHED ${far}`);
    expect([
      await call('VBD.get_currently_attached', reached),
      await call('VBD.get_currently_attached', unreached),
    ]).toEqual([true, false]);
    const discs = await call<string>(
      'SR.create',
      hosts[1],
      { location: '/srv/discs' },
      0,
      'discs of one host',
      '',
      'iso',
      'iso',
      false,
      {},
    );
    const [disc] = await call<string[]>('SR.get_VDIs', discs);
    await expect(call('VBD.insert', drive, disc)).rejects.toThrow(`SR_NOT_ATTACHED ${discs}`);
    await destroyed([vm]);
  });
});
