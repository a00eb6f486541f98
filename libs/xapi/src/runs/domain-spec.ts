/** The description of a VM that an agent gets: its record, disks and network interfaces. */
import type { graphics } from '@xenplane/domain';
import type { DiskSource, DiskSpec, DomainMode, DomainSpec, NicSpec } from '@xenplane/hypervisor';
import { type Ref, type StoredRecord } from '@xenplane/model';
import type { Tx } from '@xenplane/store';

type Vm = StoredRecord<'VM'>;
/** Where a template's image is named on its disk. */
export const imageKeys = { digest: 'image-sha256', format: 'image-format', bytes: 'image-bytes' } as const;

export const isEphemeral = (vdi: Pick<StoredRecord<'VDI'>, 'on_boot' | 'sm_config'>): boolean =>
  vdi.on_boot === 'reset' && imageKeys.digest in vdi.sm_config;

/** Which devices a description names: all for a VM that starts; for one that is up, those attached with one more or one less. */
export interface Devices {
  readonly attached?: true;
  readonly plus?: string;
  readonly minus?: string;
}

/** The devices of a VM, as far as a description needs them. */
export interface Attached {
  readonly disks: readonly DiskRow[];
  readonly nics: readonly NicRow[];
  /** Groups of the virtual GPUs and USB devices that it is to have: only some hosts have such hardware. */
  readonly gpus: readonly graphics.GpuRequest[];
  readonly usbGroups: readonly string[];
}
interface DiskRow extends Pick<
  StoredRecord<'VBD'>,
  'uuid' | 'device' | 'userdevice' | 'type' | 'mode' | 'bootable' | 'currently_attached'
> {
  readonly ref: string;
  readonly vdi:
    | (Pick<StoredRecord<'VDI'>, 'uuid' | 'SR' | 'virtual_size' | 'on_boot' | 'sm_config'> & {
        readonly ref: string;
      })
    | null;
}
interface NicRow extends Pick<
  StoredRecord<'VIF'>,
  'uuid' | 'device' | 'MAC' | 'MTU' | 'currently_attached' | 'ipv4_addresses' | 'ipv6_addresses'
> {
  readonly ref: string;
  readonly network: string;
  readonly network_uuid: string;
  readonly bridge: string;
}

/** Disks and interfaces of a VM in one statement. */
export async function attachedTo(tx: Tx, vm: Ref<'VM'>, devices: Devices = {}): Promise<Attached> {
  const [row] = await tx.query<{
    disks: DiskRow[] | null;
    nics: NicRow[] | null;
    gpus: graphics.GpuRequest[] | null;
    usbs: string[] | null;
  }>(
    `SELECT (SELECT json_agg(json_build_object('ref', b.ref, 'uuid', b.uuid, 'device', b.device, 'userdevice', b.userdevice, 'type', b.type, 'mode', b.mode, 'bootable', b.bootable, 'currently_attached', b.currently_attached,
               'vdi', CASE WHEN d.ref IS NULL OR b.empty THEN NULL ELSE json_build_object('ref', d.ref, 'uuid', d.uuid, 'SR', d."SR", 'virtual_size', d.virtual_size, 'on_boot', d.on_boot, 'sm_config', d.sm_config) END))
             FROM vbd b LEFT JOIN vdi d ON d.ref = b."VDI" WHERE b."VM" = $1 AND b.type <> 'Floppy') AS disks,
            (SELECT json_agg(json_build_object('ref', i.ref, 'uuid', i.uuid, 'device', i.device, 'MAC', i."MAC", 'MTU', i."MTU", 'currently_attached', i.currently_attached, 'ipv4_addresses', i.ipv4_addresses, 'ipv6_addresses', i.ipv6_addresses, 'network', n.ref, 'network_uuid', n.uuid, 'bridge', n.bridge))
             FROM vif i JOIN network n ON n.ref = i.network WHERE i."VM" = $1) AS nics,
            (SELECT json_agg(json_build_object('vgpu', g.ref, 'group', g."GPU_group", 'type', g.type, 'passthrough', t.implementation = 'passthrough', 'packed', o.allocation_algorithm = 'depth_first') ORDER BY g.device)
             FROM vgpu g JOIN vgpu_type t ON t.ref = g.type JOIN gpu_group o ON o.ref = g."GPU_group" WHERE g."VM" = $1) AS gpus,
            (SELECT array_agg(u."USB_group") FROM vusb u WHERE u."VM" = $1) AS usbs`,
    [vm],
  );
  const wanted = (d: { readonly ref: string; readonly currently_attached: boolean }): boolean =>
    d.ref !== devices.minus && (!devices.attached || d.currently_attached || d.ref === devices.plus);
  return {
    disks: (row?.disks ?? []).filter(wanted),
    nics: (row?.nics ?? []).filter(wanted),
    gpus: row?.gpus ?? [],
    usbGroups: row?.usbs ?? [],
  };
}

export function specOf(record: Vm, { disks, nics }: Attached): DomainSpec {
  return {
    ...machine(record),
    disks: disks.map(diskSpec),
    nics: nics.map(nicSpec),
  };
}
export const domainSpec = async (
  tx: Tx,
  vm: Ref<'VM'>,
  record: Vm,
  devices: Devices = {},
): Promise<DomainSpec> => specOf(record, await attachedTo(tx, vm, devices));

function machine(record: Vm): Omit<DomainSpec, 'disks' | 'nics'> {
  return {
    nameLabel: record.name_label,
    mode: modeOf(record),
    memoryStaticMaxBytes: record.memory_static_max,
    memoryTargetBytes: record.memory_dynamic_max,
    vcpusMax: record.VCPUs_max,
    vcpus: record.VCPUs_at_startup,
    guestOs: record.reference_label || 'other',
    onCrash: record.actions_after_crash.endsWith('restart')
      ? 'restart'
      : record.actions_after_crash === 'preserve'
        ? 'preserve'
        : 'destroy',
    onReboot: record.actions_after_reboot === 'destroy' ? 'destroy' : 'restart',
  };
}

/** A VM without a type of its own is what its boot policy says, as xapi decides for old records. */
export function modeOf(record: Pick<Vm, 'domain_type' | 'HVM_boot_policy'>): DomainMode {
  const { domain_type } = record;
  if (domain_type === 'unspecified') return record.HVM_boot_policy === '' ? 'pv' : 'hvm';
  return domain_type;
}

function nicSpec({
  uuid,
  device,
  MAC,
  network_uuid,
  bridge,
  MTU,
  ipv4_addresses,
  ipv6_addresses,
}: NicRow): NicSpec {
  const addresses = [...ipv4_addresses, ...ipv6_addresses];
  return {
    vif: uuid,
    device,
    mac: MAC,
    network: network_uuid,
    bridge,
    mtu: MTU,
    ...(addresses.length > 0 ? { addresses } : {}),
  };
}

const diskSpec = ({ uuid, device, userdevice, type, mode, bootable, vdi }: DiskRow): DiskSpec => ({
  vbd: uuid,
  device: device || deviceName(userdevice),
  type: type === 'CD' ? 'CD' : 'Disk',
  mode,
  bootable,
  source: diskSource(vdi),
});

function diskSource(vdi: DiskRow['vdi']): DiskSource {
  if (!vdi) return { kind: 'empty' };
  if (!isEphemeral(vdi))
    return { kind: 'volume', sr: vdi.SR, vdi: vdi.uuid, virtualSizeBytes: vdi.virtual_size };
  const { sm_config } = vdi;
  return {
    kind: 'image',
    sha256: sm_config[imageKeys.digest] ?? '',
    format: sm_config[imageKeys.format] === 'qcow2' ? 'qcow2' : 'raw',
    sizeBytes: Number(sm_config[imageKeys.bytes] ?? 0),
    virtualSizeBytes: vdi.virtual_size,
  };
}

/** `0` is xvda, `25` xvdz, `26` xvdaa. */
export function deviceName(userdevice: string): string {
  const n = Number(userdevice);
  if (!Number.isInteger(n) || n < 0) return userdevice;
  const letter = (i: number): string => String.fromCharCode(97 + i);
  return `xvd${n < 26 ? letter(n) : letter(Math.floor(n / 26) - 1) + letter(n % 26)}`;
}
