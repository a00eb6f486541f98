/** Calls of Ansible's xenserver_guest modules over XML-RPC; the modules themselves run in `npm run test:interop`. */
import { eventually, password, startWorld, type World } from '../world';
import { XmlSession, type Xml } from './xml-session';

const GiB = 2 ** 30;
const none = 'OpaqueRef:NULL';
let world: World;
let xml: XmlSession;
const call = <T = string>(method: string, ...params: readonly Xml[]): Promise<T> =>
  xml.call<T>(method, ...params);
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  xml = await XmlSession.login(world.url, '/RPC2', 'root', password, '2.19.0', 'Ansible');
});
afterAll(() => world?.stop());

type Rec = Record<string, string>;
interface Vm {
  readonly name_label: string;
  readonly power_state: string;
  readonly VBDs: string[];
  readonly VIFs: string[];
  readonly guest_metrics: string;
  readonly affinity: string;
  readonly platform: Rec;
  readonly other_config: Rec;
  readonly xenstore_data: Rec;
  readonly memory_dynamic_max: string;
  readonly VCPUs_max: string;
}
interface Disk {
  readonly ref: string;
  readonly vbd: string;
  readonly device: number;
  readonly bytes: number;
  readonly sr: string;
  readonly name: string;
}
/** A member that is not there is the end of the module: Python raises KeyError. */
function member<T>(record: Readonly<Record<string, T>>, key: string): T {
  const value = record[key];
  if (value === undefined) throw new Error(`KeyError: '${key}'`);
  return value;
}
async function gather(vm: string) {
  const record = await call<Vm>('VM.get_record', vm);
  const affinity =
    record.affinity === none ? '' : member(await call<Rec>('host.get_record', record.affinity), 'name_label');
  const disks: Disk[] = [];
  let cdrom: { readonly vbd: string; readonly iso: string } | undefined;
  for (const vbd of record.VBDs) {
    const {
      type,
      VDI = none,
      userdevice,
      empty,
    } = await call<Rec & { empty: string }>('VBD.get_record', vbd);
    const vdi = VDI === none ? undefined : await call<Rec>('VDI.get_record', VDI);
    if (type === 'CD') cdrom = { vbd, iso: String(empty) === 'true' ? '' : member(vdi ?? {}, 'name_label') };
    if (type !== 'Disk' || !vdi) continue;
    const sr = member(await call<Rec>('SR.get_record', member(vdi, 'SR')), 'name_label');
    disks.push({
      ref: VDI,
      vbd,
      device: Number(userdevice),
      bytes: Number(member(vdi, 'virtual_size')),
      sr,
      name: member(vdi, 'name_label'),
    });
  }
  const networks = [];
  const { networks: addresses = {}, other = {} } =
    record.guest_metrics === none
      ? {}
      : await call<Record<string, Rec>>('VM_guest_metrics.get_record', record.guest_metrics);
  for (const ref of record.VIFs) {
    const vif = await call<Record<string, Xml>>('VIF.get_record', ref);
    const network = await call<Rec>('network.get_record', String(member(vif, 'network')));
    const device = Number(member(vif, 'device'));
    networks.push({
      ref,
      device,
      name: member(network, 'name_label'),
      mac: member(vif, 'MAC'),
      mtu: Number(member(vif, 'MTU')),
      ip: addresses[`${device}/ip`] ?? '',
      ipv4: [
        member(vif, 'ipv4_configuration_mode'),
        member(vif, 'ipv4_addresses'),
        member(vif, 'ipv4_gateway'),
      ],
      ipv6: [
        member(vif, 'ipv6_configuration_mode'),
        member(vif, 'ipv6_addresses'),
        member(vif, 'ipv6_gateway'),
      ],
    });
  }
  return {
    record,
    affinity,
    disks,
    cdrom,
    networks: networks.toSorted((a, b) => a.device - b.device),
    setsAddresses: other['feature-static-ip-setting'] === '1',
  };
}
async function find(name: string): Promise<string> {
  const found = await call<string[]>('VM.get_by_name_label', name);
  expect(found).toHaveLength(1);
  return call('VM.get_by_uuid', await call('VM.get_uuid', found[0] ?? ''));
}
async function deploy(name: string, template: string, copyTo?: string): Promise<string> {
  const source = await find(template);
  const vm = await (copyTo === undefined
    ? call('VM.clone', source, name)
    : call('VM.copy', source, name, copyTo));
  await call('VM.set_name_description', vm, '');
  const { disks: _disks, ...config } = await call<Rec>('VM.get_other_config', source);
  await call('VM.set_other_config', vm, config);
  await call('VM.provision', vm);
  return vm;
}
async function addDisk(vm: string, name_label: string, bytes: number): Promise<void> {
  const [pool = ''] = await call<string[]>('pool.get_all');
  const SR = await call('pool.get_default_SR', pool);
  const [userdevice = ''] = await call<string[]>('VM.get_allowed_VBD_devices', vm);
  const vdi = {
    name_label,
    name_description: '',
    SR,
    virtual_size: String(bytes),
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
  };
  const VDI = await call('VDI.create', vdi);
  const vbd = { VM: vm, VDI, userdevice, bootable: false, mode: 'RW', type: 'Disk', empty: false };
  const ref = await call('VBD.create', {
    ...vbd,
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  });
  if ((await call('VM.get_power_state', vm)) === 'Running') await call('VBD.plug', ref);
}
async function addNetwork(vm: string, label: string, device: string, mac = ''): Promise<string> {
  const [network = ''] = await call<string[]>('network.get_by_name_label', label);
  const vif = {
    device,
    network,
    VM: vm,
    MAC: mac,
    MTU: await call('network.get_MTU', network),
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  };
  const ref = await call('VIF.create', vif);
  if ((await call('VM.get_power_state', vm)) === 'Running') await call('VIF.plug', ref);
  return ref;
}
async function resize(vm: string, cpus: number, coresPerSocket: number, bytes: number): Promise<void> {
  const { VCPUs_max } = await call<Vm>('VM.get_record', vm);
  const setters =
    cpus < Number(VCPUs_max)
      ? ['VM.set_VCPUs_at_startup', 'VM.set_VCPUs_max']
      : ['VM.set_VCPUs_max', 'VM.set_VCPUs_at_startup'];
  for (const setter of setters) await call(setter, vm, String(cpus));
  await call('VM.remove_from_platform', vm, 'cores-per-socket');
  await call('VM.add_to_platform', vm, 'cores-per-socket', String(coresPerSocket));
  await call('VM.set_memory_limits', vm, '0', String(bytes), String(bytes), String(bytes));
}
async function untilAddress(vm: string): Promise<string> {
  return eventually(async () => {
    const metrics = await call('VM.get_guest_metrics', vm);
    if (metrics === none) throw new Error('no guest metrics');
    const ip = (await call<{ networks: Rec }>('VM_guest_metrics.get_record', metrics)).networks['0/ip'];
    if (ip === undefined || ip === '') throw new Error('no address');
    return ip;
  });
}
/** Work that takes the guest's own time is asked for in the background and polled. */
async function guestDoes(verb: string, vm: string): Promise<void> {
  const task = await call(`Async.VM.${verb}`, vm);
  await eventually(async () => expect(await call('task.get_status', task)).toBe('success'));
  await call('task.destroy', task);
}
async function absent(vm: string): Promise<void> {
  const { record, disks } = await gather(vm);
  if (record.power_state !== 'Halted') await call('VM.hard_shutdown', vm);
  for (const { ref } of disks) await call('VDI.destroy', ref);
  await call('VM.destroy', vm);
}
const [eth0, eth1] = ['Pool-wide network associated with eth0', 'Pool-wide network associated with eth1'];

test('its beginning: the pool, the default repository, this host, and its version in numbers', async () => {
  const [pool = ''] = await call<string[]>('pool.get_all');
  expect(await call('pool.get_default_SR', pool)).toMatch(/^OpaqueRef:[0-9a-f]{8}-/);
  const host = await call('session.get_this_host', xml.ref);
  const { product_version: version = '' } = await call<Rec>('host.get_software_version', host);
  expect(version.split('.').map(Number)).toEqual([
    expect.any(Number),
    expect.any(Number),
    expect.any(Number),
  ]);
  expect(version.split('.').map(Number).some(Number.isNaN)).toBe(false);
});

test('a guest is deployed from a template, shaped, started, and what the module gathers of it is what was asked', async () => {
  const vm = await deploy('deployed', 'Debian Bookworm 12');
  expect((await gather(vm)).disks).toEqual([]);
  const [host = ''] = await call<string[]>('host.get_all');
  await call('VM.set_name_label', vm, 'shaped');
  await call('VM.set_affinity', vm, host);
  await resize(vm, 4, 2, 2 * GiB);
  await addDisk(vm, 'root', 10 * GiB);
  await addDisk(vm, 'data', GiB);
  await addNetwork(vm, eth0, '0', 'aa:bb:cc:00:00:14');
  await call('VM.set_PV_args', vm, 'quiet');
  await call('VM.start', vm, false, false);
  expect(await untilAddress(vm)).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
  const { record, affinity, disks, cdrom, networks } = await gather(await find('shaped'));
  expect(record).toMatchObject({
    power_state: 'Running',
    VCPUs_max: '4',
    memory_dynamic_max: String(2 * GiB),
    PV_args: 'quiet',
    name_description: '',
  });
  expect(record.platform).toMatchObject({ 'cores-per-socket': '2' });
  expect(affinity).toBe(await call('host.get_name_label', host));
  expect(disks.map(({ device, bytes, name }) => [device, bytes, name])).toEqual([
    [0, 10 * GiB, 'root'],
    [1, GiB, 'data'],
  ]);
  expect(cdrom).toBeUndefined();
  expect(networks).toEqual([
    {
      ref: expect.any(String),
      device: 0,
      name: eth0,
      mac: 'aa:bb:cc:00:00:14',
      mtu: 1500,
      ip: expect.stringMatching(/./),
      ipv4: ['None', [], ''],
      ipv6: ['None', [], ''],
    },
  ]);
  await absent(vm);
});

test('a deployed guest is changed: disks grow, an image goes in and out, networks come and go, addresses are set', async () => {
  const vm = await deploy('changed', 'Debian Bookworm 12');
  await addDisk(vm, 'root', 2 * GiB);
  await addNetwork(vm, eth0, '0');
  // While it is off: the disk grows and is renamed, a drive is added.
  const [{ ref: root } = { ref: '' }] = (await gather(vm)).disks;
  await call('VDI.resize', root, String(3 * GiB));
  await call('VDI.set_name_label', root, 'system');
  await call('VDI.set_name_description', root, 'of ansible');
  const [userdevice = ''] = await call<string[]>('VM.get_allowed_VBD_devices', vm);
  const drive = await call('VBD.create', {
    VM: vm,
    VDI: none,
    userdevice,
    bootable: false,
    mode: 'RO',
    type: 'CD',
    empty: true,
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  });
  expect((await gather(vm)).cdrom).toEqual({ vbd: drive, iso: '' });
  for (const [field, value] of Object.entries({
    name: 'eth0',
    mac: 'aa:bb:cc:dd:ee:ff',
    type: 'static',
    ip: '10.1.1.5',
    prefix: '24',
  }))
    await call('VM.add_to_xenstore_data', vm, `vm-data/networks/0/${field}`, value);
  await call('VM.start', vm, false, false);
  await untilAddress(vm);
  // While it runs: an image is inserted and taken out, a disk and a network are plugged.
  for (const iso of ['guest-tools.iso', 'debian-12-netinst.iso']) {
    const [vdi = ''] = await call<string[]>('VDI.get_by_name_label', iso);
    if ((await gather(vm)).cdrom?.iso !== '') await call('VBD.eject', drive);
    await call('VBD.insert', drive, vdi);
    expect((await gather(vm)).cdrom).toEqual({ vbd: drive, iso });
  }
  await call('VBD.eject', drive);
  await addDisk(vm, 'more', GiB);
  const second = await addNetwork(vm, eth1, '1');
  const seen = await gather(vm);
  expect(seen.disks.map(({ bytes, name }) => [bytes, name])).toEqual([
    [3 * GiB, 'system'],
    [GiB, 'more'],
  ]);
  expect(seen.networks.map(({ name }) => name)).toEqual([eth0, eth1]);
  // This guest's agent sets no addresses, so that the module writes them to xenstore alone.
  expect(seen.setsAddresses).toBe(false);
  await call('VIF.unplug', second);
  await call('VIF.destroy', second);
  expect((await gather(vm)).networks.map(({ name }) => name)).toEqual([eth0]);
  // The network settings given to it are replaced key by key.
  for (const key of Object.keys((await gather(vm)).record.xenstore_data).filter((one) =>
    one.startsWith('vm-data/networks/0'),
  ))
    await call('VM.remove_from_xenstore_data', vm, key);
  await call('VM.add_to_xenstore_data', vm, 'vm-data/networks/0/type', 'dhcp');
  expect((await gather(vm)).record.xenstore_data).toMatchObject({ 'vm-data/networks/0/type': 'dhcp' });
  expect(
    Object.keys((await gather(vm)).record.xenstore_data).filter((key) => key.startsWith('vm-data/')),
  ).toEqual(['vm-data/networks/0/type']);
  await absent(vm);
});

test.each([
  ['poweredon, from Halted', [], ['VM.start', false, false], 'Running'],
  [
    'poweredon, from Suspended',
    [['VM.start', false, false], ['VM.suspend']],
    ['VM.resume', false, false],
    'Running',
  ],
  ['poweredon, from Paused', [['VM.start', true, false]], ['VM.unpause'], 'Running'],
  ['poweredoff, from Running', [['VM.start', false, false]], ['VM.hard_shutdown'], 'Halted'],
  ['restarted, from Running', [['VM.start', false, false]], ['VM.hard_reboot'], 'Running'],
  ['restarted, from Paused', [['VM.start', true, false]], ['VM.hard_reboot'], 'Running'],
  ['suspended, from Running', [['VM.start', false, false]], ['VM.suspend'], 'Suspended'],
  ['shutdownguest, from Running', [['VM.start', false, false]], ['clean_shutdown'], 'Halted'],
  ['rebootguest, from Running', [['VM.start', false, false]], ['clean_reboot'], 'Running'],
] as [string, [string, ...Xml[]][], [string, ...Xml[]], string][])(
  'the power state %s',
  async (_state, before, [verb, ...params], after) => {
    const vm = await deploy('powered', 'Debian Bookworm 12');
    await addNetwork(vm, eth0, '0');
    for (const [method, ...values] of before) {
      if (method === 'VM.suspend') await untilAddress(vm);
      await call(method, vm, ...values);
    }
    if (before.length > 0 && (await call('VM.get_power_state', vm)) === 'Running') await untilAddress(vm);
    await (verb.startsWith('VM.') ? call(verb, vm, ...params) : guestDoes(verb, vm));
    expect(await call('VM.get_power_state', vm)).toBe(after);
    await absent(vm);
  },
);

test('a template that is copied to a repository brings its disks there', async () => {
  const golden = await deploy('golden', 'Debian Bookworm 12');
  await addDisk(golden, 'root', GiB);
  await call('VM.set_is_a_template', golden, true);
  const [local = ''] = await call<string[]>('SR.get_by_name_label', 'Local storage');
  const vm = await deploy('copied', 'golden', local);
  expect((await gather(vm)).disks).toMatchObject([{ bytes: GiB, sr: 'Local storage', name: 'root' }]);
  await absent(vm);
  for (const { ref } of (await gather(golden)).disks) await call('VDI.destroy', ref);
  await call('VM.destroy', golden);
});
