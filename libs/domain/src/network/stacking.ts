/** Rules for stacking on an interface: VLANs, tunnels, virtual functions. */
import { isNullRef, XenError, type StoredRecord } from '@xenplane/model';
import { isBonded, isVlan, type PifSubject } from './pif';

const largestTag = 4094;

/** `tags` are those that the interface carries already. */
export function refuseVlan(subject: PifSubject, tag: number, tags: readonly number[]): XenError | undefined {
  const { ref, pif } = subject;
  if (!pif.managed) return new XenError('PIF_UNMANAGED', ref);
  if (tag < 0 || tag > largestTag) return new XenError('VLAN_TAG_INVALID', String(tag));
  if (isBonded(subject)) return new XenError('CANNOT_ADD_VLAN_TO_BOND_SLAVE', ref);
  if (isVlan(subject)) return new XenError('PIF_IS_VLAN', ref);
  if (subject.tunnelAccess) return new XenError('IS_TUNNEL_ACCESS_PIF', ref);
  return tags.includes(tag) ? new XenError('PIF_VLAN_EXISTS', pif.device) : undefined;
}

export const hasAddress = (
  pif: Pick<StoredRecord<'PIF'>, 'ip_configuration_mode' | 'ipv6_configuration_mode'>,
): boolean => pif.ip_configuration_mode !== 'None' || pif.ipv6_configuration_mode !== 'None';

export function refuseTunnel(transport: PifSubject): XenError | undefined {
  const { ref, pif } = transport;
  if (!pif.managed) return new XenError('PIF_UNMANAGED', ref);
  if (isBonded(transport)) return new XenError('CANNOT_ADD_TUNNEL_TO_BOND_SLAVE', ref);
  if (transport.sriovLogical) return new XenError('CANNOT_ADD_TUNNEL_TO_SRIOV_LOGICAL', ref);
  if (transport.tunnelAccess) return new XenError('IS_TUNNEL_ACCESS_PIF', ref);
  return hasAddress(pif) ? undefined : new XenError('TRANSPORT_PIF_NOT_CONFIGURED', ref);
}

/** Virtual functions come from one make of card on all hosts, and share their network with nothing else. */
export interface SriovNeighbour {
  readonly ref: string;
  readonly logical: boolean;
  readonly card: string;
}
export function refuseSriov(
  subject: PifSubject,
  card: string,
  neighbours: readonly SriovNeighbour[],
  network: string,
): XenError | undefined {
  const { ref, pif } = subject;
  if (!pif.managed) return new XenError('PIF_UNMANAGED', ref);
  if (!pif.physical) return new XenError('PIF_IS_NOT_PHYSICAL', ref);
  if (!pif.capabilities.includes('sriov')) return new XenError('PIF_IS_NOT_SRIOV_CAPABLE', ref);
  if (subject.sriovPhysical) return new XenError('NETWORK_SRIOV_ALREADY_ENABLED', ref);
  if (!isNullRef(pif.bond_slave_of)) return new XenError('PIF_ALREADY_BONDED', ref);
  const odd = neighbours.find((n) => !n.logical || n.card !== card);
  return odd && new XenError('NETWORK_HAS_INCOMPATIBLE_SRIOV_PIFS', odd.ref, network);
}
