/** Which addresses hosts have: numbers in a range of loopback, names by a template, or, where neither can be had, that of the API. */
import { addresses, hostRanges } from '@xenplane/domain';
import type { Ref, StoredRecord } from '@xenplane/model';
import type { Tx } from '@xenplane/store';

/** `own`: where this API process is. */
export type Addressing =
  | { readonly kind: 'range'; readonly range: string; readonly own: string }
  | { readonly kind: 'names'; readonly template: string; readonly own: string }
  | { readonly kind: 'own'; readonly own: string };

export function addressFor(addressing: Addressing, number: number): string {
  if (addressing.kind === 'names') return nameFor(addressing.template, number);
  return (
    (addressing.kind === 'range' ? hostRanges.addressIn(addressing.range, number) : undefined) ??
    addressing.own
  );
}
/** `host-{n}.example:8443` is a name and, behind the colon, the port at which clients reach TLS. */
const nameFor = (template: string, number: number): string =>
  template.replace(/:\d+$/, '').replaceAll('{n}', String(number));

type Ipv4 = Pick<StoredRecord<'PIF'>, 'IP' | 'netmask' | 'gateway' | 'DNS'>;
/** The settings that DHCP gives to the interface by which a host is known. */
export function managementLease(address: string, card: string): Ipv4 {
  if (!addresses.isIpv4(address)) return addresses.leasedAddress(card);
  if (!hostRanges.isHostAddress(address)) return { IP: address, netmask: '255.0.0.0', gateway: '', DNS: '' };
  const gateway = hostRanges.gatewayOf(address);
  return { IP: address, netmask: hostRanges.netmask, gateway, DNS: gateway };
}

/** An address as it stands in a URL. */
export const inUrl = (column: string): string =>
  `CASE WHEN ${column} LIKE '%:%' THEN '[' || ${column} || ']' ELSE ${column} END`;
export const consoleLocation = (address: string, uuid: string): string =>
  `https://${address.includes(':') ? `[${address}]` : address}/console?uuid=${uuid}`;

/** Hosts are known by other addresses from now on, and their consoles are there. */
export async function moveHosts(
  tx: Tx,
  moved: readonly { readonly host: Ref<'host'>; readonly address: string }[],
): Promise<void> {
  await tx.query(
    `WITH shown AS (UPDATE host h SET address = m.address FROM unnest($1::text[], $2::text[]) AS m(host, address) WHERE h.ref = m.host AND h.address <> m.address RETURNING h.ref, h.address)
     UPDATE console c SET location = 'https://' || ${inUrl('s.address')} || '/console?uuid=' || c.uuid FROM vm v, shown s WHERE v.ref = c."VM" AND v.resident_on = s.ref`,
    [moved.map(({ host }) => host), moved.map(({ address }) => address)],
  );
}
