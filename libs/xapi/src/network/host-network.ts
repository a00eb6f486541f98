/** Hosts can talk over a network when each has an interface on it, with an address. */
import { addresses } from '@xenplane/domain';
import { asRef, XenError, type Ref, type StoredRecord } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { managementLease, moveHosts } from '../core/addressing';
import { givenAddresses } from '../tables/runs/host-runs';

type Pif = StoredRecord<'PIF'> & { readonly ref: Ref<'PIF'> };

export async function interfaceOn(tx: Tx, network: Ref<'network'>, host: Ref<'host'>): Promise<Pif> {
  const [pif] = await tx.find('PIF', { network, host });
  if (!pif) throw new XenError('HOST_CANNOT_ATTACH_NETWORK', host, network);
  if (pif.IP !== '') return pif;
  throw new XenError(
    pif.ip_configuration_mode === 'None' ? 'PIF_HAS_NO_NETWORK_CONFIGURATION' : 'INTERFACE_HAS_NO_IP',
    pif.ref,
  );
}

export async function assertOnNetwork(tx: Tx, network: string, hosts: readonly Ref<'host'>[]): Promise<void> {
  const ref = asRef<'network'>(network);
  await tx.get('network', ref);
  for (const host of hosts) await interfaceOn(tx, ref, host);
}

/** The relevant fields of the interface by which a host is to be known. */
export type ManagementPif = Pick<
  Pif,
  'ref' | 'host' | 'MAC' | 'IP' | 'IPv6' | 'primary_address_type' | 'ip_configuration_mode'
>;
/** Of the family that the interface prefers; empty when it has none. */
export const addressOf = ({ primary_address_type, IP, IPv6 }: ManagementPif): string =>
  primary_address_type === 'IPv6' ? ((IPv6[0] ?? '').split('/')[0] ?? '') : IP;

/** Hosts, each by one interface, are reached there from now on. DHCP gives the interface that a host is known by the address that the host has by its number. */
export async function manageHosts(tx: Tx, pifs: readonly ManagementPif[]): Promise<void> {
  const hosts = pifs.map(({ host }) => host);
  const given = await givenAddresses(tx, hosts);
  const others = await tx.query<Pick<Pif, 'ref' | 'MAC' | 'ip_configuration_mode'>>(
    'SELECT ref, "MAC", ip_configuration_mode FROM pif WHERE management AND host = ANY($1) AND ref <> ALL($2) ORDER BY ref',
    [hosts, pifs.map(({ ref }) => ref)],
  );
  const isLeased = ({ ip_configuration_mode }: Pick<Pif, 'ip_configuration_mode'>): boolean =>
    ip_configuration_mode === 'DHCP';
  await tx.updateMany('PIF', [
    ...others.map((p) => ({
      ref: p.ref,
      management: false,
      ...(isLeased(p) ? addresses.leasedAddress(p.MAC) : {}),
    })),
    ...pifs.map((p) => ({
      ref: p.ref,
      management: true,
      currently_attached: true,
      ...(isLeased(p) ? managementLease(given.get(p.host) ?? '', p.MAC) : {}),
    })),
  ]);
  await moveHosts(
    tx,
    pifs.flatMap((p) => {
      const address =
        p.primary_address_type === 'IPv4' && isLeased(p) ? given.get(p.host) || p.IP : addressOf(p);
      return address === '' ? [] : [{ host: p.host, address }];
    }),
  );
}
