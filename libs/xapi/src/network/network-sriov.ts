import { pifRules, stackingRules } from '@xenplane/domain';
import { asRef, classes, isNullRef, XenError, type CallsOf, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Context } from '../core/context';
import { hardwareOf } from '../tables/host-hardware';
import { addPif, admitPif, assertNotConnected, lockInterfaces, pifSubject, removePif } from './interfaces';
import { recordWith } from '../core/records';

/** The make of a card, by which hosts of one SR-IOV network must be alike. */
async function cardOf(tx: Tx, pci: Ref<'PCI'>): Promise<string> {
  if (isNullRef(pci)) return '';
  const { vendor_id, device_id } = await tx.get('PCI', pci);
  return `${vendor_id}:${device_id}`;
}

async function neighbours(tx: Tx, network: Ref<'network'>): Promise<stackingRules.SriovNeighbour[]> {
  const present = await tx.find('PIF', { network });
  const logical = await Promise.all(
    present.map(async ({ ref }) => (await tx.find('network_sriov', { logical_PIF: ref }))[0]),
  );
  const cards = await Promise.all(
    logical.map(async (sriov) => (sriov ? cardOf(tx, (await tx.get('PIF', sriov.physical_PIF)).PCI) : '')),
  );
  return present.map(({ ref }, i) => ({ ref, logical: logical[i] !== undefined, card: cards[i] ?? '' }));
}

async function create(
  context: Context,
  pif: Ref<'PIF'>,
  network: Ref<'network'>,
): Promise<Ref<'network_sriov'>> {
  const { tx, plane } = context;
  await lockInterfaces(tx);
  const subject = await pifSubject(tx, pif);
  const refused = stackingRules.refuseSriov(
    subject,
    await cardOf(tx, subject.pif.PCI),
    await neighbours(tx, network),
    network,
  );
  if (refused) throw refused;
  const { MTU } = await assertNotConnected(tx, network, [subject.pif.host]);
  const { device, host, MAC, currently_attached, metrics } = subject.pif;
  const logical_PIF = await addPif(context, {
    device,
    network,
    host,
    MAC,
    MTU,
    VLAN: -1,
    managed: true,
    currently_attached,
    metrics,
  });
  const uuid = plane.ids.uuid(),
    ref = asRef<'network_sriov'>(`OpaqueRef:${uuid}`);
  await tx.insert(
    'network_sriov',
    ref,
    recordWith('network_sriov', {
      uuid,
      physical_PIF: pif,
      logical_PIF,
      requires_reboot: false,
      configuration_mode: 'sysfs',
    }),
  );
  return ref;
}

async function destroy({ tx }: Context, self: Ref<'network_sriov'>): Promise<void> {
  await lockInterfaces(tx);
  const { logical_PIF } = await tx.lock('network_sriov', self);
  await admitPif(tx, logical_PIF, (subject) => pifRules.refuseUnplug(subject) ?? carrying(subject));
  await tx.remove('network_sriov', self);
  await removePif(tx, logical_PIF);
}
const carrying = ({ ref, taggedBy }: pifRules.PifSubject): XenError | undefined =>
  taggedBy.length > 0 ? new XenError('PIF_VLAN_STILL_EXISTS', ref) : undefined;

/** The functions of the card less those that VMs of this host have, on the network itself or on VLANs over it. */
export async function functionsLeft(tx: Tx, self: Ref<'network_sriov'>): Promise<number> {
  const sriov = await tx.get('network_sriov', self);
  if (sriov.requires_reboot) return 0;
  const physical = await tx.get('PIF', sriov.physical_PIF);
  const nic = (await hardwareOf(tx, physical.host)).nics.find((n) => n.mac === physical.MAC);
  const [row] = await tx.query<{ used: number }>(
    `SELECT count(*)::int AS used FROM vif i JOIN vm m ON m.ref = i."VM" AND m.resident_on = $2
     WHERE i.currently_attached AND i.network IN (SELECT network FROM pif WHERE ref = $1 UNION SELECT u.network FROM vlan v JOIN pif u ON u.ref = v."untagged_PIF" WHERE v."tagged_PIF" = $1)`,
    [sriov.logical_PIF, physical.host],
  );
  return Math.max(0, (nic?.virtualFunctions ?? 0) - (row?.used ?? 0));
}

export const networkSriovCalls: CallsOf<typeof classes.network_sriov, Context> = {
  create: (context, { pif, network }) => create(context, pif, network),
  destroy: (context, { self }) => destroy(context, self),
  get_remaining_capacity: ({ tx }, { self }) => functionsLeft(tx, self),
};
