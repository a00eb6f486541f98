/** The PCI and USB devices of a host, with the groups and types in which they are offered to VMs. */
import type { GpuHardware, Inventory, UsbHardware } from '@xenplane/hypervisor';
import type { Ref, StoredRecord } from '@xenplane/model';
import type { Inserted, Tx } from '@xenplane/store';
import { recordWith } from '../core/records';
import { nicCard } from './nics';
import { pciRef, refOf, seededUuid } from '../core/seeded';

export async function addDevices(
  tx: Tx,
  host: Ref<'host'>,
  hostUuid: string,
  inventory: Inventory,
): Promise<void> {
  const gpus = inventory.gpus ?? [];
  await tx.insertAll('PCI', pciRecords(host, hostUuid, inventory));
  await ensureTypes(tx, gpus);
  await ensureGroups(tx, gpus);
  await tx.insertAll(
    'PGPU',
    gpus.map((gpu) => pgpuRecord(host, hostUuid, gpu)),
  );
  for (const usb of inventory.usbDevices ?? []) await addUsb(tx, host, hostUuid, usb);
}

function pciRecords(host: Ref<'host'>, hostUuid: string, inventory: Inventory): Inserted<'PCI'>[] {
  const nics = inventory.nics.map((nic) => ({
    ...nicCard,
    pci_id: nic.pciBusPath,
    class_id: '0200',
    class_name: 'Ethernet controller',
    driver_name: 'ixgbe',
  }));
  const gpus = (inventory.gpus ?? []).map((gpu) => ({
    vendor_id: gpu.vendorId,
    vendor_name: gpu.vendorName,
    device_id: gpu.deviceId,
    device_name: gpu.deviceName,
    pci_id: gpu.pciId,
    class_id: gpu.display ? '0300' : '0302',
    class_name: gpu.display ? 'VGA compatible controller' : '3D controller',
    driver_name: gpu.display ? 'ast' : 'nvidia',
  }));
  const others = (inventory.pciDevices ?? []).map((device) => ({
    vendor_id: device.vendorId,
    vendor_name: device.vendorName,
    device_id: device.deviceId,
    device_name: device.deviceName,
    pci_id: device.pciId,
    class_id: device.classId,
    class_name: device.className,
    driver_name: device.driver,
  }));
  return [...nics, ...gpus, ...others].map((device) => {
    const ref = pciRef(hostUuid, device.pci_id);
    return { ref, ...recordWith('PCI', { ...device, uuid: ref.replace('OpaqueRef:', ''), host }) };
  });
}

// ---- graphics

const passthroughUuid = seededUuid('VGPU_type', 'passthrough');
export const passthroughType: Ref<'VGPU_type'> = refOf('VGPU_type', passthroughUuid);
const profileKey = (gpu: GpuHardware, name: string): string => `${gpu.vendorId}/${gpu.deviceId}/${name}`;
const profileType = (gpu: GpuHardware, name: string): Ref<'VGPU_type'> =>
  refOf('VGPU_type', seededUuid('VGPU_type', profileKey(gpu, name)));
const groupUuid = (gpu: GpuHardware): string => seededUuid('GPU_group', `${gpu.vendorId}/${gpu.deviceId}`);

/** The uses of a card by VMs: of the host's own display none, of any other passthrough or vGPUs. */
const capacities = (gpu: GpuHardware): Record<Ref<'VGPU_type'>, number> =>
  gpu.display
    ? {}
    : Object.fromEntries([
        [passthroughType, 1],
        ...gpu.profiles.map((p) => [profileType(gpu, p.name), p.most] as const),
      ]);
const typesOf = (gpu: GpuHardware): Ref<'VGPU_type'>[] => Object.keys(capacities(gpu)) as Ref<'VGPU_type'>[];

/** Hosts that join at once share types and groups: whoever finds one missing looks again alone. */
async function alone(tx: Tx): Promise<void> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtext('xenplane/devices'))", []);
}
async function missingOf(
  tx: Tx,
  cls: 'VGPU_type' | 'GPU_group' | 'USB_group',
  refs: readonly string[],
): Promise<string[]> {
  const missing = async (): Promise<string[]> => {
    const present = new Set<string>((await tx.getMany(cls, refs)).map((row) => row.ref));
    return refs.filter((ref) => !present.has(ref));
  };
  if ((await missing()).length === 0) return [];
  await alone(tx);
  return missing();
}

async function ensureTypes(tx: Tx, gpus: readonly GpuHardware[]): Promise<void> {
  const wanted = new Map<string, StoredRecord<'VGPU_type'>>();
  if (gpus.length > 0)
    wanted.set(
      passthroughType,
      recordWith('VGPU_type', {
        uuid: passthroughUuid,
        model_name: 'passthrough',
        identifier: 'passthrough',
      }),
    );
  for (const gpu of gpus)
    for (const { name, framebufferBytes, heads } of gpu.profiles) {
      const record = recordWith('VGPU_type', {
        uuid: profileType(gpu, name).replace('OpaqueRef:', ''),
        vendor_name: gpu.vendorName,
        model_name: name,
        framebuffer_size: framebufferBytes,
        max_heads: heads,
        max_resolution_x: 4096,
        max_resolution_y: 2160,
        implementation: 'nvidia',
        identifier: `0002:${profileKey(gpu, name)}`,
      });
      wanted.set(profileType(gpu, name), record);
    }
  for (const ref of await missingOf(tx, 'VGPU_type', [...wanted.keys()])) {
    const record = wanted.get(ref);
    if (record) await tx.insert('VGPU_type', refOf('VGPU_type', record.uuid), record);
  }
}

async function ensureGroups(tx: Tx, gpus: readonly GpuHardware[]): Promise<void> {
  const byRef = new Map(gpus.map((gpu) => [`OpaqueRef:${groupUuid(gpu)}`, gpu]));
  for (const ref of await missingOf(tx, 'GPU_group', [...byRef.keys()])) {
    const gpu = byRef.get(ref);
    if (!gpu) continue;
    const types = typesOf(gpu);
    const record = recordWith('GPU_group', {
      uuid: groupUuid(gpu),
      name_label: `Group of ${gpu.vendorName} ${gpu.deviceName} GPUs`,
      GPU_types: [`${gpu.vendorId}/${gpu.deviceId}`],
      supported_VGPU_types: types,
      enabled_VGPU_types: types,
    });
    await tx.insert('GPU_group', refOf('GPU_group', record.uuid), record);
  }
}

function pgpuRecord(host: Ref<'host'>, hostUuid: string, gpu: GpuHardware): Inserted<'PGPU'> {
  const uuid = seededUuid(hostUuid, 'pgpu', gpu.pciId);
  const types = typesOf(gpu);
  return {
    ref: refOf('PGPU', uuid),
    ...recordWith('PGPU', {
      uuid,
      PCI: pciRef(hostUuid, gpu.pciId),
      GPU_group: refOf('GPU_group', groupUuid(gpu)),
      host,
      supported_VGPU_types: types,
      enabled_VGPU_types: types,
      supported_VGPU_max_capacities: capacities(gpu),
      is_system_display_device: gpu.display,
    }),
  };
}

// ---- USB

/** A device in a group of its own, as it can stand in for no other. */
export async function addUsb(tx: Tx, host: Ref<'host'>, hostUuid: string, usb: UsbHardware): Promise<void> {
  const uuid = seededUuid(hostUuid, 'pusb', usb.path, usb.serial);
  const group = seededUuid(uuid, 'group');
  const description = `${usb.vendorName}_${usb.productName}_${usb.serial}`;
  const [missing] = await missingOf(tx, 'USB_group', [`OpaqueRef:${group}`]);
  if (missing)
    await tx.insert(
      'USB_group',
      refOf('USB_group', group),
      recordWith('USB_group', {
        uuid: group,
        name_label: `Group of ${usb.vendorName} ${usb.productName} USBs`,
      }),
    );
  await tx.insert(
    'PUSB',
    refOf('PUSB', uuid),
    recordWith('PUSB', {
      uuid,
      USB_group: refOf('USB_group', group),
      host,
      path: usb.path,
      vendor_id: usb.vendorId,
      vendor_desc: usb.vendorName,
      product_id: usb.productId,
      product_desc: usb.productName,
      serial: usb.serial,
      version: usb.version,
      description,
      speed: usb.speedMbit,
    }),
  );
}
