/** The templates that every pool begins with, as records. */
import type { Tx } from '@xenplane/store';
import { recordWith } from '../core/records';
import { refOf, seededUuid } from '../core/seeded';
import { templates, type Family, type Template } from './template-table';
import { readSetting, writeSetting } from '../tables/settings';

const GiB = 2 ** 30;
type Words = Readonly<Record<string, string>>;
interface Kind {
  readonly bootParams: Words;
  readonly platform: Words;
  readonly otherConfig: Words;
  readonly maxMemoryGiB: number;
  readonly vcpus: number;
  readonly secureBoot: 'yes' | 'no';
  readonly uefi: 'yes' | 'no';
  readonly sriov: boolean;
  /** True if clients may offer graphics cards. */
  readonly gpu: boolean;
  readonly vendorDevice: boolean;
}

const every: Words = { nx: 'true', acpi: '1', apic: 'true', pae: 'true', hpet: 'true' };
const linux: Words = { ...every, vga: 'std', videoram: '8', viridian: 'false', device_id: '0001' };
const viridian = [
  'viridian',
  'viridian_time_ref_count',
  'viridian_reference_tsc',
  'viridian_apic_assist',
  'viridian_crash_ctl',
  'viridian_stimer',
];
const windowsPlatform: Words = {
  ...every,
  ...{ vga: 'std', videoram: '8', device_id: '0002', 'cores-per-socket': '2', secureboot: 'auto' },
  ...Object.fromEntries(viridian.map((name) => [name, 'true'])),
};
const linuxKind = {
  otherConfig: { linux_template: 'true', 'install-methods': 'cdrom,nfs,http,ftp' },
  ...{ maxMemoryGiB: 1536, vcpus: 1, sriov: true, gpu: true, vendorDevice: false },
} as const;

const kinds: Readonly<Record<Family, Kind>> = {
  'linux-bios': {
    ...linuxKind,
    bootParams: { firmware: 'bios', order: 'cdn' },
    platform: { ...linux, secureboot: 'false', 'device-model': 'qemu-upstream-compat' },
    ...{ secureBoot: 'no', uefi: 'no' },
  },
  'linux-uefi': {
    ...linuxKind,
    bootParams: { firmware: 'uefi', order: 'cdn' },
    platform: { ...linux, secureboot: 'auto' },
    ...{ secureBoot: 'yes', uefi: 'yes' },
  },
  'windows-uefi': {
    bootParams: { firmware: 'uefi', order: 'cd' },
    platform: windowsPlatform,
    otherConfig: { 'install-methods': 'cdrom' },
    ...{
      maxMemoryGiB: 1536,
      vcpus: 2,
      secureBoot: 'yes',
      uefi: 'yes',
      sriov: false,
      gpu: false,
      vendorDevice: true,
    },
  },
  media: {
    bootParams: { firmware: 'bios', order: 'cd' },
    platform: { ...every, viridian: 'true', secureboot: 'false' },
    otherConfig: { 'install-methods': 'cdrom' },
    ...{
      maxMemoryGiB: 128,
      vcpus: 1,
      secureBoot: 'yes',
      uefi: 'yes',
      sriov: false,
      gpu: false,
      vendorDevice: false,
    },
  },
};

/** The options that a client's wizard may offer, as the XML that XenCenter and Xen Orchestra read. */
function recommendations({ supportsBios = true, sriov }: Template, kind: Kind): string {
  const field = (name: string, bound: 'min' | 'max' | 'value', value: number | string): string =>
    `<restriction field="${name}" ${bound}="${value}"/>`;
  const devices = (name: string, max: number): string => `<restriction property="${name}" max="${max}"/>`;
  const lines = [
    field('memory-static-max', 'max', kind.maxMemoryGiB * GiB),
    ...(kind.vcpus > 1 ? [field('vcpus-min', 'min', kind.vcpus)] : []),
    field('vcpus-max', 'max', 64),
    field('has-vendor-device', 'value', String(kind.vendorDevice)),
    ...(kind.gpu ? [field('allow-gpu-passthrough', 'value', '1'), field('allow-vgpu', 'value', '1')] : []),
    ...(kind.sriov || sriov ? [field('allow-network-sriov', 'value', '1')] : []),
    field('supports-bios', 'value', supportsBios ? 'yes' : 'no'),
    field('supports-uefi', 'value', kind.uefi),
    field('supports-secure-boot', 'value', kind.secureBoot),
    ...[devices('number-of-vbds', 255), devices('number-of-vifs', 7)],
  ];
  return `<restrictions>${lines.join('')}</restrictions>`;
}

/** The disk that a new VM is given; an installer makes that of Windows bootable. */
const provision = (sizeGiB: number, bootable: boolean): string =>
  `<provision><disk bootable="${bootable}" device="0" size="${sizeGiB * GiB}" sr="" type="system"/></provision>`;

export function templateRecord(t: Template, uuid: string) {
  const kind = kinds[t.family],
    vcpus = t.vcpus ?? kind.vcpus,
    memory = 2 * t.memoryGiB * GiB;
  return recordWith('VM', {
    uuid,
    name_label: t.label,
    name_description: `Template for ${t.label}`,
    user_version: 1,
    is_a_template: true,
    is_default_template: true,
    domid: -1,
    power_state: 'Halted',
    memory_static_max: memory,
    memory_dynamic_max: memory,
    memory_dynamic_min: memory,
    memory_static_min: memory / 2,
    memory_target: memory,
    VCPUs_max: vcpus,
    VCPUs_at_startup: vcpus,
    actions_after_shutdown: 'destroy',
    actions_after_reboot: 'restart',
    actions_after_crash: 'restart',
    HVM_boot_policy: 'BIOS order',
    HVM_boot_params: kind.bootParams,
    HVM_shadow_multiplier: 1,
    platform: { ...kind.platform, ...t.platform },
    other_config: {
      ...{ default_template: 'true', mac_seed: uuid, ...kind.otherConfig, ...t.otherConfig },
      ...(t.diskGiB === undefined ? {} : { disks: provision(t.diskGiB, t.family !== 'windows-uefi') }),
    },
    recommendations: recommendations(t, kind),
    reference_label: t.reference,
    domain_type: 'hvm',
    has_vendor_device: kind.vendorDevice,
    generation_id: kind.vendorDevice ? '0:0' : '',
  });
}

const knownKey = 'default_templates';
/**
 * Adds those that the pool never had. A pool of an earlier version keeps its own as they are; what somebody has removed stays away.
 */
export async function ensureTemplates(tx: Tx, seed: number): Promise<void> {
  const known = await readSetting<string[]>(tx, knownKey);
  const had = new Set(
    known ?? (await tx.find('VM', { is_default_template: true })).map((vm) => vm.name_label),
  );
  const never = templates
    .filter(({ label }) => !had.has(label))
    .map((template) => ({ template, uuid: seededUuid(seed, 'template', template.label) }));
  if (known && never.length === 0) return;
  const metricsOf = (uuid: string): string => seededUuid(uuid, 'metrics');
  // One that was given another name is there all the same.
  const refs = never.map(({ uuid }) => refOf('VM', uuid));
  const there = new Set<string>((await tx.getMany('VM', refs)).map(({ ref }) => ref));
  const missing = never.filter(({ uuid }) => !there.has(refOf('VM', uuid)));
  const metrics = missing.map(({ uuid }) => refOf('VM_metrics', metricsOf(uuid)));
  const kept = new Set<string>((await tx.getMany('VM_metrics', metrics)).map(({ ref }) => ref));
  await tx.insertAll(
    'VM_metrics',
    missing
      .filter(({ uuid }) => !kept.has(refOf('VM_metrics', metricsOf(uuid))))
      .map(({ template: { vcpus, family }, uuid }) => ({
        ref: refOf('VM_metrics', metricsOf(uuid)),
        ...recordWith('VM_metrics', {
          uuid: metricsOf(uuid),
          VCPUs_number: vcpus ?? kinds[family].vcpus,
          hvm: true,
        }),
      })),
  );
  await tx.insertAll(
    'VM',
    missing.map(({ template, uuid }) => ({
      ref: refOf('VM', uuid),
      ...templateRecord(template, uuid),
      metrics: refOf('VM_metrics', metricsOf(uuid)),
    })),
  );
  await writeSetting(tx, knownKey, [...new Set([...had, ...templates.map(({ label }) => label)])]);
}
