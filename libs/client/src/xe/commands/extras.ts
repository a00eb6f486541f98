/** Groups of VMs, schedules, updates, cards, clusters and the rest: nearly all one call each. */
import { flagged, keyed, Misuse, optional, required } from '../arguments';
import { hosts, make, perform, row, type Command } from '../row';
import { selectHosts } from '../select';
import { recovering } from './vm';

const vmssCreate = make('VMSS', {
  name_label: 'name-label',
  name_description: 'name-description',
  enabled: 'enabled=true',
  type: 'type',
  retained_snapshots: 'retained-snapshots=7',
  frequency: 'frequency',
  schedule: 'schedule:',
});
const applianceShutdown: Command = async (args, around) =>
  void (await perform(
    around,
    flagged(args, 'force') ? 'VM_appliance.hard_shutdown' : 'VM_appliance.clean_shutdown',
    await around.objects.byUuid('VM_appliance', required(args, 'uuid')),
  ));
const vtpmDestroy: Command = async (args, around) => {
  if (!flagged(args, 'force')) throw new Misuse('This operation is extremely dangerous and may cause data loss. This operation must be forced (use --force).');
  await perform(around, 'VTPM.destroy', await around.objects.byUuid('VTPM', required(args, 'uuid')));
};
const drTask: Command = async (args, around) => {
  const whitelist = optional(args, 'sr-whitelist')?.split(',').filter(Boolean) ?? [];
  const made = await perform(around, 'DR_task.create', required(args, 'type'), Object.fromEntries(keyed(args, 'device-config')), whitelist);
  around.terminal.print(await around.objects.uuidOf('DR_task', String(made)));
};
const driverSelect: Command = async (args, around) => {
  const { objects } = around;
  const driver = await objects.byUuid('Host_driver', required(args, 'uuid'));
  const variants = ((await objects.one('Host_driver', driver))?.['variants'] ?? []) as readonly string[];
  for (const variant of variants)
    if ((await objects.one('Driver_variant', variant))?.['name'] === required(args, 'variant-name'))
      return void (await perform(around, 'Host_driver.select', driver, variant));
  throw new Misuse(`${required(args, 'variant-name')} does not identify a variant of this driver`);
};
const driverDeselect: Command = async (args, around) => {
  if (!flagged(args, 'force')) throw new Misuse('This operation is extremely dangerous and may cause data loss. This operation must be forced (use --force).');
  await perform(around, 'Host_driver.deselect', await around.objects.byUuid('Host_driver', required(args, 'uuid')));
};
const rateLimit: Command = async (args, around) => {
  const { objects } = around;
  const made = String(
    await perform(around, 'Rate_limit.create', {
      name_label: optional(args, 'name-label') ?? '',
      name_description: optional(args, 'name-description') ?? '',
      burst_size: Number(required(args, 'burst-size')),
      fill_rate: Number(required(args, 'fill-rate')),
    }),
  );
  for (const uuid of optional(args, 'caller-uuids')?.split(',').filter(Boolean) ?? [])
    await objects.api.call('Rate_limit.add_caller', made, await objects.byUuid('Caller', uuid));
  around.terminal.print(await objects.uuidOf('Rate_limit', made));
};
const callerUsage: Command = async (args, around) => {
  const { api } = around.objects;
  const uuid = optional(args, 'uuid'),
    group = optional(args, 'group');
  if (uuid === undefined && group === undefined) throw new Misuse('Either uuid or group must be given');
  const of = uuid === undefined ? group : await around.objects.byUuid('Caller', uuid);
  const kind = uuid === undefined ? 'query_group' : 'query';
  around.terminal.print(`tokens: ${String(await api.call(`Caller.${kind}_token_usage`, of))}`);
  around.terminal.print(`calls: ${String(await api.call(`Caller.${kind}_call_count`, of))}`);
};
/** Everything that the hosts' licences say. */
const licences: Command = async (_args, { objects, terminal }) => {
  for (const host of Object.values(await objects.all('host'))) {
    const params = (host['license_params'] ?? {}) as Readonly<Record<string, string>>;
    terminal.print(`${String(host['uuid'])} ${String(host['hostname'])} ${String(host['edition'])} ${params['expiry'] ?? ''}`);
  }
};
const timing: Command = async (_args, { objects, terminal }) => {
  for (const [host, record] of Object.entries(await objects.all('host'))) {
    terminal.print(`${String(record['uuid'])} (${String(record['name_label'])})`);
    const stats = await objects.api.call<Record<string, string>>('host.get_diagnostic_timing_stats', host);
    for (const [name, value] of Object.entries(stats)) terminal.print(`  ${name} = ${value}`);
  }
};
const networkStats: Command = async (args, around) => {
  const params = Object.fromEntries(['uri', 'method', 'params'].flatMap((n) => (optional(args, n) === undefined ? [] : [[n, optional(args, n) ?? '']])));
  for (const host of await selectHosts(args, around, [], false))
    for (const line of await around.objects.api.call<string[][]>('Diagnostics.network_stats', host, params)) around.terminal.print(line.join(' '));
};

export const extraCommands: Readonly<Record<string, Command>> = {
  'patch-destroy': row('pool_patch.destroy', 'uuid'),
  'patch-precheck': row('pool_patch.precheck', 'uuid', 'host-uuid'),
  'patch-apply': row('pool_patch.apply', 'uuid', 'host-uuid'),
  'patch-pool-apply': row('pool_patch.pool_apply', 'uuid'),
  'patch-clean': row('pool_patch.clean', 'uuid'),
  'patch-pool-clean': row('pool_patch.pool_clean', 'uuid'),
  'update-introduce': row('pool_update.introduce', 'vdi-uuid'),
  'update-precheck': hosts('pool_update.precheck', 'uuid', '@'),
  'update-apply': hosts('pool_update.apply', 'uuid', '@'),
  'update-pool-apply': row('pool_update.pool_apply', 'uuid'),
  'update-pool-clean': row('pool_update.pool_clean', 'uuid'),
  'update-destroy': row('pool_update.destroy', 'uuid'),
  'update-resync-host': row('pool_update.resync_host', { of: 'host-uuid', cls: 'host' }),
  'repository-introduce': row('Repository.introduce', 'name-label', 'name-description', 'binary-url', 'source-url', 'update', 'gpgkey-path'),
  'repository-introduce-bundle': row('Repository.introduce_bundle', 'name-label', 'name-description'),
  'repository-forget': row('Repository.forget', 'uuid'),
  'repository-set-gpgkey-path': row('Repository.set_gpgkey_path', 'uuid', 'gpgkey-path'),
  'vmss-create': vmssCreate,
  'vmss-destroy': row('VMSS.destroy', 'uuid'),
  'vm-group-create': make('VM_group', { name_label: 'name-label', name_description: 'name-description', placement: 'placement' }),
  'vm-group-destroy': row('VM_group.destroy', 'uuid'),
  'appliance-create': make('VM_appliance', { name_label: 'name-label', name_description: 'name-description' }),
  'appliance-destroy': row('VM_appliance.destroy', 'uuid'),
  'appliance-start': row('VM_appliance.start', 'uuid', 'paused'),
  'appliance-shutdown': applianceShutdown,
  'appliance-recover': recovering('VM_appliance', 'VM_appliance.recover', true),
  'appliance-assert-can-be-recovered': recovering('VM_appliance', 'VM_appliance.assert_can_be_recovered', false),
  'gpu-group-create': row('GPU_group.create', 'name-label', 'name-description', { is: {} }),
  'gpu-group-destroy': row('GPU_group.destroy', 'uuid'),
  'gpu-group-get-remaining-capacity': row('GPU_group.get_remaining_capacity', 'uuid', 'vgpu-type-uuid'),
  'vgpu-create': row('VGPU.create', 'vm-uuid', 'gpu-group-uuid', 'device=0', { is: {} }, 'vgpu-type-uuid'),
  'vgpu-destroy': row('VGPU.destroy', 'uuid'),
  'pgpu-enable-dom0-access': row('PGPU.enable_dom0_access', 'uuid'),
  'pgpu-disable-dom0-access': row('PGPU.disable_dom0_access', 'uuid'),
  'pci-enable-dom0-access': row('PCI.enable_dom0_access', 'uuid'),
  'pci-disable-dom0-access': row('PCI.disable_dom0_access', 'uuid'),
  'pci-get-dom0-access-status': row('PCI.get_dom0_access_status', 'uuid'),
  'pusb-scan': row('PUSB.scan', 'host-uuid'),
  'vusb-create': row('VUSB.create', 'vm-uuid', 'usb-group-uuid', { is: {} }),
  'vusb-unplug': row('VUSB.unplug', 'uuid'),
  'vusb-destroy': row('VUSB.destroy', 'uuid'),
  'vtpm-create': row('VTPM.create', 'vm-uuid', 'is-unique'),
  'vtpm-destroy': vtpmDestroy,
  'drtask-create': drTask,
  'drtask-destroy': row('DR_task.destroy', 'uuid'),
  'pvs-site-introduce': row('PVS_site.introduce', 'name-label', 'name-description', 'pvs-uuid'),
  'pvs-site-forget': row('PVS_site.forget', 'uuid'),
  'pvs-server-introduce': row('PVS_server.introduce', 'addresses', 'first-port', 'last-port', 'pvs-site-uuid'),
  'pvs-server-forget': row('PVS_server.forget', 'uuid'),
  'pvs-proxy-create': row('PVS_proxy.create', 'pvs-site-uuid', 'vif-uuid'),
  'pvs-proxy-destroy': row('PVS_proxy.destroy', 'uuid'),
  'pvs-cache-storage-create': async (args, around) => {
    const [host = ''] = await selectHosts(args, around, [], true);
    await make('PVS_cache_storage', { host: { is: host }, SR: 'sr-uuid', site: 'pvs-site-uuid', size: 'size' })(args, around);
  },
  'pvs-cache-storage-destroy': row('PVS_cache_storage.destroy', 'uuid'),
  'sdn-controller-introduce': row('SDN_controller.introduce', 'protocol=ssl', 'address', 'tcp-port=0'),
  'sdn-controller-forget': row('SDN_controller.forget', 'uuid'),
  'cluster-pool-create': row('Cluster.pool_create', 'network-uuid', 'cluster-stack=corosync', 'token-timeout=20', 'token-timeout-coefficient=1'),
  'cluster-pool-force-destroy': row('Cluster.pool_force_destroy', 'cluster-uuid'),
  'cluster-pool-destroy': row('Cluster.pool_destroy', 'cluster-uuid'),
  'cluster-pool-resync': row('Cluster.pool_resync', 'cluster-uuid'),
  'cluster-create': row('Cluster.create', 'pif-uuid', 'cluster-stack=corosync', 'pool-auto-join=true', 'token-timeout=20', 'token-timeout-coefficient=1'),
  'cluster-destroy': row('Cluster.destroy', 'uuid'),
  'cluster-host-create': row('Cluster_host.create', 'cluster-uuid', 'host-uuid', 'pif-uuid'),
  'cluster-host-disable': row('Cluster_host.disable', 'uuid'),
  'cluster-host-enable': row('Cluster_host.enable', 'uuid'),
  'cluster-host-destroy': row('Cluster_host.destroy', 'uuid'),
  'cluster-host-force-destroy': row('Cluster_host.force_destroy', 'uuid'),
  'hostdriver-select': driverSelect,
  'hostdriver-deselect': driverDeselect,
  'hostdriver-variant-select': row('Driver_variant.select', 'uuid'),
  'hostdriver-rescan': hosts('Host_driver.rescan'),
  'observer-create': make('Observer', {
    name_label: 'name-label',
    name_description: 'name-description',
    hosts: 'host-uuids',
    enabled: 'enabled',
    attributes: 'attributes:',
    endpoints: 'endpoints',
    components: 'components',
  }),
  'observer-destroy': row('Observer.destroy', 'uuid'),
  'caller-create': make('Caller', { name_label: 'name-label', name_description: 'name-description', user_agent: 'user-agent', client_ip: 'client-ip' }),
  'caller-destroy': row('Caller.destroy', 'uuid'),
  'caller-query-usage': callerUsage,
  'caller-list-usage': row('Caller.query_all_usage'),
  'rate-limit-create': rateLimit,
  'rate-limit-destroy': row('Rate_limit.destroy', 'uuid'),
  'rate-limit-add-caller': row('Rate_limit.add_caller', 'uuid', 'caller-uuid'),
  'rate-limit-remove-caller': row('Rate_limit.remove_caller', 'uuid', 'caller-uuid'),
  'diagnostic-license-status': licences,
  'diagnostic-compact': hosts('Diagnostics.gc_compact'),
  'diagnostic-gc-stats': hosts('Diagnostics.gc_stats'),
  'diagnostic-timing-stats': timing,
  'diagnostic-db-stats': row('Diagnostics.db_stats'),
  'diagnostic-net-stats': networkStats,
};
