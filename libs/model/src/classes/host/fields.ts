/** The fields of a host. */
import * as enums from '../../enums';
import { atCreate, computed, readOnly, readWrite, uuid } from '../../language';
import { bool, datetime, int, map, nullRef, ref, set, string } from '../../types';

export const hostFields = {
  uuid,
  name_label: readWrite(string, 'Human-readable name; not necessarily unique and independent of hostname', {
    default: '',
  }),
  name_description: readWrite(string, 'Free-text notes about the host', { default: '' }),
  memory_overhead: readOnly(int, 'Memory taken by the hypervisor itself, in bytes', { default: 0 }),
  allowed_operations: readOnly(
    set(enums.host_allowed_operations),
    'Operations the host would accept right now; advisory, rechecked when the call is made',
    { default: [] },
  ),
  current_operations: readOnly(
    map(string, enums.host_allowed_operations),
    'Operations in flight, keyed by the reference of the task that runs each',
    { default: {} },
  ),
  API_version_major: readOnly(int, 'First part of the XenAPI version served here, e.g. 2'),
  API_version_minor: readOnly(int, 'Second part of the XenAPI version served here, e.g. 21'),
  API_version_vendor: readOnly(string, 'Who makes this API implementation, e.g. XenSource'),
  API_version_vendor_implementation: readOnly(
    map(string, string),
    'Further vendor details about the implementation; usually empty',
  ),
  enabled: readOnly(
    bool,
    'True when new VMs may be placed here; false in maintenance or before startup has finished',
  ),
  software_version: atCreate(
    map(string, string),
    'Versions and build facts of the installed software: product_version, product_brand, xapi, xen, linux and more',
  ),
  other_config: readWrite(
    map(string, string),
    'Client-defined keys, plus a few from xapi such as boot_time, agent_start_time and iscsi_iqn',
    { keyRoles: { folder: 'vm-operator', 'XenCenter.CustomFields.*': 'vm-operator' } },
  ),
  capabilities: atCreate(set(string), 'Guest types Xen can run here, e.g. hvm-3.0-x86_64'),
  cpu_configuration: readOnly(map(string, string), 'Legacy CPU configuration facts; usually empty'),
  sched_policy: readOnly(string, 'Name of the hypervisor scheduler in force, e.g. credit'),
  supported_bootloaders: readOnly(
    set(string),
    'Bootloaders dom0 offers to PV guests, such as pygrub and eliloader',
  ),
  resident_VMs: computed(
    set(ref('VM')),
    'VMs with a domain on this host now, including its control domain',
    'VM.resident_on',
  ),
  logging: readWrite(
    map(string, string),
    'Logging settings; syslog_destination names the remote syslog server, absent for local logging',
  ),
  PIFs: computed(set(ref('PIF')), 'Physical and logical network interfaces of this host', 'PIF.host'),
  suspend_image_sr: readWrite(
    ref('SR'),
    'Default storage for suspend images of VMs on this host; NULL falls back to the pool',
  ),
  crash_dump_sr: readWrite(
    ref('SR'),
    'Default storage for crash dumps on this host; NULL falls back to the pool',
  ),
  crashdumps: computed(
    set(ref('host_crashdump')),
    "Crash dumps left by this host's hypervisor or dom0 kernel",
    'host_crashdump.host',
  ),
  patches: computed(
    set(ref('host_patch')),
    'Old-style patches applied to this host; deprecated, see updates',
    'host_patch.host',
    { state: 'deprecated' },
  ),
  updates: readOnly(set(ref('pool_update')), 'ISO-based updates applied to this host'),
  PBDs: computed(set(ref('PBD')), 'Connections of this host to storage repositories', 'PBD.host'),
  host_CPUs: computed(
    set(ref('host_cpu')),
    'Physical CPUs (one record per logical processor) of this host',
    'host_cpu.host',
  ),
  cpu_info: readOnly(
    map(string, string),
    'CPU facts: cpu_count, socket_count, vendor, modelname, speed (MHz), flags and feature masks',
    { default: {} },
  ),
  hostname: readWrite(string, 'Network host name of the machine'),
  address: readWrite(string, 'Management address that clients and other pool members use to reach this host'),
  metrics: readOnly(ref('host_metrics'), 'Liveness and total memory of this host'),
  license_params: readOnly(
    map(string, string),
    'Flattened licence: expiry, sku and the restrict_* feature switches',
  ),
  ha_statefiles: readOnly(set(string), 'HA state-file VDIs this host uses; empty while HA is off', {
    default: [],
  }),
  ha_network_peers: readOnly(
    set(string),
    'UUIDs of hosts whose HA network heartbeat this host sees; empty while HA is off',
    { default: [] },
  ),
  blobs: readOnly(map(string, ref('blob')), 'Binary blobs attached to the host, keyed by name', {
    default: {},
  }),
  tags: readWrite(set(string), 'Free labels clients use for grouping and search', {
    default: [],
    role: 'vm-operator',
  }),
  external_auth_type: readOnly(string, 'Kind of external login service joined, e.g. AD; empty when none', {
    default: '',
  }),
  external_auth_service_name: readOnly(
    string,
    'Name of the external login service, such as the AD domain; empty when none',
    { default: '' },
  ),
  external_auth_configuration: readOnly(
    map(string, string),
    'Settings of the external login service, such as domain and join user',
    { default: {} },
  ),
  edition: readOnly(string, 'Product edition in force on this host', { default: '' }),
  license_server: readWrite(map(string, string), "Licence server's address and port", {
    default: { address: 'localhost', port: '27000' },
  }),
  bios_strings: readOnly(
    map(string, string),
    'SMBIOS strings read from the machine, such as system-manufacturer and bios-version',
    { default: {} },
  ),
  power_on_mode: readOnly(
    string,
    'How to switch the host on remotely: wake-on-lan, iLO, DRAC, a custom script name, or empty when disabled',
    { default: '' },
  ),
  power_on_config: readOnly(
    map(string, string),
    'Parameters for the power-on mode, such as power_on_ip, power_on_user and a password secret',
    { default: {} },
  ),
  local_cache_sr: atCreate(
    ref('SR'),
    'Local SR used to cache VDIs for read caching; NULL when caching is off',
    { default: nullRef() },
  ),
  chipset_info: readOnly(
    map(string, string),
    'Chipset facts, chiefly iommu (true when device passthrough is possible)',
    { default: {} },
  ),
  PCIs: computed(set(ref('PCI')), 'PCI devices found in this host', 'PCI.host'),
  PGPUs: computed(set(ref('PGPU')), 'Physical GPUs found in this host', 'PGPU.host'),
  PUSBs: computed(set(ref('PUSB')), 'Physical USB devices plugged into this host', 'PUSB.host'),
  ssl_legacy: atCreate(bool, 'Deprecated: whether old TLS versions are accepted; false on current releases', {
    default: true,
    state: 'deprecated',
  }),
  guest_VCPUs_params: readWrite(
    map(string, string),
    'VCPUs_params defaults for every VM started here; values of the VM itself win',
    { default: {} },
  ),
  display: readWrite(
    enums.host_display,
    'Whether the physical console is kept for dom0 or released, now or at the next reboot',
    { default: 'enabled' },
  ),
  virtual_hardware_platform_versions: readOnly(
    set(int),
    'Virtual hardware versions this host can provide to VMs',
    { default: [0] },
  ),
  control_domain: readOnly(ref('VM'), 'The dom0 VM of this host; NULL until registered', {
    default: nullRef(),
  }),
  updates_requiring_reboot: readOnly(
    set(ref('pool_update')),
    'Applied updates whose host reboot is still due',
  ),
  features: computed(
    set(ref('Feature')),
    'Optional software features present on this host and whether each is enabled',
    'Feature.host',
  ),
  iscsi_iqn: atCreate(string, 'Name this host uses as iSCSI initiator; empty when not set', {
    default: '',
  }),
  multipathing: atCreate(bool, 'True if storage is attached over several paths', { default: false }),
  uefi_certificates: atCreate(
    string,
    'Deprecated: encoded UEFI certificates of this host; see pool.uefi_certificates',
    { default: '', state: 'deprecated' },
  ),
  certificates: computed(
    set(ref('Certificate')),
    'TLS certificates installed on this host',
    'Certificate.host',
  ),
  editions: readOnly(set(string), 'Editions that may be chosen in apply_edition', { default: [] }),
  pending_guidances: readOnly(
    set(enums.update_guidances),
    'Mandatory steps still due on this host after updates, e.g. reboot_host',
    { default: [] },
  ),
  tls_verification_enabled: readOnly(bool, "True if outgoing TLS connections check the peer's certificate", {
    default: false,
  }),
  last_software_update: readOnly(
    datetime,
    "When the host's software last changed by update or install; the epoch if unknown",
    { default: '19700101T00:00:00Z', state: 'prototyped' },
  ),
  https_only: readOnly(bool, 'True if the firewall shuts port 80, leaving only HTTPS', {
    default: false,
    state: 'prototyped',
  }),
  latest_synced_updates_applied: readOnly(
    enums.latest_synced_updates_applied_state,
    'Whether the host carries every update last synced to the pool: yes, no or unknown',
    { default: 'unknown', state: 'prototyped' },
  ),
  numa_affinity_policy: readOnly(
    enums.host_numa_affinity_policy,
    'How VMs are placed on NUMA nodes: any, best_effort, or the product default',
    { default: 'default_policy', state: 'prototyped' },
  ),
  pending_guidances_recommended: readOnly(
    set(enums.update_guidances),
    'Advised steps still due on this host after updates',
    { default: [], state: 'prototyped' },
  ),
  pending_guidances_full: readOnly(
    set(enums.update_guidances),
    'Steps needed before every applied update takes full effect here',
    { default: [], state: 'prototyped' },
  ),
  last_update_hash: readOnly(string, 'Checksum of the update set last applied; empty if none', {
    default: '',
    state: 'prototyped',
  }),
  ssh_enabled: readOnly(bool, 'True if the SSH service is on', { default: true, state: 'prototyped' }),
  ssh_enabled_timeout: readOnly(int, 'Seconds SSH stays on after being enabled; 0 for no limit', {
    default: 0,
    state: 'prototyped',
  }),
  ssh_expiry: readOnly(datetime, 'When SSH will be switched off; the epoch when no limit is running', {
    default: '19700101T00:00:00Z',
    state: 'prototyped',
  }),
  console_idle_timeout: readOnly(int, 'Idle seconds before a dom0 console session is closed; 0 for never', {
    default: 0,
    state: 'prototyped',
  }),
  ssh_auto_mode: readOnly(bool, 'True if SSH is switched on automatically only while xapi is down', {
    default: false,
    state: 'prototyped',
  }),
  max_cstate: readOnly(
    string,
    "Deepest CPU sleep state allowed, as 'C-state' or 'C-state,sub-state'; empty for no limit",
    { default: '', state: 'prototyped' },
  ),
  secure_boot: readOnly(bool, 'True if the host itself booted under UEFI Secure Boot', {
    default: false,
    state: 'prototyped',
  }),
  ntp_mode: readOnly(
    enums.host_ntp_mode,
    'Where NTP servers come from: DHCP, Custom list, Factory defaults, or Disabled',
    { default: 'Factory', state: 'prototyped' },
  ),
  ntp_custom_servers: readOnly(set(string), 'NTP servers used when ntp_mode is Custom', {
    default: [],
    state: 'prototyped',
  }),
  timezone: readOnly(string, 'Time zone of dom0 by its tz database name, e.g. Europe/Vienna', {
    default: 'UTC',
    state: 'prototyped',
  }),
};
