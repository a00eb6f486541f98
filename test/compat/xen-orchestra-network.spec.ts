/** Networks as Xen Orchestra makes, changes and removes them, their interfaces on hosts, and those of VMs. */
import { eventually, startWorld, type World } from '../world';
import { Orchestra, type Failure, type Seen } from './orchestra';

let world: World;
let xo: Orchestra;
let vm: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  xo = await Orchestra.register(world.url);
  vm = await xo.task('VM.clone', xo.template('Debian Bookworm 12').$ref, 'connected');
  await xo.task('VM.provision', vm);
  await xo.task('VM.start', vm, false, false);
  // Devices come and go in a guest that has its drivers.
  await xo.allows(vm, 'suspend');
});
afterAll(async () => {
  await xo?.xapi.disconnect();
  await world?.stop();
});

const gone = (ref: string): Promise<void> =>
  eventually(async () => expect(xo.xapi.getObject(ref, undefined)).toBeUndefined());
const physical = (device: string, host = xo.pool.master): Seen =>
  xo.find('PIF', (pif) => pif.physical && pif.device === device && pif.host === host);
const wire = (): string => physical('eth0').network;
const pifsOf = (network: string): Seen[] => xo.one(network).PIFs.map((pif) => xo.one(pif));

/** With an interface it is a VLAN of that on every host; the tag goes as text. */
async function createNetwork(
  name: string,
  { pif, vlan = '0', mtu = 1500 }: { pif?: string; vlan?: string; mtu?: number } = {},
): Promise<Seen> {
  const given = {
    name_label: name,
    name_description: 'Created with Xen Orchestra',
    MTU: mtu,
    other_config: { automatic: 'false' },
  };
  const ref = await xo.call('network.create', given);
  try {
    if (pif !== undefined) await xo.call('pool.create_VLAN_from_PIF', pif, ref, vlan);
  } catch (error) {
    await xo.task('network.destroy', ref);
    throw error;
  }
  return xo.barrier(ref);
}
/** Objects made of its interfaces are removed before it. */
async function deleteNetwork(ref: string): Promise<void> {
  const pifs = pifsOf((await xo.barrier(ref)).$ref);
  for (const vlan of new Set(pifs.map((pif) => String(pif['VLAN_master_of']))))
    if (vlan !== 'OpaqueRef:NULL') await xo.task('VLAN.destroy', vlan);
  for (const bond of pifs.flatMap((pif) => pif['bond_master_of'] as string[]))
    await xo.call('Bond.destroy', bond);
  for (const pif of pifs) {
    const tunnel = xo.all('tunnel').find((one) => one['access_PIF'] === pif.$ref);
    if (tunnel) await xo.task('tunnel.destroy', tunnel.$ref);
  }
  await xo.task('network.destroy', ref);
  await gone(ref);
}

describe('a network', () => {
  test('of VMs alone: made, set up and removed', async () => {
    const network = await createNetwork('inside', { mtu: 1400 });
    expect(network).toMatchObject({
      MTU: 1400,
      bridge: expect.stringMatching(/^xapi\d+$/),
      PIFs: [],
      other_config: { automatic: 'false' },
    });
    await xo.call('network.add_purpose', network.$ref, 'nbd');
    expect(await xo.barrier(network.$ref)).toMatchObject({ purpose: ['nbd'] });
    await xo.call('network.remove_purpose', network.$ref, 'insecure_nbd');
    await xo.call('network.remove_purpose', network.$ref, 'nbd');
    await xo.call('network.set_default_locking_mode', network.$ref, 'disabled');
    await xo.update(network, 'other_config', { automatic: 'true' });
    expect(await xo.barrier(network.$ref)).toMatchObject({
      purpose: [],
      default_locking_mode: 'disabled',
      other_config: { automatic: 'true' },
    });
    await xo.update(network, 'other_config', { automatic: null });
    await deleteNetwork(network.$ref);
  });

  test('of a VLAN on every host, whose tag is changed; a tag that cannot be leaves nothing behind', async () => {
    const network = await createNetwork('tagged', { pif: physical('eth1').$ref, vlan: '42' });
    expect(
      pifsOf(network.$ref)
        .map(({ VLAN, device, physical: real, host }) => [VLAN, device, real, host])
        .toSorted(),
    ).toEqual(
      xo
        .all('host')
        .map(({ $ref }) => [42, 'eth1', false, $ref])
        .toSorted(),
    );
    const before = pifsOf(network.$ref);
    for (const vlan of new Set(before.map((pif) => String(pif['VLAN_master_of']))))
      await xo.task('VLAN.destroy', vlan);
    const made = await xo.call<string[]>(
      'pool.create_VLAN_from_PIF',
      physical('eth1').$ref,
      network.$ref,
      '43',
    );
    await Promise.all(made.map((pif) => xo.sees(pif)));
    expect(
      pifsOf((await xo.barrier(network.$ref)).$ref).map(({ VLAN, currently_attached }) => [
        VLAN,
        currently_attached,
      ]),
    ).toEqual([
      [43, true],
      [43, true],
    ]);
    const [pif = ''] = made;
    await xo.task('PIF.unplug', pif);
    await xo.sees(pif, (one) => !one.currently_attached);
    await xo.task('PIF.plug', pif);
    await expect(
      createNetwork('bad tag', { pif: physical('eth1').$ref, vlan: '5000' }),
    ).rejects.toMatchObject({ code: 'VLAN_TAG_INVALID' });
    await expect(createNetwork('same tag', { pif: physical('eth1').$ref, vlan: '43' })).rejects.toMatchObject(
      { code: 'PIF_VLAN_EXISTS' },
    );
    expect(xo.all('network').filter(({ name_label }) => name_label.endsWith(' tag'))).toEqual([]);
    await deleteNetwork(network.$ref);
    for (const { $ref } of before) await gone($ref);
  });

  test.each(['balance-slb', 'active-backup', 'lacp'])(
    'of interfaces that are bonded on each host: %s',
    async (mode) => {
      const network = await createNetwork(`bonded ${mode}`);
      for (const host of xo.all('host')) {
        const members = ['eth0', 'eth1'].map((device) => physical(device, host.$ref).$ref);
        await xo.call('Bond.create', network.$ref, members, '', mode);
      }
      await xo.barrier(network.$ref);
      for (const pif of pifsOf(network.$ref)) {
        const [bond = ''] = pif['bond_master_of'] as string[];
        expect(xo.one(bond)).toMatchObject({ mode, master: pif.$ref });
        for (const member of xo.one(bond)['slaves'] as string[])
          expect(xo.one(member)).toMatchObject({ bond_slave_of: bond });
        expect(pif['management']).toBe(true);
      }
      await deleteNetwork(network.$ref);
      expect((await xo.barrier(physical('eth0').$ref))['management']).toBe(true);
    },
  );

  test('in use by a VM cannot go', async () => {
    const network = await createNetwork('used');
    const vif = await xo.createVif({ VM: vm, network: network.$ref });
    expect((await xo.refused('network.destroy', network.$ref)).code).toBe('NETWORK_CONTAINS_VIF');
    await xo.task('VIF.unplug_force', vif);
    await xo.task('VIF.destroy', vif);
    await deleteNetwork(network.$ref);
  });

  test('another size of packets is taken by plugging all of it again', async () => {
    const network = await createNetwork('sized', { pif: physical('eth1').$ref, vlan: '50' });
    const vif = await xo.createVif({ VM: vm, network: network.$ref });
    await xo.call('network.set_MTU', network.$ref, 9000);
    const pifs = pifsOf((await xo.barrier(network.$ref)).$ref).map(({ $ref }) => $ref);
    await xo.task('VIF.unplug', vif);
    for (const pif of pifs) await xo.task('PIF.unplug', pif);
    for (const pif of pifs) await xo.task('PIF.plug', pif);
    await xo.task('VIF.plug', vif);
    expect(await xo.barrier(network.$ref)).toMatchObject({ MTU: 9000 });
    await xo.sees(vif, ({ currently_attached }) => currently_attached);
    for (const pif of pifs) await xo.sees(pif, ({ currently_attached }) => currently_attached);
    await xo.task('VIF.unplug_force', vif);
    await xo.task('VIF.destroy', vif);
    await deleteNetwork(network.$ref);
  });
});

describe('the interface of a VM', () => {
  const edit = async (vif: string, fields: Readonly<Record<string, unknown>>): Promise<Seen> => {
    for (const [field, value] of Object.entries(fields)) await xo.xapi.setField('VIF', vif, field, value);
    return xo.barrier(vif);
  };
  test('is made, locked to its addresses, slowed down, unplugged, plugged and removed', async () => {
    const vif = await xo.createVif({ VM: vm, network: wire() });
    expect(await xo.sees(vif, ({ currently_attached }) => currently_attached)).toMatchObject({
      locking_mode: 'network_default',
      ipv4_allowed: [],
    });
    expect(await edit(vif, { ipv4_allowed: ['10.1.1.1'], locking_mode: 'locked' })).toMatchObject({
      ipv4_allowed: ['10.1.1.1'],
      locking_mode: 'locked',
    });
    expect(await edit(vif, { ipv6_allowed: ['fe80::2'] })).toMatchObject({ ipv6_allowed: ['fe80::2'] });
    expect(await edit(vif, { ipv4_allowed: [], ipv6_allowed: [], locking_mode: 'unlocked' })).toMatchObject({
      ipv4_allowed: [],
      locking_mode: 'unlocked',
    });
    await Promise.all([
      xo.call('VIF.set_qos_algorithm_type', vif, 'ratelimit'),
      xo.update(xo.one(vif), 'qos_algorithm_params', { kbps: '1024' }),
    ]);
    expect(await xo.barrier(vif)).toMatchObject({
      qos_algorithm_type: 'ratelimit',
      qos_algorithm_params: { kbps: '1024' },
    });
    await Promise.all([
      xo.call('VIF.set_qos_algorithm_type', vif, ''),
      xo.update(xo.one(vif), 'qos_algorithm_params', { kbps: null }),
    ]);
    await xo.update(xo.one(vif), 'other_config', { 'ethtool-tx': 'false' });
    expect(await xo.barrier(vif)).toMatchObject({
      qos_algorithm_type: '',
      qos_algorithm_params: {},
      other_config: { 'ethtool-tx': 'false' },
    });
    await xo.task('VIF.unplug_force', vif);
    await xo.sees(vif, ({ currently_attached }) => !currently_attached);
    await xo.task('VIF.plug', vif);
    await xo.sees(vif, ({ currently_attached }) => currently_attached);
    expect((await xo.refused('VIF.destroy', vif)).code).toBe('OPERATION_NOT_ALLOWED');
    await xo.task('VIF.unplug_force', vif);
    await xo.task('VIF.destroy', vif);
    await gone(vif);
  });

  test('with another address or on another network it is another one', async () => {
    const vif = await xo.createVif({ VM: vm, network: wire(), MAC: '4a:5b:6c:00:00:09' });
    await xo.sees(vif, ({ currently_attached }) => currently_attached);
    await xo.task('VIF.unplug_force', vif);
    await xo.task('VIF.destroy', vif);
    const config = {
      currently_attached: true,
      ipv4_allowed: [],
      ipv6_allowed: [],
      locking_mode: 'network_default',
      other_config: { 'ethtool-tx': 'true' },
    };
    const next = await xo.createVif({
      VM: vm,
      network: physical('eth1').network,
      MAC: '4a:5b:6c:00:00:09',
      ...config,
    });
    expect(await xo.sees(next, ({ currently_attached }) => currently_attached)).toMatchObject({
      MAC: '4a:5b:6c:00:00:09',
      network: physical('eth1').network,
    });
    await xo.task('VIF.unplug_force', next);
    await xo.task('VIF.destroy', next);
  });
});

describe('the interface of a host', () => {
  test('gets an address, another by DHCP, one of IPv6, and none', async () => {
    const { $ref: pif } = physical('eth1');
    await xo.call(
      'PIF.reconfigure_ip',
      pif,
      'Static',
      '10.99.0.7',
      '255.255.255.0',
      '10.99.0.1',
      '10.99.0.2',
    );
    expect(await xo.barrier(pif)).toMatchObject({
      ip_configuration_mode: 'Static',
      IP: '10.99.0.7',
      netmask: '255.255.255.0',
      gateway: '10.99.0.1',
      DNS: '10.99.0.2',
    });
    await xo.call('PIF.reconfigure_ip', pif, 'DHCP', '', '', '', '');
    expect(await xo.barrier(pif)).toMatchObject({ ip_configuration_mode: 'DHCP' });
    await xo.call('PIF.reconfigure_ipv6', pif, 'Static', 'fd00::7/64', '', '');
    expect(await xo.barrier(pif)).toMatchObject({ ipv6_configuration_mode: 'Static', IPv6: ['fd00::7/64'] });
    await xo.call('PIF.reconfigure_ipv6', pif, 'None', '', '', '');
    await xo.call('PIF.reconfigure_ip', pif, 'None', '', '', '', '');
    expect(await xo.barrier(pif)).toMatchObject({ ip_configuration_mode: 'None', IP: '' });
    expect(
      (await xo.refused('PIF.reconfigure_ip', pif, 'Static', 'nonsense', '255.255.255.0', '', '')).code,
    ).toBe('INVALID_IP_ADDRESS_SPECIFIED');
  });

  test('that carries the management keeps it when it is set up again', async () => {
    const pif = xo.find('PIF', (one) => one['management'] === true && one.host === xo.pool.master);
    await xo.call('host.management_reconfigure', pif.$ref);
    expect((await xo.barrier(pif.$ref))['management']).toBe(true);
    const refused: Failure = await xo.refused('PIF.unplug', pif.$ref);
    expect(refused.code).toBe('PIF_IS_MANAGEMENT_INTERFACE');
  });

  test('is forgotten and found again', async () => {
    const pif = physical('eth1', xo.find('host', ({ $ref }) => $ref !== xo.pool.master).$ref);
    await xo.task('PIF.unplug', pif.$ref).catch(() => undefined);
    await xo.task('PIF.forget', pif.$ref);
    await gone(pif.$ref);
    await xo.task('PIF.scan', pif.host);
    await eventually(async () => expect(physical('eth1', pif.host).MAC).toBe(pif.MAC));
  });
});
