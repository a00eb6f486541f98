/** A host's network interfaces, on the pool's networks. */
import type { Inventory } from '@xenplane/hypervisor';
import { nullRef, type Ref, type StoredRecord } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { managementLease } from '../core/addressing';
import { dateTime } from '../core/context';
import { recordWith } from '../core/records';
import { pciRef, refOf, seededUuid } from '../core/seeded';

export type Nic = Inventory['nics'][number];

export const nicCard = {
  vendor_id: '8086',
  vendor_name: 'Intel Corporation',
  device_id: '1563',
  device_name: 'Ethernet Controller X550',
} as const;

interface Place {
  readonly uuid: string;
  readonly host: Ref<'host'>;
  readonly network: Ref<'network'>;
  readonly PCI: Ref<'PCI'> | undefined;
  readonly at: Date;
}
/** The records of a NIC: its link, and the interface itself without an address. */
export function nicRecords(
  nic: Nic,
  { uuid, host, network, PCI, at }: Place,
): { metrics: StoredRecord<'PIF_metrics'>; pif: StoredRecord<'PIF'> } {
  const metrics = recordWith('PIF_metrics', {
    ...nicCard,
    uuid: seededUuid(uuid, 'metrics'),
    carrier: true,
    speed: nic.speedMbit,
    duplex: true,
    pci_bus_path: nic.pciBusPath,
    last_updated: dateTime(at),
  });
  const pif = recordWith('PIF', {
    uuid,
    device: nic.device,
    network,
    host,
    MAC: nic.mac,
    MTU: nic.mtu,
    VLAN: -1,
    metrics: refOf('PIF_metrics', metrics.uuid),
    physical: true,
    currently_attached: true,
    properties: { gro: 'on' },
    capabilities: (nic.virtualFunctions ?? 0) > 0 ? ['sriov'] : [],
    PCI: PCI ?? nullRef(),
  });
  return { metrics, pif };
}

export async function addNics(
  tx: Tx,
  joining: readonly { readonly uuid: string; readonly address: string; readonly inventory: Inventory }[],
  at: Date,
): Promise<void> {
  const networks = new Map((await tx.find('network', {})).map(({ bridge, ref }) => [bridge, ref]));
  const known = joining.flatMap(({ uuid: hostUuid, address, inventory }) => {
    const host = refOf('host', hostUuid);
    return inventory.nics.flatMap((nic, i) => {
      const network = networks.get(`xenbr${i}`);
      if (!network) return [];
      const { pif, metrics } = nicRecords(nic, {
        uuid: seededUuid(hostUuid, 'pif', nic.device),
        host,
        network,
        PCI: pciRef(hostUuid, nic.pciBusPath),
        at,
      });
      return [
        {
          metrics,
          pif:
            i === 0
              ? {
                  ...pif,
                  management: true,
                  ip_configuration_mode: 'DHCP' as const,
                  ...managementLease(address, nic.mac),
                }
              : pif,
        },
      ];
    });
  });
  await tx.insertAll(
    'PIF_metrics',
    known.map(({ metrics }) => ({ ref: refOf('PIF_metrics', metrics.uuid), ...metrics })),
  );
  await tx.insertAll(
    'PIF',
    known.map(({ pif }) => ({ ref: refOf('PIF', pif.uuid), ...pif })),
  );
}
