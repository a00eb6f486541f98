/** What an agent is told about a VM: its record, disks and network interfaces in one description. */
import type { DiskSource, DiskSpec, DomainMode, DomainSpec, NicSpec } from '@xenplane/hypervisor';
import { isNullRef, type Ref, type StoredRecord } from '@xenplane/model';
import type { Tx } from '@xenplane/store';

type Vm = StoredRecord<'VM'>;
type Vdi = StoredRecord<'VDI'> & { readonly ref: string };
/** Where a template's image is named on its disk. */
export const imageKeys = { digest: 'image-sha256', format: 'image-format', bytes: 'image-bytes' } as const;

export const isEphemeral = (vdi: Pick<StoredRecord<'VDI'>, 'on_boot' | 'sm_config'>): boolean => vdi.on_boot === 'reset' && imageKeys.digest in vdi.sm_config;

/** Which devices a description names: all for a VM that starts; for one that is up, those attached with one more or one less. */
export interface Devices {
  readonly attached?: true;
  readonly plus?: string;
  readonly minus?: string;
}

export async function domainSpec(tx: Tx, vm: Ref<'VM'>, record: Vm, devices: Devices = {}): Promise<DomainSpec> {
  const wanted = (d: { ref: string; currently_attached: boolean }): boolean =>
    d.ref !== devices.minus && (!devices.attached || d.currently_attached || d.ref === devices.plus);
  const vbds = (await tx.find('VBD', { VM: vm })).filter(wanted);
  const vdis = await tx.getMany(
    'VDI',
    vbds.filter((v) => !v.empty && !isNullRef(v.VDI)).map((v) => v.VDI),
  );
  const vifs = (await tx.find('VIF', { VM: vm })).filter(wanted);
  const networks = await tx.getMany(
    'network',
    vifs.map((v) => v.network),
  );
  const disks = vbds
    .filter((v) => v.type !== 'Floppy')
    .map((vbd) =>
      diskSpec(
        vbd,
        vdis.find((v) => v.ref === vbd.VDI),
      ),
    );
  const nics = vifs.map((vif): NicSpec => {
    const network = networks.find((n) => n.ref === vif.network);
    return { vif: vif.uuid, device: vif.device, mac: vif.MAC, network: network?.uuid ?? '', bridge: network?.bridge ?? '', mtu: vif.MTU };
  });
  return { ...machine(record), disks, nics };
}

function machine(record: Vm): Omit<DomainSpec, 'disks' | 'nics'> {
  return {
    nameLabel: record.name_label,
    mode: modeOf(record),
    memoryStaticMaxBytes: record.memory_static_max,
    memoryTargetBytes: record.memory_dynamic_max,
    vcpusMax: record.VCPUs_max,
    vcpus: record.VCPUs_at_startup,
    guestOs: record.reference_label || 'other',
    onCrash: record.actions_after_crash.endsWith('restart') ? 'restart' : record.actions_after_crash === 'preserve' ? 'preserve' : 'destroy',
    onReboot: record.actions_after_reboot === 'destroy' ? 'destroy' : 'restart',
  };
}

/** A VM without a type of its own is what its boot policy says, as xapi decides for old records. */
export function modeOf(record: Pick<Vm, 'domain_type' | 'HVM_boot_policy'>): DomainMode {
  const { domain_type } = record;
  if (domain_type === 'unspecified') return record.HVM_boot_policy === '' ? 'pv' : 'hvm';
  return domain_type;
}

function diskSpec(vbd: StoredRecord<'VBD'>, vdi: Vdi | undefined): DiskSpec {
  return {
    vbd: vbd.uuid,
    device: vbd.device || deviceName(vbd.userdevice),
    type: vbd.type === 'CD' ? 'CD' : 'Disk',
    mode: vbd.mode,
    bootable: vbd.bootable,
    source: diskSource(vdi),
  };
}

function diskSource(vdi: Vdi | undefined): DiskSource {
  if (!vdi) return { kind: 'empty' };
  if (!isEphemeral(vdi)) return { kind: 'volume', sr: vdi.SR, vdi: vdi.uuid, virtualSizeBytes: vdi.virtual_size };
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
