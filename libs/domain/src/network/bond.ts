/** Rules of bonds: allowed members, the primary, and the settings of each mode. */
import { XenError, type enums, type TypeOf } from '@xenplane/model';
import { isMac } from './addresses';
import { isBonded, isVlan, type PifSubject } from './pif';
import { hasAddress } from './stacking';

export type BondMode = TypeOf<typeof enums.bond_mode>;
const fewestMembers = 2;

function refuseMember(member: PifSubject): XenError | undefined {
  const { ref, pif } = member;
  if (isBonded(member) || member.bondMaster) return new XenError('PIF_ALREADY_BONDED', ref);
  if (isVlan(member)) return new XenError('PIF_VLAN_EXISTS', pif.device);
  if (member.tunnelAccess) return new XenError('IS_TUNNEL_ACCESS_PIF', ref);
  if (member.sriovLogical) return new XenError('PIF_IS_SRIOV_LOGICAL', ref);
  if (pif.management && member.ha) return new XenError('HA_CANNOT_CHANGE_BOND_STATUS_OF_MGMT_IFACE');
  return pif.managed ? undefined : new XenError('PIF_UNMANAGED', ref);
}

export function refuseBond(members: readonly PifSubject[], MAC: string): XenError | undefined {
  if (MAC !== '' && !isMac(MAC)) return new XenError('MAC_INVALID', MAC);
  if (members.length < fewestMembers) return new XenError('PIF_BOND_NEEDS_MORE_MEMBERS');
  for (const member of members) {
    const refused = refuseMember(member);
    if (refused) return refused;
  }
  if (new Set(members.map((m) => m.pif.host)).size > 1) return new XenError('PIF_CANNOT_BOND_CROSS_HOST');
  if (new Set(members.map((m) => JSON.stringify(Object.entries(m.pif.properties).sort()))).size > 1)
    return new XenError('INCOMPATIBLE_PIF_PROPERTIES');
  return members.filter((m) => hasAddress(m.pif)).length > 1
    ? new XenError('PIF_BOND_MORE_THAN_ONE_IP')
    : undefined;
}

/** The member that gives the bond its address: the management interface, else one with an IP, else the first. */
export const primaryOf = (members: readonly PifSubject[]): PifSubject | undefined =>
  members.find((m) => m.pif.management) ?? members.find((m) => hasAddress(m.pif)) ?? members[0];

interface Setting {
  readonly modes: readonly BondMode[];
  readonly initial: string;
  readonly valid: (value: string) => boolean;
}
const oneOf =
  (...values: readonly string[]) =>
  (value: string): boolean =>
    values.includes(value);
const settings: Readonly<Record<string, Setting>> = {
  hashing_algorithm: { modes: ['lacp'], initial: 'tcpudp_ports', valid: oneOf('src_mac', 'tcpudp_ports') },
  'lacp-time': { modes: ['lacp'], initial: 'slow', valid: oneOf('fast', 'slow') },
  'lacp-aggregation-key': { modes: ['lacp'], initial: '0', valid: (value) => /^\d+$/.test(value) },
  'lacp-fallback-ab': { modes: ['lacp'], initial: 'true', valid: oneOf('true', 'false') },
};

export function refuseSetting(mode: BondMode, name: string, value: string): XenError | undefined {
  const setting = settings[name];
  return setting?.modes.includes(mode) && setting.valid(value)
    ? undefined
    : new XenError('INVALID_VALUE', 'properties', `${name} = ${value}`);
}
/** All settings of a mode: those given, the others as they are at first; what another mode had is dropped. */
export function settingsOf(mode: BondMode, given: Readonly<Record<string, string>>): Record<string, string> {
  const own = Object.entries(settings).filter(([, setting]) => setting.modes.includes(mode));
  return Object.fromEntries(own.map(([name, { initial }]) => [name, given[name] ?? initial]));
}

/** `bond0` and on: the lowest number that no interface of the host has. */
export function deviceNamed(prefix: 'bond' | 'tunnel', used: ReadonlySet<string>): string {
  for (let i = 0; ; i += 1) if (!used.has(`${prefix}${i}`)) return `${prefix}${i}`;
}
