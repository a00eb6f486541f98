import fc from 'fast-check';
import { addresses, bondRules, networkRules, pifRules, stackingRules } from '@xenplane/domain';
import { nullRef, zeroOf, classes, asRef, type XenError } from '@xenplane/model';

const { isCidr, isIpv4, isIpv6, isMac, isNetmask } = addresses;
const description = (error: XenError | undefined): readonly string[] | undefined => error?.description;

test.each([
  [
    'IPv4',
    isIpv4,
    ['0.0.0.0', '10.1.2.3', '255.255.255.255'],
    ['256.0.0.1', '1.2.3', '1.2.3.4.5', 'a.b.c.d', '1.2.3.4/8', ''],
  ],
  [
    'IPv6',
    isIpv6,
    ['::', '::1', 'fe80::1', '1:2:3:4:5:6:7:8', '::ffff:10.0.0.1', 'fd00::ab:CD'],
    ['1::2::3', '1:2:3', '12345::', 'g::1', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7::8', ''],
  ],
  [
    'netmask',
    isNetmask,
    ['255.255.255.0', '255.0.0.0', '0.0.0.0', '255.255.255.255'],
    ['255.0.255.0', '0.0.0.255', '255.255.255'],
  ],
  [
    'MAC',
    isMac,
    ['00:16:3e:00:00:01', 'AA:bb:CC:dd:EE:ff', '01:00:5e:00:00:01', 'ff:ff:ff:ff:ff:ff'],
    ['00:16:3e:00:00', '00-16-3e-00-00-01', 'zz:16:3e:00:00:01', ''],
  ],
  [
    'IPv4 with a prefix',
    (t: string) => isCidr('ipv4', t),
    ['10.0.0.1/8', '1.2.3.4/32'],
    ['10.0.0.1', '10.0.0.1/33', '10.0.0.1/8/8', '::1/64'],
  ],
  ['IPv6 with a prefix', (t: string) => isCidr('ipv6', t), ['fd00::1/64'], ['fd00::1', 'fd00::1/129']],
])('%s: what is one and what is none', (_what, is, good, bad) => {
  expect(good.filter((text) => !is(text))).toEqual([]);
  expect(bad.filter((text) => is(text))).toEqual([]);
});

test('every address that is written is one again; every lease is one', () => {
  const octets = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 });
  fc.assert(fc.property(octets, (parts) => isIpv4(parts.join('.'))));
  const bytes = fc
    .array(fc.nat(255), { minLength: 6, maxLength: 6 })
    .map((all) => all.map((b) => b.toString(16).padStart(2, '0')).join(':'));
  fc.assert(
    fc.property(bytes, (mac) => {
      const { IP, netmask } = addresses.leasedAddress(mac);
      return isMac(mac) && isIpv4(IP) && isNetmask(netmask);
    }),
  );
});
test('the first free address of a range', () => {
  expect(
    addresses.freeAddress('169.254.0.1', '169.254.255.254', new Set(['169.254.0.1', '169.254.0.2'])),
  ).toBe('169.254.0.3');
  expect(addresses.freeAddress('10.0.0.255', '10.0.1.0', new Set(['10.0.0.255']))).toBe('10.0.1.0');
  expect(addresses.freeAddress('10.0.0.1', '10.0.0.1', new Set(['10.0.0.1']))).toBeUndefined();
});

test('bridges are named by the lowest free number, or as wanted unless reserved, long or taken', () => {
  expect(networkRules.bridgeName('', true, new Set(['xapi0', 'xapi2']))).toBe('xapi1');
  expect(networkRules.bridgeName('mybridge', true, new Set())).toBe('mybridge');
  for (const [wanted, error] of [
    ['xenbr7', 'INVALID_VALUE,bridge,xenbr7'],
    ['xapi5', 'INVALID_VALUE,bridge,xapi5'],
    ['a-name-that-is-long', 'INVALID_VALUE,bridge,a-name-that-is-long'],
    ['br', 'BRIDGE_NAME_EXISTS,br'],
  ] as const) {
    const named = (): string => networkRules.bridgeName(wanted, true, new Set(['br']));
    expect(thrown(named)).toBe(error);
  }
  expect(thrown(() => networkRules.bridgeName('', false, new Set()))).toBe('INVALID_VALUE,bridge,');
});
function thrown(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return String((error as XenError).description);
  }
  return 'nothing';
}

test('disks are served encrypted on all networks or on none', () => {
  expect(description(networkRules.refusePurpose('nbd', [['insecure_nbd'], []]))).toEqual([
    'NETWORK_INCOMPATIBLE_PURPOSES',
    'nbd',
    'insecure_nbd',
  ]);
  expect(networkRules.refusePurpose('nbd', [['nbd'], []])).toBeUndefined();
});

type Pif = pifRules.PifSubject['pif'];
function pif(
  ref: string,
  more: Partial<Pif> = {},
  around: Partial<pifRules.PifSubject> = {},
): pifRules.PifSubject {
  const blank = Object.fromEntries(
    Object.entries(classes.PIF.fields).map(([name, field]) => [
      name,
      ('default' in field ? field.default : undefined) ?? zeroOf(field.type),
    ]),
  );
  const record = {
    ...(blank as Pif),
    bond_slave_of: nullRef<'Bond'>(),
    VLAN_master_of: nullRef<'VLAN'>(),
    device: ref,
    host: asRef<'host'>('h'),
    network: asRef<'network'>(`net-${ref}`),
    VLAN: -1,
    physical: true,
    managed: true,
    ...more,
  };
  return {
    ref,
    pif: record,
    bondMaster: false,
    taggedBy: [],
    tunnelAccess: false,
    tunnelTransport: false,
    sriovPhysical: false,
    sriovLogical: false,
    vifInUse: undefined,
    clusterHost: undefined,
    ha: false,
    redoLog: false,
    ...around,
  };
}
const bond = asRef<'Bond'>('bond'),
  vlan = asRef<'VLAN'>('vlan');

test.each([
  ['unplug', pifRules.refuseUnplug, pif('p', { managed: false }), ['PIF_UNMANAGED', 'p']],
  ['unplug', pifRules.refuseUnplug, pif('p', { management: true }, { ha: true }), ['HA_IS_ENABLED']],
  [
    'unplug',
    pifRules.refuseUnplug,
    pif('p', { management: true, disallow_unplug: true }),
    ['PIF_IS_MANAGEMENT_INTERFACE', 'p'],
  ],
  [
    'unplug',
    pifRules.refuseUnplug,
    pif('p', { disallow_unplug: true }, { vifInUse: 'vif' }),
    ['VIF_IN_USE', 'net-p', 'vif'],
  ],
  ['unplug', pifRules.refuseUnplug, pif('p', { disallow_unplug: true }), ['PIF_DOES_NOT_ALLOW_UNPLUG', 'p']],
  ['unplug', pifRules.refuseUnplug, pif('p'), undefined],
  ['plug', pifRules.refusePlug, pif('p', { bond_slave_of: bond }), ['CANNOT_PLUG_BOND_SLAVE', 'p']],
  ['forget', pifRules.refuseForget, pif('p', { management: true }), ['PIF_IS_MANAGEMENT_INTERFACE', 'p']],
  ['forget', pifRules.refuseForget, pif('p', {}, { bondMaster: true }), ['PIF_ALREADY_BONDED', 'p']],
  ['forget', pifRules.refuseForget, pif('p', {}, { taggedBy: ['v'] }), ['PIF_VLAN_STILL_EXISTS', 'p']],
  [
    'forget',
    pifRules.refuseForget,
    pif('p', {}, { tunnelTransport: true }),
    ['PIF_TUNNEL_STILL_EXISTS', 'p'],
  ],
  ['forget', pifRules.refuseForget, pif('p', {}, { sriovPhysical: true }), ['PIF_SRIOV_STILL_EXISTS', 'p']],
  ['forget', pifRules.refuseForget, pif('p'), undefined],
  [
    'reconfigure',
    pifRules.refuseReconfigure,
    pif('p', {}, { clusterHost: 'c' }),
    ['CLUSTERING_ENABLED', 'c'],
  ],
  ['reconfigure', pifRules.refuseReconfigure, pif('p', {}, { redoLog: true }), ['REDO_LOG_IS_ENABLED']],
] as const)('PIF: %s', (_what, rule, subject, expected) =>
  expect(description(rule(subject))).toEqual(expected),
);

const v4 = {
  mode: 'Static',
  IP: '10.0.0.2',
  netmask: '255.255.255.0',
  gateway: '10.0.0.1',
  DNS: '10.0.0.1,fd00::1',
} as const;
test.each([
  ['a whole configuration', pif('p'), v4, undefined],
  ['an address', pif('p'), { ...v4, IP: '10.0.0.256' }, ['INVALID_IP_ADDRESS_SPECIFIED', 'IP']],
  ['a netmask', pif('p'), { ...v4, netmask: '10.0.0.1' }, ['INVALID_IP_ADDRESS_SPECIFIED', 'netmask']],
  ['a gateway', pif('p'), { ...v4, gateway: 'x' }, ['INVALID_IP_ADDRESS_SPECIFIED', 'gateway']],
  ['a name server', pif('p'), { ...v4, DNS: '10.0.0.1,x' }, ['INVALID_IP_ADDRESS_SPECIFIED', 'DNS']],
  [
    'nothing at all for management',
    pif('p', { management: true }),
    { ...v4, mode: 'None' },
    ['PIF_IS_MANAGEMENT_INTERFACE', 'p'],
  ],
] as const)('IPv4 of a host: %s', (_what, subject, wish, expected) =>
  expect(description(pifRules.refuseIpv4(subject, wish))).toEqual(expected),
);

test.each([
  ['a tag below', pif('p'), -1, [], ['VLAN_TAG_INVALID', '-1']],
  ['a tag above', pif('p'), 4095, [], ['VLAN_TAG_INVALID', '4095']],
  ['a tag that is there', pif('eth0'), 7, [7], ['PIF_VLAN_EXISTS', 'eth0']],
  ['on a VLAN', pif('p', { VLAN_master_of: vlan }), 7, [], ['PIF_IS_VLAN', 'p']],
  ['on a member of a bond', pif('p', { bond_slave_of: bond }), 7, [], ['CANNOT_ADD_VLAN_TO_BOND_SLAVE', 'p']],
  ['on the inside of a tunnel', pif('p', {}, { tunnelAccess: true }), 7, [], ['IS_TUNNEL_ACCESS_PIF', 'p']],
  ['a good one', pif('p'), 4094, [7], undefined],
] as const)('VLAN: %s', (_what, subject, tag, tags, expected) =>
  expect(description(stackingRules.refuseVlan(subject, tag, tags))).toEqual(expected),
);

const static4 = { ip_configuration_mode: 'Static' } as const;
test.each([
  ['one member', [pif('a')], '', ['PIF_BOND_NEEDS_MORE_MEMBERS']],
  ['two hosts', [pif('a'), pif('b', { host: asRef<'host'>('other') })], '', ['PIF_CANNOT_BOND_CROSS_HOST']],
  ['a member of another', [pif('a'), pif('b', { bond_slave_of: bond })], '', ['PIF_ALREADY_BONDED', 'b']],
  ['a VLAN', [pif('a'), pif('b', { VLAN_master_of: vlan })], '', ['PIF_VLAN_EXISTS', 'b']],
  ['two addresses', [pif('a', static4), pif('b', static4)], '', ['PIF_BOND_MORE_THAN_ONE_IP']],
  [
    'unlike settings',
    [pif('a', { properties: { gro: 'on' } }), pif('b', { properties: { gro: 'off' } })],
    '',
    ['INCOMPATIBLE_PIF_PROPERTIES'],
  ],
  ['a bad MAC', [pif('a'), pif('b')], 'nonsense', ['MAC_INVALID', 'nonsense']],
  ['a multicast MAC', [pif('a'), pif('b')], '01:00:5e:00:00:01', undefined],
  [
    'management under HA',
    [pif('a', { management: true }, { ha: true }), pif('b')],
    '',
    ['HA_CANNOT_CHANGE_BOND_STATUS_OF_MGMT_IFACE'],
  ],
  ['two equals', [pif('a'), pif('b')], '', undefined],
] as const)('a bond of %s', (_what, members, mac, expected) =>
  expect(description(bondRules.refuseBond(members, mac))).toEqual(expected),
);

test('who leads a bond, and the settings of its mode', () => {
  expect(bondRules.primaryOf([pif('a', static4), pif('b', { management: true })])?.ref).toBe('b');
  expect(bondRules.primaryOf([pif('a'), pif('b', static4)])?.ref).toBe('b');
  expect(bondRules.primaryOf([pif('a'), pif('b')])?.ref).toBe('a');
  expect(bondRules.settingsOf('balance-slb', { hashing_algorithm: 'src_mac' })).toEqual({});
  expect(bondRules.settingsOf('lacp', { hashing_algorithm: 'src_mac' })).toMatchObject({
    hashing_algorithm: 'src_mac',
    'lacp-time': 'slow',
  });
  expect(description(bondRules.refuseSetting('balance-slb', 'hashing_algorithm', 'src_mac'))).toEqual([
    'INVALID_VALUE',
    'properties',
    'hashing_algorithm = src_mac',
  ]);
  expect(description(bondRules.refuseSetting('lacp', 'lacp-time', 'never'))).toEqual([
    'INVALID_VALUE',
    'properties',
    'lacp-time = never',
  ]);
  expect(bondRules.deviceNamed('bond', new Set(['bond0', 'bond2']))).toBe('bond1');
});
