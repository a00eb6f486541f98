/** Gives hosts the addresses that the settings of now ask for. */
import { asRef } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import { addressFor, managementLease } from '../core/addressing';
import type { Plane } from '../core/context';
import { renewSelfMade } from './host-certificates';
import { giveAddresses, lockNumberedHosts } from '../tables/runs/host-runs';

/** Hosts that were given addresses in another way, or by an earlier version, get those of now. An address that somebody set stays. */
export async function settleAddresses(plane: Plane): Promise<void> {
  const addressing = plane.settings.addressing();
  await inTransaction(plane.store, async (tx) => {
    const hosts = await lockNumberedHosts(tx);
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
