/** Gives hosts the addresses that the settings of now ask for. */
import { asRef } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import { addressFor, inUrl, managementLease } from '../core/addressing';
import type { Plane } from '../core/context';
import { renewSelfMade } from './host-certificates';

interface Numbered {
  readonly host: string;
  readonly number: number;
  readonly address: string;
}
/** Hosts that were given addresses in another way, or by an earlier version, get those of now. An address that somebody set stays. */
export async function settleAddresses(plane: Plane): Promise<void> {
  const addressing = plane.settings.addressing();
  await inTransaction(plane.store, async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock(hashtext('xenplane/host-numbers'))", []);
    const hosts = await tx.query<Numbered>(
      'SELECT host, number, address FROM host_run WHERE number IS NOT NULL ORDER BY host FOR UPDATE',
      [],
    );
    const moved = hosts.flatMap(({ host, number, address }) => {
      const now = addressFor(addressing, number);
      return now === address ? [] : [{ host, address: now }];
    });
    if (moved.length === 0) return;
    const shown = await giveAddresses(tx, moved);
    await giveLeases(tx, shown);
    await renewSelfMade(tx, plane, shown.map(asRef<'host'>));
  });
}

async function giveAddresses(
  tx: Tx,
  given: readonly Pick<Numbered, 'host' | 'address'>[],
): Promise<string[]> {
  const rows = await tx.query<{ ref: string }>(
    `WITH given AS (SELECT * FROM unnest($1::text[], $2::text[]) AS g(host, address)),
          kept AS (UPDATE host_run r SET address = g.address FROM given g WHERE r.host = g.host),
          shown AS (UPDATE host h SET address = g.address FROM given g, host_run r WHERE h.ref = g.host AND r.host = h.ref AND h.address = r.address RETURNING h.ref, h.address),
          seen AS (UPDATE console c SET location = 'https://' || ${inUrl('s.address')} || '/console?uuid=' || c.uuid FROM vm v, shown s WHERE v.ref = c."VM" AND v.resident_on = s.ref)
     SELECT ref FROM shown ORDER BY ref`,
    [given.map(({ host }) => host), given.map(({ address }) => address)],
  );
  return rows.map(({ ref }) => ref);
}

/** The interfaces by which they are known get their addresses anew, where they have them from DHCP. */
async function giveLeases(tx: Tx, hosts: readonly string[]): Promise<void> {
  const pifs = await tx.query<{ ref: string; MAC: string; address: string }>(
    `SELECT p.ref, p."MAC", h.address FROM pif p JOIN host h ON h.ref = p.host WHERE h.ref = ANY($1) AND p.management AND p.currently_attached AND p.ip_configuration_mode = 'DHCP'`,
    [hosts],
  );
  const leases = pifs.map(({ MAC, address }) => managementLease(address, MAC));
  await tx.query(
    `UPDATE pif p SET "IP" = l.ip, netmask = l.netmask, gateway = l.gateway, "DNS" = l.dns
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS l(ref, ip, netmask, gateway, dns) WHERE p.ref = l.ref`,
    [
      pifs.map(({ ref }) => ref),
      leases.map((l) => l.IP),
      leases.map((l) => l.netmask),
      leases.map((l) => l.gateway),
      leases.map((l) => l.DNS),
    ],
  );
}
