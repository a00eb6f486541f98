/** A VM that was started or resumed: its run, its record, and those of its devices show it in one statement. */
import type { DomainSpec } from '@xenplane/hypervisor';
import type { Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { PlacedVm } from '../../core/agents';

/** The virtual hardware that has the vendor's device. */
const vendorDeviceVersion = 2;

export interface StartedRun {
  readonly vm: Ref<'VM'>;
  /** Under which its devices are busy. */
  readonly task: Ref<'task'>;
  readonly placed: PlacedVm;
  readonly domid: number;
  readonly boots: number;
  readonly powerState: 'Running' | 'Paused';
  /** The power state until now: of one that was suspended the guest goes on. */
  readonly rested: 'Halted' | 'Suspended';
  readonly spec: DomainSpec;
  /** For a VM that has none. */
  readonly biosStrings: Readonly<Record<string, string>>;
  /** The record of guest metrics that a VM without one gets. */
  readonly silentMetrics: Ref<'VM_guest_metrics'>;
}
export interface ShownStart {
  /** Of its host. */
  readonly address: string;
  /** True if the record of guest metrics is to be made. */
  readonly silent: boolean;
  readonly withoutScreen: boolean;
}

/** Undefined when the placement is over, or the VM is not at rest. */
export async function showStarted(
  tx: Tx,
  { vm, task, placed, domid, boots, powerState, rested, spec, biosStrings, silentMetrics }: StartedRun,
): Promise<ShownStart | undefined> {
  const [shown] = await tx.query<ShownStart & Record<string, unknown>>(
    `WITH run AS (UPDATE vm_run SET state = 'R', domid = $4, boots = $5, saved = NULL, since = now() WHERE vm = $1 AND vm_epoch = $2 AND host = $3 AND state IN ('C', 'R') RETURNING vm),
          shown AS (UPDATE vm SET power_state = $6, resident_on = $3, scheduled_to_be_resident_on = NULL, domid = $4, domarch = $7, "attached_PCIs" = ARRAY(SELECT pci FROM passed_pci WHERE vm = $1 ORDER BY pci), "suspend_VDI" = NULL, memory_target = $8, ha_always_run = vm.ha_restart_priority = 'restart',
                      "last_boot_CPU_flags" = CASE WHEN $11 THEN "last_boot_CPU_flags" ELSE (SELECT jsonb_build_object('vendor', c.cpu_info->>'vendor', 'features', coalesce(c.cpu_info->>CASE $10 WHEN 'hvm' THEN 'features_hvm' ELSE 'features_pv' END, '')) FROM host c WHERE c.ref = $3) END,
                      bios_strings = CASE WHEN bios_strings = '{}' THEN $12::jsonb ELSE bios_strings END, guest_metrics = coalesce(vm.guest_metrics, $14), hardware_platform_version = greatest(hardware_platform_version, CASE WHEN has_vendor_device THEN ${vendorDeviceVersion} ELSE 0 END)
                      FROM run WHERE vm.ref = run.vm AND vm.power_state = $15 RETURNING vm.metrics, vm.platform, vm.guest_metrics, vm.other_config),
          found AS (DELETE FROM lost_vm l USING run WHERE l.vm = run.vm),
          disks AS (UPDATE vbd SET currently_attached = true, current_operations = current_operations - $13::text, device = CASE WHEN device <> '' OR userdevice !~ '^[0-9]+$' THEN device
                    WHEN userdevice::int < 26 THEN 'xvd' || chr(97 + userdevice::int) ELSE 'xvd' || chr(96 + userdevice::int / 26) || chr(97 + userdevice::int % 26) END FROM run WHERE vbd."VM" = run.vm),
          nics AS (UPDATE vif SET currently_attached = true, current_operations = current_operations - $13::text FROM run WHERE vif."VM" = run.vm),
          gpus AS (UPDATE vgpu SET currently_attached = true, resident_on = coalesce(scheduled_to_be_resident_on, vgpu.resident_on), scheduled_to_be_resident_on = NULL FROM run WHERE vgpu."VM" = run.vm),
          usbs AS (UPDATE vusb SET currently_attached = true FROM run WHERE vusb."VM" = run.vm),
          figures AS (UPDATE vm_metrics m SET memory_actual = $8, "VCPUs_number" = $9, last_updated = now(), current_domain_type = $10, hvm = $10 = 'hvm', state = '[]',
                      nomigrate = coalesce(shown.platform->>'nomigrate' IN ('true', '1'), false), nested_virt = coalesce(shown.platform->>'nested-virt' IN ('true', '1'), false),
                      start_time = CASE WHEN $11 THEN start_time ELSE now() END FROM shown WHERE m.ref = shown.metrics),
          consoles AS (DELETE FROM console c USING run WHERE c."VM" = run.vm)
     SELECT h.address, shown.guest_metrics = $14 AS silent, shown.other_config ? 'disable_pv_vnc' AS "withoutScreen" FROM shown, host h WHERE h.ref = $3`,
    [
      vm,
      placed.vmEpoch,
      placed.host,
      domid,
      boots,
      powerState,
      spec.mode === 'pv' ? '' : 'hvm',
      spec.memoryTargetBytes,
      spec.vcpus,
      spec.mode,
      rested === 'Suspended',
      JSON.stringify(biosStrings),
      task,
      silentMetrics,
      rested,
    ],
  );
  return shown;
}
