/** Objects that move between the members of a bond and the bond itself: addresses, the management interface, VLANs, tunnels, guests. */
import type { pifRules } from '@xenplane/domain';
import { asRef, type Ref, type StoredRecord } from '@xenplane/model';
import type { Context } from '../core/context';
import { noIpv4, removePif } from './interfaces';

type Subject = pifRules.PifSubject;
const refOfPif = ({ ref }: Subject): Ref<'PIF'> => asRef<'PIF'>(ref);

const noConfiguration = {
  ...noIpv4,
  ip_configuration_mode: 'None',
  ipv6_configuration_mode: 'None',
  IPv6: [],
  ipv6_gateway: '',
  management: false,
} as const satisfies Partial<StoredRecord<'PIF'>>;

/** The whole configuration of one interface becomes the other's. */
export async function handOver({ tx }: Context, from: Subject, to: Subject): Promise<void> {
  const {
    ip_configuration_mode,
    IP,
    netmask,
    gateway,
    DNS,
    ipv6_configuration_mode,
    IPv6,
    ipv6_gateway,
    primary_address_type,
  } = from.pif;
  const { management, disallow_unplug } = from.pif;
  await tx.update('PIF', refOfPif(to), {
    ip_configuration_mode,
    IP,
    netmask,
    gateway,
    DNS,
    ipv6_configuration_mode,
    IPv6,
    ipv6_gateway,
    primary_address_type,
    management,
    disallow_unplug,
    currently_attached: true,
  });
  await tx.update('PIF', refOfPif(from), { ...noConfiguration, disallow_unplug: false });
}

/** VLANs, tunnels and the VMs of one interface move to the other. */
export async function moveGuests(context: Context, from: Subject, to: Subject): Promise<void> {
  await moveVlans(context, from, to);
  await context.tx.query('UPDATE tunnel SET "transport_PIF" = $2 WHERE "transport_PIF" = $1', [
    from.ref,
    to.ref,
  ]);
  await moveVifs(context, from.pif.host, from.pif.network, to.pif.network);
}

/** A tag that the target carries already is one VLAN too many: its VMs move to the one that stays. */
async function moveVlans(context: Context, from: Subject, to: Subject): Promise<void> {
  const { tx } = context;
  const present = await tx.find('VLAN', { tagged_PIF: refOfPif(to) });
  for (const vlan of await tx.find('VLAN', { tagged_PIF: refOfPif(from) })) {
    const same = present.find((other) => other.tag === vlan.tag);
    const untagged = await tx.get('PIF', vlan.untagged_PIF);
    if (!same) {
      await tx.update('VLAN', vlan.ref, { tagged_PIF: refOfPif(to) });
      await tx.update('PIF', untagged.ref, {
        device: to.pif.device,
        MAC: to.pif.MAC,
        metrics: to.pif.metrics,
      });
      continue;
    }
    const kept = await tx.get('PIF', same.untagged_PIF);
    await moveVifs(context, from.pif.host, untagged.network, kept.network);
    await tx.remove('VLAN', vlan.ref);
    await removePif(tx, untagged.ref);
  }
}

/**
 * The interfaces of VMs that run on this host, or could only be meant for it: those that run nowhere move with the
 * pool's master, so that a bond made on every host takes all of them along once.
 */
async function moveVifs(
  { tx }: Context,
  host: Ref<'host'>,
  from: Ref<'network'>,
  to: Ref<'network'>,
): Promise<void> {
  await tx.query(
    `UPDATE vif SET network = $3 FROM vm m, pool WHERE m.ref = vif."VM" AND vif.network = $2
       AND (m.resident_on = $1 OR (m.resident_on IS NULL AND pool.master = $1))`,
    [host, from, to],
  );
}
