/** The allowed operations of a host's interface, given all that stands on it. Each check is xapi's, in xapi's order. */
import { isNullRef, XenError, type StoredRecord } from '@xenplane/model';
import { isAddress, isCidr, isNetmask } from './addresses';

export interface PifSubject {
  readonly ref: string;
  readonly pif: Omit<StoredRecord<'PIF'>, 'uuid'>;
  /** Bonds, VLANs, tunnels and SR-IOV networks that it is an end of. */
  readonly bondMaster: boolean;
  readonly taggedBy: readonly string[];
  readonly tunnelAccess: boolean;
  readonly tunnelTransport: boolean;
  readonly sriovPhysical: boolean;
  readonly sriovLogical: boolean;
  /** An attached interface of a VM that runs here on the same network. */
  readonly vifInUse: string | undefined;
  /** The enabled member of a cluster that talks over it. */
  readonly clusterHost: string | undefined;
  readonly ha: boolean;
  readonly redoLog: boolean;
}
type Check = (subject: PifSubject) => XenError | undefined;
const first = (subject: PifSubject, checks: readonly Check[]): XenError | undefined => {
  for (const check of checks) {
    const refused = check(subject);
    if (refused) return refused;
  }
  return undefined;
};

export const isVlan = ({ pif }: Pick<PifSubject, 'pif'>): boolean => !isNullRef(pif.VLAN_master_of);
export const isBonded = ({ pif }: Pick<PifSubject, 'pif'>): boolean => !isNullRef(pif.bond_slave_of);

const managed: Check = ({ ref, pif }) => (pif.managed ? undefined : new XenError('PIF_UNMANAGED', ref));
const protection: Check = ({ ha, redoLog }) =>
  ha ? new XenError('HA_IS_ENABLED') : redoLog ? new XenError('REDO_LOG_IS_ENABLED') : undefined;
const protectedWhenUp: Check = (subject) =>
  subject.pif.currently_attached ? protection(subject) : undefined;
const notManagement: Check = ({ ref, pif }) =>
  pif.management ? new XenError('PIF_IS_MANAGEMENT_INTERFACE', ref) : undefined;
const unused: Check = ({ pif, vifInUse }) =>
  vifInUse === undefined ? undefined : new XenError('VIF_IN_USE', pif.network, vifInUse);
const unpluggable: Check = ({ ref, pif }) =>
  pif.disallow_unplug ? new XenError('PIF_DOES_NOT_ALLOW_UNPLUG', ref) : undefined;
const unclustered: Check = ({ clusterHost }) =>
  clusterHost === undefined ? undefined : new XenError('CLUSTERING_ENABLED', clusterHost);
const noBond: Check = (subject) =>
  isBonded(subject) || subject.bondMaster ? new XenError('PIF_ALREADY_BONDED', subject.ref) : undefined;
const noVlans: Check = (subject) =>
  isVlan(subject) || subject.taggedBy.length > 0
    ? new XenError('PIF_VLAN_STILL_EXISTS', subject.ref)
    : undefined;
const noTunnels: Check = ({ ref, tunnelAccess, tunnelTransport }) =>
  tunnelAccess || tunnelTransport ? new XenError('PIF_TUNNEL_STILL_EXISTS', ref) : undefined;
const noSriov: Check = ({ ref, sriovLogical, sriovPhysical }) =>
  sriovLogical
    ? new XenError('CANNOT_FORGET_SRIOV_LOGICAL', ref)
    : sriovPhysical
      ? new XenError('PIF_SRIOV_STILL_EXISTS', ref)
      : undefined;
const slaveless: Check = (subject) =>
  isBonded(subject) ? new XenError('CANNOT_PLUG_BOND_SLAVE', subject.ref) : undefined;

export const refuseUnplug = (subject: PifSubject): XenError | undefined =>
  first(subject, [managed, protectedWhenUp, notManagement, unused, unpluggable, unclustered]);
export const refusePlug = (subject: PifSubject): XenError | undefined => first(subject, [managed, slaveless]);
export const refuseForget = (subject: PifSubject): XenError | undefined =>
  first(subject, [
    notManagement,
    noBond,
    noVlans,
    noTunnels,
    noSriov,
    protection,
    unclustered,
    unused,
    unpluggable,
  ]);
export const refuseReconfigure = (subject: PifSubject): XenError | undefined =>
  first(subject, [managed, protection, unclustered]);
export const refuseAddressType = (subject: PifSubject): XenError | undefined =>
  first(subject, [managed, protection, unclustered, notManagement]);
/** Clustering relies on its interface staying up. */
export const refuseDisallowUnplug = (subject: PifSubject, value: boolean): XenError | undefined =>
  value ? undefined : unclustered(subject);

/** The settings of an interface that are its own; those that stand on another or are part of a bond have none. */
export function refuseProperty(subject: PifSubject, name: string, value: string): XenError | undefined {
  const refused = managed(subject);
  if (refused) return refused;
  if (isVlan(subject) || isBonded(subject) || subject.tunnelAccess)
    return new XenError('CANNOT_CHANGE_PIF_PROPERTIES', subject.ref);
  return name === 'gro' && ['on', 'off'].includes(value)
    ? undefined
    : new XenError('INVALID_VALUE', 'properties', `${name} = ${value}`);
}

export interface Ipv4Request {
  readonly mode: StoredRecord<'PIF'>['ip_configuration_mode'];
  readonly IP: string;
  readonly netmask: string;
  readonly gateway: string;
  readonly DNS: string;
}
export interface Ipv6Request {
  readonly mode: StoredRecord<'PIF'>['ipv6_configuration_mode'];
  readonly IPv6: string;
  readonly gateway: string;
  readonly DNS: string;
}
const badIp = (field: string): XenError => new XenError('INVALID_IP_ADDRESS_SPECIFIED', field);
const badDns = (DNS: string): boolean =>
  DNS.split(',')
    .filter((one) => one !== '')
    .some((one) => !isAddress('ipv4', one) && !isAddress('ipv6', one));

export function refuseIpv4(
  { ref, pif }: PifSubject,
  { mode, IP, netmask, gateway, DNS }: Ipv4Request,
): XenError | undefined {
  if (pif.management && mode === 'None' && pif.primary_address_type === 'IPv4')
    return new XenError('PIF_IS_MANAGEMENT_INTERFACE', ref);
  if (gateway !== '' && !isAddress('ipv4', gateway)) return badIp('gateway');
  if (badDns(DNS)) return badIp('DNS');
  if (mode !== 'Static') return undefined;
  if (!isAddress('ipv4', IP)) return badIp('IP');
  return isNetmask(netmask) ? undefined : badIp('netmask');
}
export function refuseIpv6(
  { ref, pif }: PifSubject,
  { mode, IPv6, gateway, DNS }: Ipv6Request,
): XenError | undefined {
  if (pif.management && mode === 'None' && pif.primary_address_type === 'IPv6')
    return new XenError('PIF_IS_MANAGEMENT_INTERFACE', ref);
  if (gateway !== '' && !isAddress('ipv6', gateway)) return badIp('gateway');
  if (badDns(DNS)) return badIp('DNS');
  return mode !== 'Static' || isCidr('ipv6', IPv6)
    ? undefined
    : new XenError('INVALID_CIDR_ADDRESS_SPECIFIED', 'IPv6');
}
