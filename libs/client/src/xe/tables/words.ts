/** Words of the command line for values of the API, where they differ. Facts of the command line of xapi. */
export const shownAs: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  host_operation: { vm_start: 'VM.start', vm_resume: 'VM.resume', vm_migrate: 'VM.migrate' },
  protocol: { vt100: 'VT100', rfb: 'RFB', rdp: 'RDP' },
  task_allowed_operations: { cancel: 'Cancel', destroy: 'Destroy' },
  on_normal_exit: { destroy: 'Destroy', restart: 'Restart' },
  on_crash_behaviour: { destroy: 'Destroy', coredump_and_destroy: 'Core dump and destroy', restart: 'Restart', coredump_and_restart: 'Core dump and restart', preserve: 'Preserve', rename_restart: 'Rename restart' },
  on_softreboot_behaviour: { destroy: 'Destroy', restart: 'Restart', preserve: 'Preserve', soft_reboot: 'Soft reboot' },
  vbd_mode: { RO: 'ro', RW: 'rw' },
  vdi_type: { system: 'System', user: 'User', ephemeral: 'Ephemeral', suspend: 'Suspend', crashdump: 'Crashdump', ha_statefile: 'HA statefile', metadata: 'Metadata', redo_log: 'Redo log', pvs_cache: 'PVS cache', cbt_metadata: 'CBT metadata' },
  bond_mode: { balanceslb: 'balance-slb', activebackup: 'active-backup' },
  allocation_algorithm: { depth_first: 'depth-first', breadth_first: 'breadth-first' },
  pvs_proxy_status: { incompatible_write_cache_mode: 'incompatible-write-cache-mode', incompatible_protocol_version: 'incompatible-protocol-version' },
  tristate: { yes: 'true', no: 'false' },
  domain_type: { pv_in_pvh: 'pv-in-pvh' },
  vm_placement_policy: { anti_affinity: 'anti-affinity' },
  vm_operation: { assert_operation_valid: 'assertoperationvalid', data_source_op: 'data_sources_op', changing_VCPUs: '(unknown operation)', changing_memory_limits: '(unknown operation)', query_services: '(unknown operation)', create_template: '(unknown operation)' },
  sr_operation: { vdi_create: 'VDI.create', vdi_introduce: 'VDI.introduce', vdi_destroy: 'VDI.destroy', vdi_resize: 'VDI.resize', vdi_clone: 'VDI.clone', vdi_snapshot: 'VDI.snapshot', vdi_mirror: 'VDI.mirror', vdi_enable_cbt: 'VDI.enable_cbt', vdi_disable_cbt: 'VDI.disable_cbt', vdi_data_destroy: 'VDI.data_destroy', vdi_list_changed_blocks: 'VDI.list_changed_blocks', vdi_set_on_boot: 'VDI.set_on_boot', vdi_blocked: 'VDI.blocked', vdi_copy: 'VDI.copy', vdi_force_unlock: 'VDI.force_unlock', vdi_forget: 'VDI.forget', vdi_generate_config: 'VDI.generate_config', vdi_resize_online: 'VDI.resize_online', vdi_update: 'VDI.update', vdi_revert: 'VDI.revert', pbd_create: 'PBD.create', pbd_destroy: 'PBD.destroy' },
};
