/** The settings of its VM that a snapshot keeps beside its own record. */
import type { StoredRecord } from '@xenplane/model';

type Vm = StoredRecord<'VM'>;

/** The fields that revert restores; all others a VM keeps, tags and affinity among them, or takes from its devices. */
const restored = [
  'name_label',
  'name_description',
  'user_version',
  'memory_overhead',
  'memory_target',
  'memory_static_max',
  'memory_dynamic_max',
  'memory_dynamic_min',
  'memory_static_min',
  'VCPUs_params',
  'VCPUs_max',
  'VCPUs_at_startup',
  'actions_after_softreboot',
  'actions_after_shutdown',
  'actions_after_reboot',
  'actions_after_crash',
  'PV_bootloader',
  'PV_kernel',
  'PV_ramdisk',
  'PV_args',
  'PV_bootloader_args',
  'PV_legacy_args',
  'HVM_boot_policy',
  'HVM_boot_params',
  'HVM_shadow_multiplier',
  'platform',
  'PCI_bus',
  'other_config',
  'last_boot_CPU_flags',
  'last_booted_record',
  'recommendations',
  'xenstore_data',
  'ha_restart_priority',
  'blocked_operations',
  'bios_strings',
  'start_delay',
  'shutdown_delay',
  'order',
  'suspend_SR',
  'hardware_platform_version',
  'has_vendor_device',
  'reference_label',
  'domain_type',
  'NVRAM',
] as const satisfies readonly (keyof Vm)[];
type Restored = Pick<Vm, (typeof restored)[number]>;
/** With the uuid, should the VM have to be made anew. */
export const metadataOf = (vm: Vm): string =>
  JSON.stringify(Object.fromEntries((['uuid', ...restored] as const).map((field) => [field, vm[field]])));
export function fromMetadata({ snapshot_metadata }: Vm): {
  readonly uuid?: string;
  readonly settings: Partial<Restored>;
} {
  const { uuid, ...settings } = (
    snapshot_metadata === '' ? {} : JSON.parse(snapshot_metadata)
  ) as Partial<Restored> & { uuid?: string };
  return { settings, ...(uuid === undefined ? {} : { uuid }) };
}
