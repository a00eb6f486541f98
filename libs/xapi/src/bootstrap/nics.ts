/** A host's network interfaces, on the pool's networks. */
import type { Inventory } from '@xenplane/hypervisor';
import type { Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { recordWith } from '../records';
import { refOf, seededUuid } from './seeded';

export async function addNics(tx: Tx, host: Ref<'host'>, hostUuid: string, inventory: Inventory, address: string): Promise<void> {
  const networks = await tx.find('network', {});
  for (const [i, nic] of inventory.nics.entries()) {
    const network = networks.find((n) => n.bridge === `xenbr${i}`);
    if (!network) continue;
    const uuid = seededUuid(hostUuid, 'pif', nic.device),
      metrics = seededUuid(uuid, 'metrics');
    await tx.insert(
      'PIF_metrics',
      refOf('PIF_metrics', metrics),
      recordWith('PIF_metrics', {
        uuid: metrics,
        carrier: true,
        vendor_id: '8086',
        vendor_name: 'Intel Corporation',
        device_id: '1563',
        device_name: 'Ethernet Controller X550',
        speed: nic.speedMbit,
        duplex: true,
        pci_bus_path: nic.pciBusPath,
      }),
    );
    const management = i === 0;
    await tx.insert(
      'PIF',
      refOf('PIF', uuid),
      recordWith('PIF', {
        uuid,
        device: nic.device,
        network: network.ref,
        host,
        MAC: nic.mac,
        MTU: nic.mtu,
        VLAN: -1,
        metrics: refOf('PIF_metrics', metrics),
        physical: true,
        currently_attached: true,
        management,
        ip_configuration_mode: management ? 'DHCP' : 'None',
        IP: management ? address : '',
        netmask: management ? '255.255.0.0' : '',
        properties: { gro: 'on' },
      }),
    );
  }
}
