/** Hosts that follow from a seed: what a first boot would find. */
import { createHash } from 'node:crypto';
import type { GpuHardware, Inventory, PciHardware, UsbHardware } from '../protocol';

const GiB = 2 ** 30;
const digest = (...names: readonly (string | number)[]): string =>
  createHash('sha256').update(names.join('/')).digest('hex');

export function hostUuid(seed: number, index: number): string {
  const hex = digest('host', seed, index);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
const mac = (seed: number, index: number, nic: number): string =>
  `02:16:3e:${(digest('nic', seed, index, nic).match(/../g) ?? []).slice(0, 3).join(':')}`;

/** The display of the service processor, as most servers have. */
const display: GpuHardware = {
  pciId: '0000:c3:00.0',
  vendorId: '1a03',
  vendorName: 'ASPEED Technology, Inc.',
  deviceId: '2000',
  deviceName: 'ASPEED Graphics Family',
  display: true,
  profiles: [],
};
const accelerator: GpuHardware = {
  pciId: '0000:81:00.0',
  vendorId: '10de',
  vendorName: 'NVIDIA Corporation',
  deviceId: '1eb8',
  deviceName: 'TU104GL [Tesla T4]',
  display: false,
  profiles: [
    { name: 'GRID T4-4Q', framebufferBytes: 4 * GiB, heads: 4, most: 4 },
    { name: 'GRID T4-8Q', framebufferBytes: 8 * GiB, heads: 4, most: 2 },
  ],
};
/** Other devices of a server, which it may give to a guest. */
const pciDevices: readonly PciHardware[] = [
  {
    pciId: '0000:41:00.0',
    classId: '0108',
    className: 'Non-Volatile memory controller',
    vendorId: '144d',
    vendorName: 'Samsung Electronics Co Ltd',
    deviceId: 'a80a',
    deviceName: 'NVMe SSD Controller PM9A1/PM9A3/980PRO',
    driver: 'nvme',
  },
  {
    pciId: '0000:c5:00.3',
    classId: '0c03',
    className: 'USB controller',
    vendorId: '1022',
    vendorName: 'Advanced Micro Devices, Inc. [AMD]',
    deviceId: '148c',
    deviceName: 'Starship USB 3.0 Host Controller',
    driver: 'xhci_hcd',
  },
];
const stick = (serial: string): UsbHardware => ({
  path: '1-2',
  vendorId: '0781',
  vendorName: 'SanDisk Corp.',
  productId: '5591',
  productName: 'Ultra Flair',
  serial,
  version: '2.10',
  speedMbit: 480,
});
/** Every third host can draw for its guests; of the others, every second has a stick in its port. */
const turnOf = (seed: number, index: number): number => (seed + index) % 3;

export function inventoryOf(seed: number, index: number): Inventory {
  return {
    nameLabel: `xenplane-host-${index + 1}`,
    memoryBytes: 256 * GiB,
    dom0MemoryBytes: 4 * GiB,
    dom0Vcpus: 16,
    sockets: 2,
    coresPerSocket: 16,
    threadsPerCore: 2,
    numaNodes: 2,
    cpuMhz: 2450,
    cpuVendor: 'AuthenticAMD',
    cpuModelName: 'AMD EPYC 7763 64-Core Processor',
    cpuFeatures: '178bfbff-f6d83203-2e500800-040001f7-0000000f-219c95a9-0040068c-00001110-91bef75f',
    hvmCapable: true,
    biosStrings: {
      'bios-vendor': 'Xenplane',
      'bios-version': '1.0',
      'system-manufacturer': 'Xenplane',
      'system-product-name': 'Simulated server',
      'system-version': '1',
      'system-serial-number': digest('serial', seed, index).slice(0, 8),
      'hp-rombios': '',
    },
    nics: [0, 1].map((nic) => ({
      device: `eth${nic}`,
      mac: mac(seed, index, nic),
      mtu: 1500,
      speedMbit: 10_000,
      pciBusPath: `0000:0${nic + 3}:00.0`,
      virtualFunctions: 63,
    })),
    gpus: turnOf(seed, index) === 0 ? [display, accelerator] : [display],
    usbDevices: turnOf(seed, index) === 1 ? [stick(digest('stick', seed, index).slice(0, 12))] : [],
    pciDevices,
    localDiskBytes: 2 * 2 ** 40,
    hypervisorVersion: '4.17.5',
    kernelVersion: '4.19.0+1',
  };
}
