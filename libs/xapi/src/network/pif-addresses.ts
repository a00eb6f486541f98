/** The addresses of a host on its interfaces. */
import { pifRules } from '@xenplane/domain';
import { XenError, type Ref, type StoredRecord } from '@xenplane/model';
import { moveHosts } from '../core/addressing';
import { givenAddresses } from '../tables/runs/host-runs';
import type { Context } from '../core/context';
import { admitPif, lease, noIpv4 } from './interfaces';

export async function reconfigureIpv4(
  { tx }: Context,
  self: Ref<'PIF'>,
  wish: pifRules.Ipv4Request,
): Promise<void> {
  const { pif } = await admitPif(
    tx,
    self,
    (subject) => pifRules.refuseReconfigure(subject) ?? pifRules.refuseIpv4(subject, wish),
  );
  const { mode, IP, netmask, gateway, DNS } = wish;
  const leased = pif.currently_attached ? await lease(tx, pif) : noIpv4;
  const address = mode === 'Static' ? { IP, netmask, gateway, DNS } : mode === 'DHCP' ? leased : noIpv4;
  await tx.update('PIF', self, { ip_configuration_mode: mode, ...address });
  if (!pif.management || pif.primary_address_type !== 'IPv4' || !address.IP) return;
  const given = mode === 'DHCP' ? (await givenAddresses(tx, [pif.host])).get(pif.host) : '';
  await moveHosts(tx, [{ host: pif.host, address: given || address.IP }]);
}

/** An address that follows from the card, as hosts choose theirs without configuration. */
function ownIpv6(MAC: string, prefix: string): string {
  const [a = '0', b = '0', c = '0', d = '0', e = '0', f = '0'] = MAC.split(':');
  const local = (parseInt(a, 16) ^ 2).toString(16).padStart(2, '0');
  return `${prefix}::${local}${b}:${c}ff:fe${d}:${e}${f}/64`;
}

export async function reconfigureIpv6(
  { tx }: Context,
  self: Ref<'PIF'>,
  wish: pifRules.Ipv6Request,
): Promise<void> {
  const { pif } = await admitPif(
    tx,
    self,
    (subject) => pifRules.refuseReconfigure(subject) ?? pifRules.refuseIpv6(subject, wish),
  );
  const { mode, IPv6, gateway, DNS } = wish;
  const found = pif.currently_attached ? [ownIpv6(pif.MAC, 'fd00')] : [];
  const address = mode === 'Static' ? [IPv6] : mode === 'None' ? [] : found;
  await tx.update('PIF', self, {
    ipv6_configuration_mode: mode,
    IPv6: address,
    ipv6_gateway: mode === 'Static' ? gateway : '',
    ...(DNS === '' ? {} : { DNS }),
  });
  if (pif.management && pif.primary_address_type === 'IPv6' && address[0])
    await moveHosts(tx, [{ host: pif.host, address: address[0].split('/')[0] ?? '' }]);
}

/** A family in which the interface has no address cannot be the one by which it is known. */
export async function setAddressType(
  { tx }: Context,
  self: Ref<'PIF'>,
  type: StoredRecord<'PIF'>['primary_address_type'],
): Promise<void> {
  await admitPif(tx, self, (subject) => pifRules.refuseAddressType(subject) ?? refuseFamily(subject, type));
  await tx.update('PIF', self, { primary_address_type: type });
}
function refuseFamily(
  { ref, pif }: pifRules.PifSubject,
  type: StoredRecord<'PIF'>['primary_address_type'],
): XenError | undefined {
  if (type === 'IPv4')
    return pif.ip_configuration_mode === 'None'
      ? new XenError('PIF_HAS_NO_NETWORK_CONFIGURATION', ref)
      : undefined;
  return pif.ipv6_configuration_mode === 'None'
    ? new XenError('PIF_HAS_NO_V6_NETWORK_CONFIGURATION', ref)
    : undefined;
}
