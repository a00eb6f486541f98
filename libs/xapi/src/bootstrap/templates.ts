/** The templates that every pool begins with. Sizes are in bytes; what each guest needs follows its vendor's stated minimum. */
import type { Tx } from '@xenplane/store';
import { seededUuid, refOf } from './seeded';
import { recordWith } from '../records';

const GiB = 2 ** 30;
interface Template {
  readonly label: string;
  readonly os: string;
  readonly memory: number;
  readonly vcpus: number;
  readonly disk: number;
  readonly uefi: boolean;
  readonly maxMemory: number;
  readonly maxVcpus: number;
}

const templates: readonly Template[] = [
  { label: 'Debian Bookworm 12', os: 'debian-12', memory: 2 * GiB, vcpus: 2, disk: 10 * GiB, uefi: false, maxMemory: 1536 * GiB, maxVcpus: 64 },
  { label: 'Rocky Linux 9', os: 'rocky-9', memory: 2 * GiB, vcpus: 2, disk: 16 * GiB, uefi: true, maxMemory: 1536 * GiB, maxVcpus: 64 },
  { label: 'Ubuntu Noble Numbat 24.04', os: 'ubuntu-2404', memory: 2 * GiB, vcpus: 2, disk: 16 * GiB, uefi: true, maxMemory: 1536 * GiB, maxVcpus: 64 },
  {
    label: 'Windows Server 2025 (64-bit)',
    os: 'windows-server-2025',
    memory: 4 * GiB,
    vcpus: 2,
    disk: 32 * GiB,
    uefi: true,
    maxMemory: 1536 * GiB,
    maxVcpus: 64,
  },
  { label: 'Other install media', os: 'other', memory: 1 * GiB, vcpus: 1, disk: 0, uefi: false, maxMemory: 128 * GiB, maxVcpus: 32 },
];

/** What the client's wizard may offer, as the XML that XenCenter and Xen Orchestra read. */
function recommendations({ memory, maxMemory, maxVcpus, uefi }: Template): string {
  const limit = (field: string, max: number, min?: number): string => `<restriction field="${field}" max="${max}"${min === undefined ? '' : ` min="${min}"`}/>`;
  const flag = (field: string, value: string): string => `<restriction field="${field}" value="${value}"/>`;
  const device = (property: string, max: number): string => `<restriction property="${property}" max="${max}"/>`;
  return `<restrictions>${limit('memory-static-max', maxMemory)}${limit('memory-static-min', memory / 2)}${limit('vcpus-max', maxVcpus)}${flag('has-vendor-device', 'false')}${flag('supports-uefi', 'yes')}${flag('supports-secure-boot', uefi ? 'yes' : 'no')}${device('number-of-vbds', 255)}${device('number-of-vifs', 7)}</restrictions>`;
}

const provision = (size: number): string => (size === 0 ? '' : `<provision><disk bootable="true" device="0" size="${size}" sr="" type="system"/></provision>`);

const platform = (secureBoot: string): Record<string, string> => ({
  'cores-per-socket': '1',
  secureboot: secureBoot,
  acpi: '1',
  apic: 'true',
  pae: 'true',
  nx: 'true',
  viridian: 'false',
  hpet: 'true',
  vga: 'std',
  videoram: '8',
  'device-model': 'qemu-upstream-compat',
  device_id: '0001',
});

export function templateRecord(t: Template, uuid: string) {
  return recordWith('VM', {
    uuid,
    name_label: t.label,
    name_description: `Template for ${t.label}`,
    user_version: 1,
    is_a_template: true,
    is_default_template: true,
    domid: -1,
    power_state: 'Halted',
    memory_static_max: t.memory,
    memory_dynamic_max: t.memory,
    memory_dynamic_min: t.memory,
    memory_static_min: t.memory / 2,
    memory_target: t.memory,
    VCPUs_max: t.vcpus,
    VCPUs_at_startup: t.vcpus,
    actions_after_shutdown: 'destroy',
    actions_after_reboot: 'restart',
    actions_after_crash: 'restart',
    HVM_boot_policy: 'BIOS order',
    HVM_boot_params: { order: 'cdn', firmware: t.uefi ? 'uefi' : 'bios' },
    HVM_shadow_multiplier: 1,
    platform: platform(t.uefi ? 'auto' : 'false'),
    other_config: { default_template: 'true', mac_seed: uuid, 'install-methods': 'cdrom,http,nfs,ftp', ...(t.disk > 0 ? { disks: provision(t.disk) } : {}) },
    recommendations: recommendations(t),
    reference_label: t.os,
    domain_type: 'hvm',
    has_vendor_device: false,
    generation_id: '',
  });
}

export async function addTemplates(tx: Tx, seed: number): Promise<void> {
  for (const template of templates) {
    const uuid = seededUuid(seed, 'template', template.label);
    const metrics = seededUuid(uuid, 'metrics');
    await tx.insert('VM_metrics', refOf('VM_metrics', metrics), recordWith('VM_metrics', { uuid: metrics, VCPUs_number: template.vcpus, hvm: true }));
    await tx.insert('VM', refOf('VM', uuid), { ...templateRecord(template, uuid), metrics: refOf('VM_metrics', metrics) });
  }
}
