/** Groups of VMs, schedules, updates, cards, clusters and the rest: nearly all one call each. */
import { assertForced, flagged, keyed, listed, Misuse, optional, required } from '../arguments';
import { hosts, make, oneHost, onEach, perform, row, saying, type Command } from '../row';
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
/** Commands that may lose data are run only when forced. */
const forced =
  (command: Command): Command =>
  (args, around) => {
    assertForced(args);
    return command(args, around);
  };
const drTask: Command = async (args, around) => {
  const whitelist = listed(args, 'sr-whitelist');
  const made = await perform(
    around,
    'DR_task.create',
    required(args, 'type'),
    Object.fromEntries(keyed(args, 'device-config')),
    whitelist,
  );
  around.printer.list([await around.objects.uuidOf('DR_task', String(made))]);
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
  for (const uuid of listed(args, 'caller-uuids'))
    await objects.api.call('Rate_limit.add_caller', made, await objects.byUuid('Caller', uuid));
  around.printer.list([await objects.uuidOf('Rate_limit', made)]);
};
const livepatchWords: Readonly<Record<string, string>> = {
  ok: 'Ok.',
  ok_livepatch_complete: 'Ok: Patch can be applied without reboot.',
  ok_livepatch_incomplete: 'Ok: Patch can be applied, but a reboot will be required.',
};
const precheck: Command = async (args, around) => {
  const words: string[] = [];
  await onEach(around, 'host', await selectHosts(args, around, ['uuid'], false), async (host) => {
    const update = await around.objects.byUuid('pool_update', required(args, 'uuid'));
    const state = String(await perform(around, 'pool_update.precheck', update, host));
    words.unshift(livepatchWords[state] ?? state);
  });
  around.printer.list(words);
};
/** A port that is no number is refused before the protocol is looked at. */
const sdnController: Command = async (args, around) => {
  if (!/^\d+$/.test(optional(args, 'tcp-port') ?? '0')) throw new Misuse('port field should be an integer');
  await row('SDN_controller.introduce', 'protocol=ssl', 'address', 'tcp-port=0')(args, around);
};
/** Attributes are `key:value` behind one another here; what is none is left out. */
const observerCreate: Command = async (args, around) => {
  const attributes = listed(args, 'attributes').map((pair) => pair.split(':'));
  await make('Observer', {
    name_label: 'name-label',
    name_description: 'name-description',
    hosts: 'host-uuids',
    enabled: 'enabled',
    attributes: { is: Object.fromEntries(attributes.filter((pair) => pair.length === 2)) },
    endpoints: 'endpoints=bugtool',
    components: 'components',
  })(args, around);
};
const callerUsage: Command = async (args, around) => {
  const { api } = around.objects;
  const uuid = optional(args, 'uuid'),
    group = optional(args, 'group');
  if (uuid === undefined && group === undefined) throw new Misuse('Either uuid or group must be given');
  const of = uuid === undefined ? group : await around.objects.byUuid('Caller', uuid);
  const kind = uuid === undefined ? 'query_group' : 'query';
  around.printer.list([
    `tokens: ${String(await api.call(`Caller.${kind}_token_usage`, of))}`,
    `calls: ${String(await api.call(`Caller.${kind}_call_count`, of))}`,
  ]);
};
export const extraCommands: Readonly<Record<string, Command>> = {
  'patch-destroy': row('pool_patch.destroy', 'uuid'),
  'patch-precheck': row('pool_patch.precheck', 'uuid', 'host-uuid'),
  'patch-apply': row('pool_patch.apply', 'uuid', 'host-uuid'),
  'patch-pool-apply': row('pool_patch.pool_apply', 'uuid'),
  'patch-clean': row('pool_patch.clean', 'uuid'),
  'patch-pool-clean': row('pool_patch.pool_clean', 'uuid'),
  'update-introduce': row('pool_update.introduce', 'vdi-uuid'),
  'update-precheck': precheck,
  'update-apply': hosts('pool_update.apply', 'uuid', '@'),
  'update-pool-apply': row('pool_update.pool_apply', 'uuid'),
  'update-pool-clean': row('pool_update.pool_clean', 'uuid'),
  'update-destroy': row('pool_update.destroy', 'uuid'),
  'update-resync-host': row('pool_update.resync_host', { of: 'host-uuid', cls: 'host' }),
  'repository-introduce': row(
    'Repository.introduce',
    'name-label',
    'name-description',
    'binary-url',
    'source-url',
    'update',
    'gpgkey-path',
  ),
  'repository-introduce-bundle': row('Repository.introduce_bundle', 'name-label', 'name-description'),
  'repository-forget': row('Repository.forget', 'uuid'),
  'repository-set-gpgkey-path': row('Repository.set_gpgkey_path', 'uuid', 'gpgkey-path'),
  'vmss-create': vmssCreate,
  'vmss-destroy': row('VMSS.destroy', 'uuid'),
  'vm-group-create': make('VM_group', {
    name_label: 'name-label',
    name_description: 'name-description',
    placement: 'placement',
  }),
  'vm-group-destroy': row('VM_group.destroy', 'uuid'),
  'appliance-create': make('VM_appliance', {
    name_label: 'name-label',
    name_description: 'name-description',
  }),
  'appliance-destroy': row('VM_appliance.destroy', 'uuid'),
  'appliance-start': row('VM_appliance.start', 'uuid', 'paused'),
  'appliance-shutdown': applianceShutdown,
  'appliance-recover': recovering('VM_appliance', 'VM_appliance.recover', true),
  'appliance-assert-can-be-recovered': recovering(
    'VM_appliance',
    'VM_appliance.assert_can_be_recovered',
    false,
  ),
  'gpu-group-create': row('GPU_group.create', 'name-label', 'name-description', { is: {} }),
  'gpu-group-destroy': row('GPU_group.destroy', 'uuid'),
  'gpu-group-get-remaining-capacity': saying('GPU_group.get_remaining_capacity', 'uuid', 'vgpu-type-uuid'),
  'vgpu-create': row('VGPU.create', 'vm-uuid', 'gpu-group-uuid', 'device=0', { is: {} }, 'vgpu-type-uuid'),
  'vgpu-destroy': row('VGPU.destroy', 'uuid'),
  'pgpu-enable-dom0-access': saying('PGPU.enable_dom0_access', 'uuid'),
  'pgpu-disable-dom0-access': saying('PGPU.disable_dom0_access', 'uuid'),
  'pci-enable-dom0-access': saying('PCI.enable_dom0_access', 'uuid'),
  'pci-disable-dom0-access': saying('PCI.disable_dom0_access', 'uuid'),
  'pci-get-dom0-access-status': saying('PCI.get_dom0_access_status', 'uuid'),
  'pusb-scan': row('PUSB.scan', 'host-uuid'),
  'vusb-create': row('VUSB.create', 'vm-uuid', 'usb-group-uuid', { is: {} }),
  'vusb-unplug': row('VUSB.unplug', 'uuid'),
  'vusb-destroy': row('VUSB.destroy', 'uuid'),
  'vtpm-create': async (args, around) =>
    row('VTPM.create', 'vm-uuid', { is: flagged(args, 'is_unique') || flagged(args, 'is-unique') })(
      args,
      around,
    ),
  'vtpm-destroy': forced(row('VTPM.destroy', 'uuid')),
  'drtask-create': drTask,
  'drtask-destroy': row('DR_task.destroy', 'uuid'),
  'pvs-site-introduce': row('PVS_site.introduce', 'name-label', 'name-description', 'pvs-uuid'),
  'pvs-site-forget': row('PVS_site.forget', 'uuid'),
  'pvs-server-introduce': row(
    'PVS_server.introduce',
    'addresses',
    'first-port',
    'last-port',
    'pvs-site-uuid',
  ),
  'pvs-server-forget': row('PVS_server.forget', 'uuid'),
  'pvs-proxy-create': row('PVS_proxy.create', 'pvs-site-uuid', 'vif-uuid'),
  'pvs-proxy-destroy': row('PVS_proxy.destroy', 'uuid'),
  'pvs-cache-storage-create': async (args, around) => {
    const [host = ''] = await selectHosts(args, around, [], true);
    await make('PVS_cache_storage', {
      host: { is: host },
      SR: 'sr-uuid',
      site: 'pvs-site-uuid',
      size: 'size',
    })(args, around);
  },
  'pvs-cache-storage-destroy': row('PVS_cache_storage.destroy', 'uuid'),
  'sdn-controller-introduce': sdnController,
  'sdn-controller-forget': row('SDN_controller.forget', 'uuid'),
  'cluster-pool-create': row(
    'Cluster.pool_create',
    'network-uuid',
    'cluster-stack=corosync',
    'token-timeout=20',
    'token-timeout-coefficient=1',
  ),
  'cluster-pool-force-destroy': row('Cluster.pool_force_destroy', 'cluster-uuid'),
  'cluster-pool-destroy': row('Cluster.pool_destroy', 'cluster-uuid'),
  'cluster-pool-resync': row('Cluster.pool_resync', 'cluster-uuid'),
  'cluster-create': row(
    'Cluster.create',
    'pif-uuid',
    'cluster-stack=corosync',
    'pool-auto-join=true',
    'token-timeout=20',
    'token-timeout-coefficient=1',
  ),
  'cluster-destroy': row('Cluster.destroy', 'uuid'),
  'cluster-host-create': row('Cluster_host.create', 'cluster-uuid', 'host-uuid', 'pif-uuid'),
  'cluster-host-disable': row('Cluster_host.disable', 'uuid'),
  'cluster-host-enable': row('Cluster_host.enable', 'uuid'),
  'cluster-host-destroy': row('Cluster_host.destroy', 'uuid'),
  'cluster-host-force-destroy': row('Cluster_host.force_destroy', 'uuid'),
  'hostdriver-select': driverSelect,
  'hostdriver-deselect': forced(row('Host_driver.deselect', 'uuid')),
  'hostdriver-variant-select': row('Driver_variant.select', 'uuid'),
  'hostdriver-rescan': oneHost('Host_driver.rescan'),
  'observer-create': observerCreate,
  'observer-destroy': row('Observer.destroy', 'uuid'),
  'caller-create': make('Caller', {
    name_label: 'name-label',
    name_description: 'name-description',
    user_agent: 'user-agent',
    client_ip: 'client-ip',
  }),
  'caller-destroy': row('Caller.destroy', 'uuid'),
  'caller-query-usage': callerUsage,
  'caller-list-usage': row('Caller.query_all_usage'),
  'rate-limit-create': rateLimit,
  'rate-limit-destroy': row('Rate_limit.destroy', 'uuid'),
  'rate-limit-add-caller': row('Rate_limit.add_caller', 'uuid', 'caller-uuid'),
  'rate-limit-remove-caller': row('Rate_limit.remove_caller', 'uuid', 'caller-uuid'),
};
