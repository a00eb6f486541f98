/** What the screens of simulated guests and hosts show of them. */
import type { HostNames } from '../console';
import type { Inventory } from '../protocol';
import type { GuestFacts } from './console';
import type { Domain } from './domain';
import { addressOf, guestMetrics, systemOf } from './guest';

const byDevice = <T extends { readonly device: string }>(devices: readonly T[]): T[] =>
  devices.toSorted((a, b) => a.device.localeCompare(b.device, 'en', { numeric: true }));

export function guestFacts({ spec, blocks, booted }: Domain): GuestFacts {
  const guest = guestMetrics(spec);
  return {
    name: spec.nameLabel,
    system: systemOf(spec.guestOs).name,
    kernel: systemOf(spec.guestOs).uname,
    vcpus: spec.vcpus,
    memoryBytes: spec.memoryTargetBytes,
    nics: byDevice(spec.nics).map(({ device, mac }) => ({
      device,
      mac,
      address: guest?.networks[`${device}/ip`] ?? addressOf(mac),
    })),
    disks: byDevice([...blocks.values()].filter(({ type }) => type === 'Disk')).map(({ device }) => device),
    isUp: booted,
  };
}

/** Dom0 has the network cards of its host. */
export function hostFacts(inventory: Inventory, names: HostNames): GuestFacts {
  return {
    name: names.hostname,
    system: names.product,
    kernel: inventory.kernelVersion,
    vcpus: inventory.dom0Vcpus,
    memoryBytes: inventory.dom0MemoryBytes,
    nics: byDevice(inventory.nics).map(({ device, mac }) => ({
      device: device.replace(/^eth/, ''),
      mac,
      address: names.addresses[device] ?? '',
    })),
    disks: ['sda'],
    isUp: true,
  };
}
