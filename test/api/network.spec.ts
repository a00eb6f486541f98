/** Networks, interfaces of hosts and of VMs over the wire: what stands on what, what moves, what is refused and with which words. */
import { eventually, login, startWorld, type Call, type World } from '../world';

let world: World;
let call: Call;
beforeAll(async () => {
  world = await startWorld({ hosts: 3 });
  call = await login(world.url);
});
afterAll(() => world?.stop());

interface Pif {
  readonly device: string;
  readonly network: string;
  readonly host: string;
  readonly MAC: string;
  readonly IP: string;
  readonly ip_configuration_mode: string;
  readonly management: boolean;
  readonly currently_attached: boolean;
  readonly bond_slave_of: string;
  readonly VLAN: number;
  readonly metrics: string;
  readonly PCI: string;
  readonly capabilities: readonly string[];
}
const pifs = (): Promise<Record<string, Pif>> => call('PIF.get_all_records');
const hosts = (): Promise<string[]> => call('host.get_all');
const newNetwork = (name_label: string): Promise<string> =>
  call('network.create', { name_label, name_description: '', MTU: 1500, other_config: {} });
async function pifOf(host: string, device: string, VLAN = -1): Promise<string> {
  const found = Object.entries(await pifs()).find(
    ([, p]) => p.host === host && p.device === device && p.VLAN === VLAN,
  );
  if (!found) throw new Error(`no ${device} on ${host}`);
  return found[0];
}
const record = (ref: string): Promise<Pif> => call('PIF.get_record', ref);
async function newVm(name: string, network?: string, system = 'Debian Bookworm 12'): Promise<string> {
  const [template] = await call<string[]>('VM.get_by_name_label', system);
  const vm = await call<string>('VM.clone', template, name);
  await call('VM.provision', vm);
  if (network) await newVif(vm, network);
  return vm;
}
const newVif = (VM: string, network: string, more: object = {}): Promise<string> =>
  call('VIF.create', {
    device: '0',
    network,
    VM,
    MAC: '',
    MTU: 0,
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
    ...more,
  });
const none = 'OpaqueRef:NULL';

test('each physical interface has its link, its PCI device and its abilities', async () => {
  const all = Object.values(await pifs());
  expect(all.length).toBe(6);
  for (const pif of all) {
    expect(await call('PIF_metrics.get_record', pif.metrics)).toMatchObject({
      carrier: true,
      speed: 10000,
      vendor_name: 'Intel Corporation',
    });
    expect(await call('PCI.get_class_name', pif.PCI)).toBe('Ethernet controller');
    expect(pif.capabilities).toEqual(['sriov']);
  }
});

test('a VLAN on every host of the pool, and no second time', async () => {
  const [host = ''] = await hosts();
  const eth1 = await pifOf(host, 'eth1');
  const network = await newNetwork('tagged 42');
  await expect(call('pool.create_VLAN_from_PIF', eth1, network, 4095)).rejects.toThrow(
    /^VLAN_TAG_INVALID 4095$/,
  );
  const made = await call<string[]>('pool.create_VLAN_from_PIF', eth1, network, 42);
  expect(made.length).toBe(3);
  const all = await pifs();
  expect(
    made.map((ref) => [all[ref]?.device, all[ref]?.VLAN, all[ref]?.network, all[ref]?.currently_attached]),
  ).toEqual(made.map(() => ['eth1', 42, network, true]));
  expect(new Set(made.map((ref) => all[ref]?.host)).size).toBe(3);
  const other = await newNetwork('tagged again');
  await expect(call('VLAN.create', eth1, 42, other)).rejects.toThrow(/^PIF_VLAN_EXISTS eth1$/);
  const local = made.find((ref) => all[ref]?.host === host) ?? '';
  await expect(call('VLAN.create', eth1, 4095, network)).rejects.toThrow(
    `NETWORK_ALREADY_CONNECTED ${host} ${local}`,
  );
  await expect(call('VLAN.create', local, 44, other)).rejects.toThrow(`PIF_IS_VLAN ${local}`);
  await expect(call('network.destroy', network)).rejects.toThrow('NETWORK_CONTAINS_PIF');
  await expect(call('PIF.forget', eth1)).rejects.toThrow(`PIF_VLAN_STILL_EXISTS ${eth1}`);
  for (const ref of made) await call('VLAN.destroy', await call('PIF.get_VLAN_master_of', ref));
  await call('network.destroy', network);
  expect(Object.keys(await pifs()).length).toBe(6);
});

test('a VLAN in use stays: the VM first', async () => {
  const vm = await newVm('tagged');
  const network = await newNetwork('in use');
  const [host = ''] = await hosts();
  await call('pool.create_VLAN', 'eth1', network, 77);
  const vif = await newVif(vm, network);
  await call('VM.start_on', vm, host, false, false);
  const vlan = await call<string>('PIF.get_VLAN_master_of', await pifOf(host, 'eth1', 77));
  await expect(call('VLAN.destroy', vlan)).rejects.toThrow(`VIF_IN_USE ${network} ${vif}`);
  await expect(call('network.set_default_locking_mode', network, 'disabled')).rejects.toThrow(
    `VIF_IN_USE ${network} ${vif}`,
  );
  await expect(call('network.destroy', network)).rejects.toThrow(`NETWORK_CONTAINS_VIF ${vif}`);
  await call('VM.hard_shutdown', vm);
  await call('network.set_default_locking_mode', network, 'disabled');
  for (const [ref, pif] of Object.entries(await pifs()))
    if (pif.network === network) await call('VLAN.destroy', await call('PIF.get_VLAN_master_of', ref));
  await call('network.destroy', network);
  await expect(call('VIF.get_record', vif)).rejects.toThrow('HANDLE_INVALID');
});

test('a bond takes over the management address, the VLANs and the VMs, and gives them back', async () => {
  const [host = ''] = await hosts();
  const eth0 = await pifOf(host, 'eth0'),
    eth1 = await pifOf(host, 'eth1');
  const before = await record(eth0);
  const tagged = await newNetwork('over a bond'),
    bonded = await newNetwork('bonded');
  const vlan = await call<string>('VLAN.create', eth1, 9, tagged);
  const vm = await newVm('bonded', before.network);
  await call('VM.start_on', vm, host, false, false);
  await expect(call('Bond.create', bonded, [eth0], '', 'lacp', {})).rejects.toThrow(
    /^PIF_BOND_NEEDS_MORE_MEMBERS$/,
  );
  await expect(call('Bond.create', tagged, [eth0], 'zz', 'lacp', {})).rejects.toThrow(
    /^NETWORK_ALREADY_CONNECTED /,
  );
  await expect(call('Bond.create', bonded, [eth0], 'zz', 'lacp', {})).rejects.toThrow(/^MAC_INVALID zz$/);
  await expect(
    call('Bond.create', bonded, [eth0, eth1], '', 'balance-slb', { hashing_algorithm: 'src_mac' }),
  ).rejects.toThrow('INVALID_VALUE properties hashing_algorithm = src_mac');
  const elsewhere = await pifOf((await hosts())[1] ?? '', 'eth1');
  await expect(call('Bond.create', bonded, [eth0, elsewhere], '', 'lacp', {})).rejects.toThrow(
    /^PIF_CANNOT_BOND_CROSS_HOST$/,
  );

  const bond = await call<string>('Bond.create', bonded, [eth1, eth0], '', 'lacp', {});
  const { master, slaves, primary_slave, properties, links_up } = await call<Record<string, string>>(
    'Bond.get_record',
    bond,
  );
  expect([[...(slaves ?? [])].sort(), primary_slave, links_up]).toEqual([[eth0, eth1].sort(), eth0, 2]);
  expect(properties).toMatchObject({ hashing_algorithm: 'tcpudp_ports' });
  expect(await record(master ?? '')).toMatchObject({
    device: 'bond0',
    MAC: before.MAC,
    IP: before.IP,
    management: true,
    network: bonded,
    currently_attached: true,
  });
  expect(await record(eth0)).toMatchObject({
    IP: '',
    management: false,
    ip_configuration_mode: 'None',
    bond_slave_of: bond,
    currently_attached: false,
  });
  expect(await call('VLAN.get_tagged_PIF', vlan)).toBe(master);
  expect(await call('PIF.get_device', await call('VLAN.get_untagged_PIF', vlan))).toBe('bond0');
  const [vif] = await call<string[]>('VM.get_VIFs', vm);
  expect(await call('VIF.get_network', vif)).toBe(bonded);
  await expect(call('PIF.plug', eth0)).rejects.toThrow(`CANNOT_PLUG_BOND_SLAVE ${eth0}`);
  await expect(call('VLAN.create', eth0, 10, await newNetwork('no'))).rejects.toThrow(
    `CANNOT_ADD_VLAN_TO_BOND_SLAVE ${eth0}`,
  );
  await expect(call('PIF.set_property', eth0, 'gro', 'off')).rejects.toThrow(
    `CANNOT_CHANGE_PIF_PROPERTIES ${eth0}`,
  );
  await expect(call('PIF.unplug', master)).rejects.toThrow(`PIF_IS_MANAGEMENT_INTERFACE ${master}`);
  await call('Bond.set_property', bond, 'lacp-time', 'fast');
  await call('Bond.set_mode', bond, 'active-backup');
  expect(await call('Bond.get_properties', bond)).toEqual({});

  await call('Bond.destroy', bond);
  expect(await record(eth0)).toMatchObject({
    IP: before.IP,
    management: true,
    bond_slave_of: none,
    currently_attached: true,
  });
  expect(await record(eth1)).toMatchObject({ bond_slave_of: none, currently_attached: true });
  expect(await call('VLAN.get_tagged_PIF', vlan)).toBe(eth0);
  expect(await call('VIF.get_network', vif)).toBe(before.network);
  await expect(call('PIF.get_record', master)).rejects.toThrow('HANDLE_INVALID');
  await call('VLAN.destroy', vlan);
  await call('VM.hard_shutdown', vm);
});

test('an interface is forgotten, found again, and introduced by its address', async () => {
  const host = (await hosts())[2] ?? '';
  const eth0 = await pifOf(host, 'eth0'),
    eth1 = await pifOf(host, 'eth1');
  const { MAC, network } = await record(eth1);
  await expect(call('PIF.forget', eth0)).rejects.toThrow(`PIF_IS_MANAGEMENT_INTERFACE ${eth0}`);
  await expect(call('PIF.destroy', eth1)).rejects.toThrow(`PIF_IS_PHYSICAL ${eth1}`);
  await expect(call('PIF.introduce', host, 'nonsense', 'eth1')).rejects.toThrow(/^MAC_INVALID nonsense$/);
  await expect(call('PIF.introduce', host, '02:00:00:00:00:09', 'eth1')).rejects.toThrow(
    /^DUPLICATE_PIF_DEVICE_NAME eth1$/,
  );
  await call('PIF.forget', eth1);
  await expect(call('PIF.introduce', host, MAC, 'eth7')).rejects.toThrow(
    'COULD_NOT_FIND_NETWORK_INTERFACE_WITH_SPECIFIED_DEVICE_NAME_AND_MAC_ADDRESS eth7',
  );
  const again = await call<string>('PIF.introduce', host, MAC.toUpperCase(), 'eth1');
  expect(await record(again)).toMatchObject({ device: 'eth1', MAC, network });
  await call('PIF.forget', again);
  await expect(call('PIF.introduce', host, '', 'eth7')).rejects.toThrow(/^MAC_INVALID $/);
  const unnamed = await call<string>('PIF.introduce', host, '', 'eth1');
  expect(await record(unnamed)).toMatchObject({ device: 'eth1', MAC, network });
  await call('PIF.forget', unnamed);
  await call('PIF.scan', host);
  await call('PIF.scan', host);
  expect(await record(await pifOf(host, 'eth1'))).toMatchObject({ MAC, network, currently_attached: true });
});

test('addresses of hosts, and what plugging does to them', async () => {
  const host = (await hosts())[1] ?? '';
  const eth0 = await pifOf(host, 'eth0'),
    eth1 = await pifOf(host, 'eth1');
  await expect(call('PIF.reconfigure_ip', eth1, 'Static', '10.9.0.300', '255.0.0.0', '', '')).rejects.toThrow(
    /^INVALID_IP_ADDRESS_SPECIFIED IP$/,
  );
  await expect(call('PIF.reconfigure_ip', eth0, 'None', '', '', '', '')).rejects.toThrow(
    `PIF_IS_MANAGEMENT_INTERFACE ${eth0}`,
  );
  await call('PIF.reconfigure_ip', eth1, 'Static', '10.9.0.3', '255.0.0.0', '', '10.0.0.1');
  expect(await record(eth1)).toMatchObject({ IP: '10.9.0.3', ip_configuration_mode: 'Static' });
  await call('PIF.reconfigure_ip', eth1, 'DHCP', '', '', '', '');
  expect((await record(eth1)).IP).toMatch(/^10\./);
  await call('PIF.set_disallow_unplug', eth1, true);
  await expect(call('PIF.unplug', eth1)).rejects.toThrow(`PIF_DOES_NOT_ALLOW_UNPLUG ${eth1}`);
  await call('PIF.set_disallow_unplug', eth1, false);
  await call('PIF.unplug', eth1);
  expect(await record(eth1)).toMatchObject({ IP: '', currently_attached: false });
  await call('PIF.plug', eth1);
  expect((await record(eth1)).IP).toMatch(/^10\./);
  await expect(call('PIF.reconfigure_ipv6', eth1, 'Static', 'fd00::1', '', '')).rejects.toThrow(
    /^INVALID_CIDR_ADDRESS_SPECIFIED IPv6$/,
  );
  await call('PIF.reconfigure_ipv6', eth1, 'Static', 'fd00::1/64', '', '');
  expect(await call('PIF.get_IPv6', eth1)).toEqual(['fd00::1/64']);
  await call('PIF.set_primary_address_type', eth1, 'IPv6');
  await expect(call('PIF.set_property', eth1, 'gro', 'maybe')).rejects.toThrow(
    'INVALID_VALUE properties gro = maybe',
  );
  await call('PIF.reconfigure_ip', eth0, 'Static', '10.8.0.3', '255.0.0.0', '', '');
  expect(await call('host.get_address', host)).toBe('10.8.0.3');
});

test('tunnels need an address below them; virtual functions are counted', async () => {
  const [host = ''] = await hosts();
  const eth0 = await pifOf(host, 'eth0'),
    eth1 = await pifOf(host, 'eth1');
  const overlay = await newNetwork('overlay'),
    functions = await newNetwork('functions');
  await expect(call('tunnel.create', eth1, overlay)).rejects.toThrow(`TRANSPORT_PIF_NOT_CONFIGURED ${eth1}`);
  const tunnel = await call<string>('tunnel.create', eth0, overlay, 'vxlan');
  const access = await call<string>('tunnel.get_access_PIF', tunnel);
  expect([await call('PIF.get_device', access), await call('tunnel.get_status', tunnel)]).toEqual([
    'tunnel0',
    { active: 'true' },
  ]);
  await expect(call('tunnel.create', access, functions)).rejects.toThrow(`IS_TUNNEL_ACCESS_PIF ${access}`);
  await call('tunnel.destroy', tunnel);

  const sriov = await call<string>('network_sriov.create', eth1, functions);
  await expect(call('network_sriov.create', eth1, overlay)).rejects.toThrow(
    `NETWORK_SRIOV_ALREADY_ENABLED ${eth1}`,
  );
  await expect(call('PIF.forget', eth1)).rejects.toThrow(`PIF_SRIOV_STILL_EXISTS ${eth1}`);
  expect(await call('network_sriov.get_remaining_capacity', sriov)).toBe(63);
  const vm = await newVm('directly', functions);
  await call('VM.start', vm, false, false);
  expect(await call('VM.get_resident_on', vm)).toBe(host);
  expect(await call('network_sriov.get_remaining_capacity', sriov)).toBe(62);
  const [vif] = await call<string[]>('VM.get_VIFs', vm);
  await expect(call('VIF.unplug', vif)).rejects.toThrow('OPERATION_NOT_ALLOWED');
  expect(await call('VIF.get_allowed_operations', vif)).not.toContain('unplug');
  await call('VM.hard_shutdown', vm);
  await call('network_sriov.destroy', sriov);
});

test('networks: names of bridges, purposes, and those that the hosts need', async () => {
  const [a, b] = await Promise.all([newNetwork('a'), newNetwork('b')]);
  expect(await call('network.get_bridge', a)).toMatch(/^xapi\d+$/);
  expect(await call('network.get_bridge', a)).not.toBe(await call('network.get_bridge', b));
  await expect(
    call('network.create', { name_label: 'x', other_config: {}, bridge: 'xenbr0' }),
  ).rejects.toThrow(/^INVALID_VALUE bridge xenbr0$/);
  await call('network.create', { name_label: 'x', other_config: {}, bridge: 'br-x' });
  await expect(call('network.create', { name_label: 'x', other_config: {}, bridge: 'br-x' })).rejects.toThrow(
    /^BRIDGE_NAME_EXISTS br-x$/,
  );
  await call('network.add_purpose', a, 'nbd');
  await expect(call('network.add_purpose', b, 'insecure_nbd')).rejects.toThrow(
    /^NETWORK_INCOMPATIBLE_PURPOSES insecure_nbd nbd$/,
  );
  await call('network.remove_purpose', a, 'nbd');
  const [internal = ''] = await call<string[]>(
    'network.get_by_name_label',
    'Host internal management network',
  );
  await expect(call('network.destroy', internal)).rejects.toThrow(
    `CANNOT_DESTROY_SYSTEM_NETWORK ${internal}`,
  );
  const vm = await newVm('inside');
  const vif = await newVif(vm, internal);
  expect(await call('network.get_assigned_ips', internal)).toEqual({ [vif]: '169.254.0.1' });
  await call('VIF.destroy', vif);
  expect(await call('network.get_assigned_ips', internal)).toEqual({});
});

test('interfaces of VMs: addresses, locking, another network while the guest runs', async () => {
  const [eth0 = '', eth1 = ''] = await Promise.all(
    ['eth0', 'eth1'].map(
      async (device) =>
        (await call<string[]>('network.get_by_name_label', `Pool-wide network associated with ${device}`))[0],
    ),
  );
  const vm = await newVm('interfaces', undefined, 'Windows Server 2025');
  await expect(newVif(vm, eth0, { device: 'first' })).rejects.toThrow(/^INVALID_DEVICE first$/);
  const vif = await newVif(vm, eth0);
  await expect(newVif(vm, eth0)).rejects.toThrow(/^DEVICE_ALREADY_EXISTS 0$/);
  expect(await call('VIF.get_MAC', vif)).toMatch(/^[0-9a-f]([26ae])(:[0-9a-f]{2}){5}$/);
  expect(await call('VIF.get_MAC_autogenerated', vif)).toBe(true);
  await expect(call('VIF.add_ipv4_allowed', vif, '10.0.0.x')).rejects.toThrow(
    /^INVALID_IP_ADDRESS_SPECIFIED ipv4_allowed$/,
  );
  await call('VIF.set_locking_mode', vif, 'locked');
  await call('VIF.set_ipv4_allowed', vif, ['10.5.0.5', '10.5.0.5']);
  expect(await call('VIF.get_ipv4_allowed', vif)).toEqual(['10.5.0.5']);
  await expect(call('VIF.configure_ipv4', vif, 'Static', '10.5.0.5', '')).rejects.toThrow(
    /^INVALID_CIDR_ADDRESS_SPECIFIED address$/,
  );
  await expect(call('VIF.configure_ipv4', vif, 'Static', '10.5.0.6/8', '')).rejects.toThrow(
    /^ADDRESS_VIOLATES_LOCKING_CONSTRAINT 10.5.0.6\/8$/,
  );
  await expect(call('VIF.configure_ipv4', vif, 'Static', '10.5.0.5/8', '10.0.0.x')).rejects.toThrow(
    /^INVALID_IP_ADDRESS_SPECIFIED gateway$/,
  );
  await expect(call('VIF.configure_ipv4', vif, 'Static', '10.5.0.5/8', '')).rejects.toThrow(
    `VM_LACKS_FEATURE ${vm}`,
  );
  await call('VM.start', vm, false, false);
  await eventually(async () => expect(await call('VM.get_allowed_operations', vm)).toContain('suspend'));
  await call('VIF.configure_ipv4', vif, 'Static', '10.5.0.5/8', '10.0.0.1');
  await eventually(async () =>
    expect(await call('VM_guest_metrics.get_networks', await call('VM.get_guest_metrics', vm))).toMatchObject(
      { '0/ip': '10.5.0.5' },
    ),
  );
  await call('VIF.move', vif, eth1);
  expect([await call('VIF.get_network', vif), await call('VIF.get_currently_attached', vif)]).toEqual([
    eth1,
    true,
  ]);
  const resident = await call<string>('VM.get_resident_on', vm);
  const elsewhere = (await hosts()).find((host) => host !== resident) ?? '';
  const lonely = await newNetwork('on one host');
  await call('VLAN.create', await pifOf(elsewhere, 'eth1'), 500, lonely);
  await expect(call('VIF.move', vif, lonely)).rejects.toThrow(
    `HOST_CANNOT_ATTACH_NETWORK ${resident} ${lonely}`,
  );
  await call('VM.hard_shutdown', vm);
  await call('VIF.configure_ipv4', vif, 'None', '', '');
  expect(await call('VIF.get_record', vif)).toMatchObject({
    ipv4_configuration_mode: 'None',
    ipv4_addresses: [],
    ipv4_gateway: '',
  });
  await expect(call('VIF_metrics.get_all_records')).rejects.toThrow('MESSAGE_REMOVED');
  await expect(call('VIF.set_trunks', vif, [5000])).rejects.toThrow(/^VLAN_TAG_INVALID 5000$/);
});

test.each(['01:00:5e:00:00:01', 'FF:ff:FF:ff:FF:ff', '02:16:3E:00:00:01'])(
  'an interface of a VM takes %s as its MAC address, as it is written',
  async (MAC) => {
    const [eth0 = ''] = await call<string[]>(
      'network.get_by_name_label',
      'Pool-wide network associated with eth0',
    );
    const vif = await newVif(await newVm(MAC), eth0, { MAC });
    expect(await call('VIF.get_record', vif)).toMatchObject({ MAC, MAC_autogenerated: false });
  },
);
test.each([
  '01:00:5e:00:00',
  '01-00-5e-00-00-01',
  '01:00:5e:00:00:01:02',
  '1:0:5e:0:0:1',
  'zz:00:5e:00:00:01',
  ' 01:00:5e:00:00:01',
])('an interface of a VM refuses %j: no MAC address has this form', async (MAC) => {
  const [eth0 = ''] = await call<string[]>(
    'network.get_by_name_label',
    'Pool-wide network associated with eth0',
  );
  await expect(newVif(await newVm(MAC), eth0, { MAC })).rejects.toThrow(`MAC_INVALID ${MAC}`);
});

test('a bond takes a multicast MAC address: only the form is checked', async () => {
  const [, , host = ''] = await hosts();
  const members = [await pifOf(host, 'eth0'), await pifOf(host, 'eth1')];
  const bond = await call<string>(
    'Bond.create',
    await newNetwork('of many'),
    members,
    '01:00:5E:00:00:02',
    'balance-slb',
    {},
  );
  expect(await call('PIF.get_MAC', await call('Bond.get_master', bond))).toBe('01:00:5E:00:00:02');
  await call('Bond.destroy', bond);
});

test('a guest whose agent takes no addresses is given none', async () => {
  const [eth0 = ''] = await call<string[]>(
    'network.get_by_name_label',
    'Pool-wide network associated with eth0',
  );
  const vm = await newVm('deaf');
  const vif = await newVif(vm, eth0);
  await call('VM.start', vm, false, false);
  await eventually(async () => expect(await call('VM.get_allowed_operations', vm)).toContain('suspend'));
  for (const mode of ['Static', 'None'])
    await expect(call('VIF.configure_ipv4', vif, mode, '10.5.0.9/8', '')).rejects.toThrow(
      `VM_LACKS_FEATURE ${vm}`,
    );
  await expect(call('VIF.configure_ipv6', vif, 'Static', 'fd00::5', '')).rejects.toThrow(
    /^INVALID_CIDR_ADDRESS_SPECIFIED address$/,
  );
  await expect(call('VIF.configure_ipv6', vif, 'Static', 'fd00::5/64', '')).rejects.toThrow(
    `VM_LACKS_FEATURE ${vm}`,
  );
  expect(await call('VIF.get_record', vif)).toMatchObject({
    ipv4_configuration_mode: 'None',
    ipv4_addresses: [],
    ipv6_addresses: [],
  });
  await call('VM.hard_shutdown', vm);
});
