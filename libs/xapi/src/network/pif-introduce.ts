/** Interfaces that become known: those of the hardware, and records that a client writes. */
import { addresses } from '@xenplane/domain';
import type { Inventory } from '@xenplane/hypervisor';
import { asRef, classes, XenError, type OperationParams, type Ref } from '@xenplane/model';
import type { Row } from '@xenplane/store';
import { nicRecords, type Nic } from '../bootstrap/nics';
import { refOf } from '../core/seeded';
import type { Context } from '../core/context';
import { hardwareOf } from '../tables/host-hardware';
import { addPif, assertNotConnected, lockInterfaces } from './interfaces';
import { recordWith } from '../core/records';

/** The pool's network for a device of this name: `eth2` of every host is on `xenbr2`. */
async function networkFor({ tx, plane }: Context, device: string): Promise<Ref<'network'>> {
  const bridge = device.startsWith('eth') ? `xenbr${device.slice(3)}` : `br${device}`;
  const [present] = await tx.find('network', { bridge });
  if (present) return present.ref;
  const uuid = plane.ids.uuid();
  const name_label = `Pool-wide network associated with ${device}`;
  await tx.insert(
    'network',
    refOf('network', uuid),
    recordWith('network', { uuid, name_label, bridge, MTU: 1500, other_config: { automatic: 'true' } }),
  );
  return refOf('network', uuid);
}

async function addNic(context: Context, host: Row<'host'>, nic: Nic, managed: boolean): Promise<Ref<'PIF'>> {
  const { tx, plane } = context;
  const network = await networkFor(context, nic.device);
  await assertNotConnected(tx, network, [host.ref]);
  const [pci] = await tx.find('PCI', { host: host.ref, pci_id: nic.pciBusPath });
  const { metrics, pif } = nicRecords(nic, {
    uuid: plane.ids.uuid(),
    host: host.ref,
    network,
    PCI: pci?.ref,
    at: plane.clock.now(),
  });
  await tx.insert('PIF_metrics', refOf('PIF_metrics', metrics.uuid), metrics);
  await tx.insert('PIF', refOf('PIF', pif.uuid), { ...pif, managed });
  return refOf('PIF', pif.uuid);
}

/** The NICs of a host of which there is no record. */
async function unknownNics(
  { tx }: Context,
  host: Ref<'host'>,
): Promise<{ row: Row<'host'>; unknown: Inventory['nics']; present: Row<'PIF'>[] }> {
  await lockInterfaces(tx);
  const row = await tx.get('host', host);
  const present = await tx.find('PIF', { host, physical: true });
  const macs = new Set(present.map((p) => p.MAC));
  return { row, present, unknown: (await hardwareOf(tx, host)).nics.filter((nic) => !macs.has(nic.mac)) };
}

export async function scan(context: Context, host: Ref<'host'>): Promise<void> {
  const { row, unknown } = await unknownNics(context, host);
  for (const nic of unknown) await addNic(context, row, nic, true);
}

type Introduced = OperationParams<typeof classes.PIF, 'introduce'>;
/** Named by its address or, without one, by its device. */
export async function introduce(
  context: Context,
  { host, MAC, device, managed }: Introduced,
): Promise<Ref<'PIF'>> {
  const { row, unknown, present } = await unknownNics(context, host);
  const known = [
    ...unknown.map((n) => ({ device: n.device, mac: n.mac })),
    ...present.map((p) => ({ device: p.device, mac: p.MAC })),
  ];
  const mac = MAC.toLowerCase() || (known.find((n) => n.device === device)?.mac ?? '');
  if (!addresses.isMac(mac)) throw new XenError('MAC_INVALID', mac);
  if (device !== '' && present.some((p) => p.device === device))
    throw new XenError('DUPLICATE_PIF_DEVICE_NAME', device);
  if (present.some((p) => p.MAC === mac)) throw new XenError('MAC_STILL_EXISTS', mac);
  const nic = unknown.find((n) => n.mac === mac);
  if (!nic && device === '') throw new XenError('MAC_DOES_NOT_EXIST', mac);
  if (!nic || (device !== '' && nic.device !== device))
    throw new XenError(
      'COULD_NOT_FIND_NETWORK_INTERFACE_WITH_SPECIFIED_DEVICE_NAME_AND_MAC_ADDRESS',
      device,
      mac,
    );
  return addNic(context, row, nic, managed);
}

type Written = OperationParams<typeof classes.PIF, 'db_introduce'>;
export async function dbIntroduce(context: Context, given: Written): Promise<Ref<'PIF'>> {
  const { tx } = context;
  await lockInterfaces(tx);
  await tx.get('host', given.host);
  await assertNotConnected(tx, given.network, [given.host]);
  return addPif(context, {
    ...given,
    MAC: given.MAC.toLowerCase(),
    currently_attached: false,
    network: asRef<'network'>(given.network),
  });
}
