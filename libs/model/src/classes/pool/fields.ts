/** The fields of a pool. */
import * as enums from '../../enums';
import { atCreate, computed, readOnly, readWrite, uuid } from '../../language';
import { bool, datetime, int, map, nullRef, ref, set, string } from '../../types';

export const poolFields = {
  uuid,
  name_label: readWrite(string, 'Human-readable name of the pool; empty for a fresh standalone host'),
  name_description: readWrite(string, 'Free-text notes about the pool'),
  master: readOnly(ref('host'), 'Coordinator: the host that holds the database and serves the API'),
  default_SR: readWrite(
    ref('SR'),
    'Storage for new disks when the caller names none; NULL or dangling for none',
  ),
  suspend_image_SR: readWrite(
    ref('SR'),
    'Storage for suspend images when VM and host name none; NULL for none',
  ),
  crash_dump_SR: readWrite(ref('SR'), 'Storage for crash dumps when the host names none; NULL for none'),
  other_config: readWrite(
    map(string, string),
    'Client-defined keys, plus a few pool-wide switches that xapi reads',
    {
      keyRoles: {
        folder: 'vm-operator',
        'XenCenter.CustomFields.*': 'vm-operator',
        EMPTY_FOLDERS: 'vm-operator',
      },
    },
  ),
  ha_enabled: readOnly(bool, 'True while high availability is active', { default: false }),
  ha_configuration: readOnly(
    map(string, string),
    'HA settings handed to enable_ha, e.g. timeout in seconds',
    { default: {} },
  ),
  ha_statefiles: readOnly(
    set(string),
    'References of the VDIs holding the HA state file; empty while HA is off',
    { default: [] },
  ),
  ha_host_failures_to_tolerate: readOnly(
    int,
    'Number of host failures HA has to survive while still restarting all protected VMs',
    { default: 0 },
  ),
  ha_plan_exists_for: readOnly(
    int,
    'Number of host failures the present plan covers; below the target means overcommitted',
    { default: 0 },
  ),
  ha_allow_overcommit: readWrite(bool, 'If true, operations that break the HA plan are permitted', {
    default: false,
  }),
  ha_overcommitted: readOnly(bool, 'True if the plan cannot cover ha_host_failures_to_tolerate any more', {
    default: false,
  }),
  blobs: readOnly(map(string, ref('blob')), 'Binary blobs attached to the pool, keyed by name', {
    default: {},
  }),
  tags: readWrite(set(string), 'Free labels clients use for grouping and search', {
    default: [],
    role: 'vm-operator',
  }),
  gui_config: readWrite(map(string, string), 'Shared settings of graphical clients; xapi ignores them', {
    default: {},
    role: 'vm-operator',
  }),
  health_check_config: readWrite(
    map(string, string),
    'Settings of the automatic health-check upload service',
    { default: {} },
  ),
  wlb_url: readOnly(string, 'Address of the workload-balancing server; empty when none is configured', {
    default: '',
  }),
  wlb_username: readOnly(string, 'User name for the workload-balancing server', { default: '' }),
  wlb_enabled: readWrite(bool, 'Whether workload-balancing advice is used in placement', {
    default: false,
    clientCert: true,
  }),
  wlb_verify_cert: readWrite(bool, "Deprecated: whether the workload balancer's TLS certificate is checked", {
    default: false,
    state: 'deprecated',
  }),
  redo_log_enabled: readOnly(bool, 'True if database changes are also journalled to shared storage', {
    default: false,
  }),
  redo_log_vdi: readOnly(ref('VDI'), 'VDI carrying the redo log; NULL while it is off', {
    default: nullRef(),
  }),
  vswitch_controller: readOnly(
    string,
    'Deprecated: address of the OpenFlow controller, see SDN_controller; empty for none',
    { default: '', state: 'deprecated' },
  ),
  restrictions: readOnly(
    map(string, string),
    "Feature limits from licensing across all hosts: restrict_* keys set to 'true' or 'false'",
    { default: {} },
  ),
  metadata_VDIs: computed(
    set(ref('VDI')),
    "Disks holding this pool's replicated metadata for disaster recovery",
    'VDI.metadata_of_pool',
  ),
  ha_cluster_stack: readOnly(string, 'HA cluster stack chosen: xhad or corosync', { default: '' }),
  allowed_operations: readOnly(
    set(enums.pool_allowed_operations),
    'Operations the pool would accept right now; advisory, rechecked when the call is made',
    { default: [] },
  ),
  current_operations: readOnly(
    map(string, enums.pool_allowed_operations),
    'Operations in flight, keyed by the reference of the task that runs each',
    { default: {} },
  ),
  guest_agent_config: readOnly(
    map(string, string),
    "Settings passed to the in-guest agents of the pool's VMs",
    { default: {} },
  ),
  cpu_info: readOnly(
    map(string, string),
    'Pool-wide CPU facts: common features, vendor, cpu_count and socket_count',
    { default: {} },
  ),
  policy_no_vendor_device: readWrite(
    bool,
    'Deprecated: true to leave out the Windows Update PCI device in new VMs by default',
    { default: false, state: 'deprecated' },
  ),
  live_patching_disabled: readWrite(bool, 'If true, updates are never applied as live patches', {
    default: false,
  }),
  igmp_snooping_enabled: readOnly(bool, "True if the pool's bridges filter multicast by IGMP snooping", {
    default: false,
  }),
  uefi_certificates: atCreate(
    string,
    'Encoded UEFI Secure Boot certificates for VMs; empty when none are installed',
    { default: '' },
  ),
  custom_uefi_certificates: atCreate(
    string,
    'Administrator-supplied UEFI certificates that override the shipped ones; empty when unused',
    { default: '', state: 'prototyped' },
  ),
  is_psr_pending: readWrite(bool, 'True if a pool secret rotation started and has not finished', {
    default: false,
  }),
  tls_verification_enabled: readOnly(
    bool,
    'True if TLS peers are verified in every pool-internal connection',
    { default: false },
  ),
  repositories: readOnly(set(ref('Repository')), 'Update repositories in use; empty for none', {
    default: [],
  }),
  client_certificate_auth_enabled: readOnly(
    bool,
    'True if clients may log in with a TLS client certificate',
    { default: false },
  ),
  client_certificate_auth_name: readOnly(
    string,
    'Host name a client certificate has to carry to be accepted',
    { default: '' },
  ),
  repository_proxy_url: readOnly(string, 'HTTP proxy used when syncing repositories; empty for none', {
    default: '',
  }),
  repository_proxy_username: readOnly(
    string,
    'User name for the repository proxy; empty when it needs none',
    { default: '' },
  ),
  repository_proxy_password: readOnly(
    ref('secret'),
    "Secret with the repository proxy's password; NULL when it needs none",
    { default: nullRef() },
  ),
  migration_compression: readWrite(bool, 'Default for compressing memory traffic in VM migration', {
    default: false,
    state: 'prototyped',
  }),
  coordinator_bias: readWrite(
    bool,
    'If true, VM placement avoids the coordinator as long as other hosts fit',
    { default: true },
  ),
  local_auth_max_threads: atCreate(int, 'How many local (PAM) logins may be checked at once', {
    default: 8,
    state: 'prototyped',
  }),
  ext_auth_max_threads: atCreate(int, 'How many external (AD) logins may be checked at once', {
    default: 1,
    state: 'prototyped',
  }),
  ext_auth_cache_enabled: readOnly(bool, 'Whether outcomes of external logins are cached', {
    default: true,
    state: 'prototyped',
  }),
  ext_auth_cache_size: readOnly(int, 'Most entries the external login cache holds', {
    default: 50,
    state: 'prototyped',
  }),
  ext_auth_cache_expiry: readOnly(int, 'Seconds an external login cache entry stays valid', {
    default: 300,
    state: 'prototyped',
  }),
  telemetry_uuid: readOnly(
    ref('secret'),
    'Secret holding the identifier used in telemetry; NULL until one is made',
    { default: nullRef(), state: 'prototyped' },
  ),
  telemetry_frequency: readOnly(
    enums.telemetry_frequency,
    'How often telemetry is collected: daily, weekly or monthly',
    { default: 'weekly', state: 'prototyped' },
  ),
  telemetry_next_collection: readOnly(datetime, 'Earliest time of the next telemetry collection', {
    default: '19700101T00:00:00Z',
    state: 'prototyped',
  }),
  last_update_sync: readOnly(
    datetime,
    'When updates were last synced from the remote repository; the epoch if never',
    { default: '19700101T00:00:00Z', state: 'prototyped' },
  ),
  update_sync_frequency: readOnly(
    enums.update_sync_frequency,
    'How often automatic update sync runs: daily or weekly',
    { default: 'weekly', state: 'prototyped' },
  ),
  update_sync_day: readOnly(int, 'Weekday of weekly update sync, 0 = Sunday to 6 = Saturday; 0 when daily', {
    default: 0,
    state: 'prototyped',
  }),
  update_sync_enabled: readOnly(bool, 'True if updates are synced automatically on schedule', {
    default: false,
    state: 'prototyped',
  }),
  recommendations: readOnly(
    map(string, string),
    'Advised pool limits and settings, taken from files on the coordinator',
    { default: {}, state: 'prototyped' },
  ),
  license_server: readWrite(map(string, string), "Licence server's address and port for the whole pool", {
    default: {},
    state: 'prototyped',
  }),
  ha_reboot_vm_on_internal_shutdown: readWrite(
    bool,
    'If true, HA restarts a protected VM that was powered off from inside the guest',
    { default: true, state: 'prototyped' },
  ),
  limit_console_sessions: readWrite(
    bool,
    'If true, each VM or host console allows only one session at once',
    { default: false, state: 'prototyped' },
  ),
  vm_console_idle_timeout: readWrite(int, 'Idle seconds before a VM console session is closed; 0 for never', {
    default: 0,
    state: 'prototyped',
  }),
  auto_update_vm_secureboot_certificates: readWrite(
    bool,
    'If true, outdated Secure Boot certificates of VMs are renewed without being asked for',
    { default: false, state: 'prototyped' },
  ),
};
