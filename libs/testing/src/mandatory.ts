const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** The mandatory fields of each constructor, as the protocol notes list them. */
export const mandatoryMembers: Readonly<Record<string, readonly string[]>> = {
  VM: words(`user_version is_a_template affinity memory_static_max memory_dynamic_max memory_dynamic_min memory_static_min VCPUs_params VCPUs_max VCPUs_at_startup
    actions_after_shutdown actions_after_reboot actions_after_crash PV_bootloader PV_kernel PV_ramdisk PV_args PV_bootloader_args PV_legacy_args HVM_boot_policy
    HVM_boot_params platform PCI_bus other_config recommendations`),
  VDI: words('SR virtual_size type sharable read_only other_config'),
  VBD: words(
    'VM VDI userdevice bootable mode type empty other_config qos_algorithm_type qos_algorithm_params',
  ),
  VIF: words('device network VM MAC MTU other_config qos_algorithm_type qos_algorithm_params'),
  network: words('other_config'),
  PBD: words('host SR device_config'),
  secret: words('value'),
};
