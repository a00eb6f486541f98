/** The fields of a vm. */
import * as enums from '../../enums';
import { atCreate, computed, readOnly, readWrite, uuid } from '../../language';
import { bool, datetime, float, int, map, nullRef, ref, set, string } from '../../types';

export const vmFields = {
  uuid,
  allowed_operations: readOnly(
    set(enums.vm_operations),
    'Operations the VM would accept right now; advisory, rechecked when the call is made',
    { default: [] },
  ),
  current_operations: readOnly(
    map(string, enums.vm_operations),
    'Operations in flight, keyed by the reference of the task that runs each',
    { default: {} },
  ),
  name_label: readWrite(string, 'Human-readable name; not necessarily unique', { default: '' }),
  name_description: readWrite(string, 'Free-text notes about the VM', { default: '' }),
  power_state: atCreate(
    enums.vm_power_state,
    'Halted, Paused, Running or Suspended; the lifecycle state last reported for its domain',
    { default: 'Halted' },
  ),
  user_version: readWrite(
    int,
    'Version number kept for whoever packages or publishes the template; xapi ignores it',
  ),
  is_a_template: readWrite(bool, 'True for a template: it can be cloned or provisioned, never started', {
    effect: true,
  }),
  is_default_template: readOnly(
    bool,
    'True for a template that ships with the product; such templates cannot be destroyed',
    { default: false },
  ),
  suspend_VDI: atCreate(
    ref('VDI'),
    'Disk holding the saved memory image; NULL unless suspended or made by a checkpoint',
    { default: nullRef() },
  ),
  resident_on: readOnly(ref('host'), 'Host where the domain lives now; NULL when halted or suspended'),
  scheduled_to_be_resident_on: readOnly(
    ref('host'),
    'Host with memory reserved for an imminent start, resume or incoming migration; NULL otherwise',
    { default: nullRef() },
  ),
  affinity: readWrite(
    ref('host'),
    'Host preferred at start when it has room; a hint, NULL for no preference',
    { role: 'vm-power-admin' },
  ),
  memory_overhead: readOnly(
    int,
    "Hypervisor memory needed beyond the guest's own RAM (shadow pages, device model), in bytes",
    { default: 0 },
  ),
  memory_target: atCreate(
    int,
    'Balloon target last set for the guest, in bytes, between the two dynamic limits',
    { default: 0, state: 'deprecated' },
  ),
  memory_static_max: atCreate(
    int,
    'Upper memory bound fixed at boot, in bytes: the most RAM the guest can ever see',
  ),
  memory_dynamic_max: atCreate(
    int,
    'Top of the ballooning range, in bytes; the guest runs at this when host memory allows',
  ),
  memory_dynamic_min: atCreate(
    int,
    'Bottom of the ballooning range, in bytes; xapi may squeeze a running guest down to this',
  ),
  memory_static_min: atCreate(
    int,
    'Lowest memory the guest OS supports, in bytes; dynamic_min may not fall below it',
  ),
  VCPUs_params: readWrite(
    map(string, string),
    'Scheduler settings such as weight (default 256), cap (percent of one CPU, 0 = none) and mask',
  ),
  VCPUs_max: atCreate(int, 'Ceiling on virtual CPUs, fixed at boot; hot-adding cannot pass it'),
  VCPUs_at_startup: atCreate(int, 'Virtual CPUs online when the VM boots, from 1 to VCPUs_max'),
  actions_after_softreboot: readWrite(
    enums.on_softreboot_behavior,
    'What to do when the guest asks for a soft reboot such as kexec',
    { default: 'soft_reboot', state: 'prototyped' },
  ),
  actions_after_shutdown: readWrite(
    enums.on_normal_exit,
    'What to do once the guest powers itself off: destroy the domain or restart it',
  ),
  actions_after_reboot: readWrite(
    enums.on_normal_exit,
    'What to do once the guest reboots: start a fresh domain, or destroy it and stay Halted',
  ),
  actions_after_crash: atCreate(
    enums.on_crash_behaviour,
    'What to do when the guest crashes: restart, destroy, or preserve it, optionally dumping core first',
  ),
  consoles: computed(
    set(ref('console')),
    'Console endpoints (framebuffer, text) currently offered by this VM',
    'console.VM',
  ),
  VIFs: computed(set(ref('VIF')), 'Virtual network interfaces belonging to this VM', 'VIF.VM'),
  VBDs: computed(
    set(ref('VBD')),
    'Virtual block devices (disks and CD drives) connecting this VM to VDIs',
    'VBD.VM',
  ),
  VUSBs: computed(set(ref('VUSB')), 'Virtual USB devices passed through to this VM', 'VUSB.VM'),
  crash_dumps: computed(
    set(ref('crashdump')),
    'Stored guest core dumps; legacy, normally empty',
    'crashdump.VM',
  ),
  VTPMs: computed(set(ref('VTPM')), 'Virtual TPM devices of this VM, at most one', 'VTPM.VM'),
  PV_bootloader: readWrite(
    string,
    "Program in dom0 that finds a PV guest's kernel, e.g. pygrub; empty when not used",
  ),
  PV_kernel: readWrite(string, 'Path of the kernel for direct PV boot; empty when a bootloader picks it'),
  PV_ramdisk: readWrite(string, 'Path of the initial ramdisk for direct PV boot; empty for none'),
  PV_args: readWrite(string, 'Kernel command line for a PV guest'),
  PV_bootloader_args: readWrite(string, 'Extra arguments handed to the PV bootloader'),
  PV_legacy_args: readWrite(
    string,
    'Kernel arguments retained for very old guests imported from Zurich-era releases',
  ),
  HVM_boot_policy: atCreate(
    string,
    "Old way to choose HVM: 'BIOS order' for HVM, empty for PV; superseded by domain_type",
    { state: 'deprecated' },
  ),
  HVM_boot_params: readWrite(
    map(string, string),
    'HVM boot settings: order (c disk, d CD, n network) and firmware (bios or uefi)',
  ),
  HVM_shadow_multiplier: atCreate(
    float,
    'Scale factor on the default shadow memory of an HVM guest, 1.0 or more',
    { default: 1 },
  ),
  platform: atCreate(
    map(string, string),
    'Virtual hardware switches such as acpi, apic, viridian, device-model, secureboot, nested-virt and cores-per-socket',
    { keyRoles: { hvm_serial: 'pool-admin' } },
  ),
  PCI_bus: readWrite(string, 'Unused legacy description of the PCI topology for passthrough', {
    state: 'deprecated',
  }),
  other_config: atCreate(
    map(string, string),
    'Client-defined keys, plus a few that xapi reads such as mac_seed, auto_poweron and install-methods',
    {
      keyRoles: {
        pci: 'pool-admin',
        hvm_serial: 'pool-admin',
        is_system_domain: 'pool-admin',
        storage_driver_domain: 'pool-admin',
        folder: 'vm-operator',
        'XenCenter.CustomFields.*': 'vm-operator',
      },
    },
  ),
  domid: readOnly(int, 'Xen domain number on resident_on; -1 when there is no domain'),
  domarch: readOnly(string, 'Architecture of the running domain such as x86_64; empty if none or not known'),
  last_boot_CPU_flags: atCreate(
    map(string, string),
    'CPU vendor and feature set seen at last boot; used to judge migration and resume targets',
    { default: {} },
  ),
  is_control_domain: readOnly(
    bool,
    'True for dom0 or another privileged domain; normal lifecycle calls refuse it',
  ),
  metrics: readOnly(
    ref('VM_metrics'),
    'Slow-changing runtime facts about the VM, such as start time and actual memory',
  ),
  guest_metrics: readOnly(
    ref('VM_guest_metrics'),
    'What the in-guest agent reports; NULL when no agent has been seen since boot',
  ),
  last_booted_record: atCreate(
    string,
    'Serialised configuration in force at the last boot; empty if never booted',
    { default: '' },
  ),
  recommendations: readWrite(
    string,
    'XML with advised limits (memory, vCPUs, devices) for the operating system of the template',
  ),
  xenstore_data: readWrite(
    map(string, string),
    "Keys (usually vm-data/...) written below the domain's xenstore path at start",
    { default: {}, effect: true },
  ),
  ha_always_run: atCreate(bool, 'Deprecated: true when HA ought to keep the VM up; see ha_restart_priority', {
    default: false,
    state: 'deprecated',
  }),
  ha_restart_priority: atCreate(
    string,
    "HA protection: 'restart' is guaranteed by the plan, 'best-effort' is tried if room is left, empty means none",
    { default: '' },
  ),
  is_a_snapshot: readOnly(bool, 'True if this record is a snapshot or checkpoint and not a normal VM', {
    default: false,
  }),
  snapshot_of: readOnly(
    ref('VM'),
    'VM this snapshot was taken from; NULL for a VM or once the source is gone',
    { default: nullRef() },
  ),
  snapshots: computed(set(ref('VM')), 'Every snapshot and checkpoint taken of this VM', 'VM.snapshot_of'),
  snapshot_time: readOnly(datetime, 'When the snapshot was taken; the epoch if this is no snapshot', {
    default: '19700101T00:00:00Z',
  }),
  transportable_snapshot_id: readOnly(
    string,
    'VSS transportable identifier of a quiesced snapshot; empty otherwise',
    { default: '' },
  ),
  blobs: readOnly(map(string, ref('blob')), 'Binary blobs attached to the VM, keyed by name', {
    default: {},
  }),
  tags: readWrite(set(string), 'Free labels clients use for grouping and search', {
    default: [],
    role: 'vm-operator',
  }),
  blocked_operations: atCreate(
    map(enums.vm_operations, string),
    'Operations an administrator has forbidden, each mapped to the reason returned in OPERATION_BLOCKED',
    { default: {} },
  ),
  snapshot_info: readOnly(
    map(string, string),
    'Facts recorded by the snapshot: power-state-at-snapshot and disk-snapshot-type among them',
    { default: {} },
  ),
  snapshot_metadata: readOnly(
    string,
    "Encoded copy of the VM's metadata when the snapshot was taken, used by revert",
    { default: '' },
  ),
  parent: readOnly(ref('VM'), 'Preceding node in the snapshot tree; NULL at the root', {
    default: nullRef(),
  }),
  children: computed(set(ref('VM')), 'Nodes directly below this one in the snapshot tree', 'VM.parent'),
  bios_strings: readOnly(
    map(string, string),
    'SMBIOS strings shown to the guest, such as bios-vendor and system-serial-number',
    { default: {} },
  ),
  protection_policy: atCreate(ref('VMPP'), 'Retired VMPP backup policy of this VM; always NULL nowadays', {
    default: nullRef(),
    state: 'deprecated',
  }),
  is_snapshot_from_vmpp: atCreate(bool, 'True if the retired VMPP scheduler made this snapshot', {
    default: false,
    state: 'removed',
  }),
  snapshot_schedule: atCreate(ref('VMSS'), 'VMSS schedule that snapshots this VM; NULL for none', {
    default: nullRef(),
  }),
  is_vmss_snapshot: atCreate(bool, 'True if a VMSS schedule made this snapshot', { default: false }),
  appliance: atCreate(ref('VM_appliance'), 'Appliance (vApp) the VM belongs to; NULL for none', {
    default: nullRef(),
  }),
  start_delay: atCreate(
    int,
    'Seconds to wait after starting this VM before the next order in the sequence begins',
    { default: 0 },
  ),
  shutdown_delay: atCreate(
    int,
    'Seconds to wait after shutting this VM down before the next order in the sequence begins',
    { default: 0 },
  ),
  order: atCreate(
    int,
    'Position in the appliance or HA start sequence, lowest first; shutdown runs in reverse',
    { default: 0 },
  ),
  VGPUs: computed(set(ref('VGPU')), 'Virtual GPUs configured for this VM', 'VGPU.VM'),
  attached_PCIs: readOnly(set(ref('PCI')), 'Physical PCI devices passed through to the running VM'),
  suspend_SR: readWrite(
    ref('SR'),
    'Storage for suspend images; NULL falls back to the default of host or pool',
    { default: nullRef() },
  ),
  version: atCreate(int, 'Counts how many times the VM has been recovered; newer recovered metadata wins', {
    default: 0,
  }),
  generation_id: atCreate(
    string,
    "Windows generation ID exposed to the guest; changed on revert or clone, '0:0' asks for a fresh one",
    { default: '0:0' },
  ),
  hardware_platform_version: readWrite(
    int,
    'Version of the virtual hardware required; start only on hosts that list it',
    { default: 0 },
  ),
  has_vendor_device: atCreate(
    bool,
    'True if an extra emulated PCI device lets Windows Update deliver the PV drivers',
    { default: true },
  ),
  requires_reboot: readOnly(bool, 'True while a change or host update waits for the VM to be rebooted', {
    default: false,
  }),
  reference_label: atCreate(
    string,
    "Stable text identifying the template this VM came from, e.g. 'debian-12'",
    { default: '' },
  ),
  domain_type: atCreate(
    enums.domain_type,
    'Virtualisation mode for the next boot: hvm, pv, pvh or pv_in_pvh; unspecified means derive it',
    { default: 'unspecified' },
  ),
  NVRAM: atCreate(
    map(string, string),
    'UEFI variable store and its settings; holds EFI-variables in encoded form',
    { default: {} },
  ),
  pending_guidances: readOnly(
    set(enums.update_guidances),
    'Mandatory steps for this VM still due after host updates, e.g. restart_device_model or restart_vm',
    { default: [] },
  ),
  pending_guidances_recommended: readOnly(
    set(enums.update_guidances),
    'Advised steps for this VM still due after host updates',
    { default: [], state: 'prototyped' },
  ),
  pending_guidances_full: readOnly(
    set(enums.update_guidances),
    'Steps for this VM needed before every applied host update takes full effect',
    { default: [], state: 'prototyped' },
  ),
  groups: readOnly(
    set(ref('VM_group')),
    'VM groups that influence placement of this VM; at most one at present',
    { state: 'prototyped' },
  ),
  secureboot_certificates_state: readOnly(
    enums.vm_secureboot_certificates_state,
    "Whether the VM's UEFI Secure Boot certificates are current, updatable, or marked for update at boot",
    { default: 'ok', state: 'prototyped' },
  ),
};
