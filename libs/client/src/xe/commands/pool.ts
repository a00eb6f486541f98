/** `pool-*`: the pool as a whole. */
import { flagged, keyed, Misuse, optional, required } from '../arguments';
import { perform, report, row, type Command } from '../row';

const poolOf = async (args: Parameters<Command>[0], { objects }: Parameters<Command>[1]): Promise<string> => {
  const uuid = optional(args, 'uuid');
  return uuid === undefined ? objects.pool() : objects.byUuid('pool', uuid);
};
/** About the pool of the uuid, or the only one there is. */
const ofPool =
  (method: string, ...params: readonly ((args: Parameters<Command>[0]) => unknown)[]): Command =>
  async (args, around) =>
    report(around, method, await perform(around, method, await poolOf(args, around), ...params.map((p) => p(args))));
const config = (args: Parameters<Command>[0]): unknown => Object.fromEntries(keyed(args, 'config'));
const word =
  (name: string) =>
  (args: Parameters<Command>[0]): string =>
    optional(args, name) ?? '';
const flag =
  (name: string) =>
  (args: Parameters<Command>[0]): boolean =>
    flagged(args, name);

const join: Command = async (args, around) => {
  const method = flagged(args, 'force') ? 'pool.join_force' : 'pool.join';
  await perform(around, method, required(args, 'master-address'), required(args, 'master-username'), required(args, 'master-password'));
  around.terminal.print('Host agent will restart and attempt to join pool in 10.000 seconds...');
};

/** What would be gone for good is named, and done only when the user says yes. */
const eject: Command = async (args, around) => {
  const { objects, terminal } = around;
  const host = await objects.byUuid('host', required(args, 'host-uuid'));
  if (!flagged(args, 'force')) {
    terminal.print('WARNING: Ejecting a host from the pool will reinitialise it, its local SRs will be erased.');
    terminal.print("Type 'yes' to continue");
    const answer = await terminal.prompt();
    if (answer.trim().toLowerCase() !== 'yes') return terminal.print(`Aborted (you typed: '${answer}')`);
  }
  await perform(around, 'pool.eject', host);
  terminal.print('Specified host will attempt to restart as a master of a new pool in 10.000 seconds...');
};

const enableHa: Command = async (args, around) => {
  const named = optional(args, 'heartbeat-sr-uuids')?.split(',').filter(Boolean) ?? [];
  const storages = await Promise.all(named.map((uuid) => around.objects.byUuid('SR', uuid)));
  await perform(around, 'pool.enable_ha', storages, Object.fromEntries(keyed(args, 'ha-config')));
};

const hypothetical: Command = async (args, around) => {
  const uuids = args.pairs.filter(([n]) => n === 'vm-uuid').map(([, v]) => v);
  const priorities = args.pairs.filter(([n]) => n === 'restart-priority').map(([, v]) => v);
  if (uuids.length !== priorities.length) throw new Misuse('Call requires an equal number of vm-uuid and restart-priority arguments');
  const vms = await Promise.all(uuids.map((uuid) => around.objects.byUuid('VM', uuid)));
  const method = 'pool.ha_compute_hypothetical_max_host_failures_to_tolerate';
  await report(around, method, await perform(around, method, Object.fromEntries(vms.map((vm, i) => [vm, priorities[i]]))));
};

const failover: Command = async (args, around) => {
  const { objects, terminal } = around;
  const hosts = await Promise.all(
    required(args, 'host-uuids')
      .split(',')
      .map((uuid) => objects.byUuid('host', uuid)),
  );
  const running = Object.entries(await objects.all('VM')).filter(([, vm]) => hosts.includes(String(vm['resident_on'])) && vm['is_control_domain'] !== true);
  const plan = await objects.api.call<Record<string, Record<string, string>>>(
    'pool.ha_compute_vm_failover_plan',
    hosts,
    running.map(([ref]) => ref),
  );
  for (const [vm, does] of Object.entries(plan))
    terminal.print(
      `${await objects.uuidOf('VM', vm)}: ${Object.entries(does)
        .map(([k, v]) => `${k}: ${v}`)
        .join('; ')}`,
    );
};

const applyEdition: Command = async (args, around) => {
  const pool = await poolOf(args, around);
  for (const [name, key] of [
    ['license-server-address', 'address'],
    ['license-server-port', 'port'],
  ] as const) {
    const value = optional(args, name);
    if (value === undefined) continue;
    for (const host of await around.objects.api.call<string[]>('host.get_all')) {
      await around.objects.api.call('host.remove_from_license_server', host, key);
      await around.objects.api.call('host.add_to_license_server', host, key, value);
    }
  }
  await perform(around, 'pool.apply_edition', pool, required(args, 'edition'));
};

/** A field of the pool's processors. */
const cpuFeatures: Command = async (_args, around) => {
  const pool = await around.objects.one('pool', await around.objects.pool());
  around.terminal.print((pool?.['cpu_info'] as Readonly<Record<string, string>> | undefined)?.['features_hvm'] ?? '');
};

export const poolCommands: Readonly<Record<string, Command>> = {
  'pool-enable-binary-storage': row('pool.enable_binary_storage'),
  'pool-disable-binary-storage': row('pool.disable_binary_storage'),
  'pool-designate-new-master': row('pool.designate_new_master', 'host-uuid'),
  'pool-management-reconfigure': row('pool.management_reconfigure', 'network-uuid'),
  'pool-sync-database': row('pool.sync_database'),
  'pool-join': join,
  'pool-emergency-reset-master': row('pool.emergency_reset_master', 'master-address'),
  'pool-emergency-transition-to-master': row('pool.emergency_transition_to_master'),
  'pool-recover-slaves': row('pool.recover_slaves'),
  'pool-eject': eject,
  'pool-enable-external-auth': ofPool('pool.enable_external_auth', config, word('service-name'), word('auth-type')),
  'pool-disable-external-auth': ofPool('pool.disable_external_auth', config),
  'pool-external-auth-set-ldaps': ofPool('pool.external_auth_set_ldaps', flag('ldaps'), flag('force')),
  'pool-initialize-wlb': row('pool.initialize_wlb', 'wlb_url', 'wlb_username', 'wlb_password', 'xenserver_username', 'xenserver_password'),
  'pool-deconfigure-wlb': row('pool.deconfigure_wlb'),
  'pool-send-wlb-configuration': row('pool.send_wlb_configuration', 'config:'),
  'pool-retrieve-wlb-configuration': row('pool.retrieve_wlb_configuration'),
  'pool-retrieve-wlb-recommendations': row('pool.retrieve_wlb_recommendations'),
  'pool-send-test-post': row('pool.send_test_post', 'dest-host', 'dest-port', 'body'),
  'pool-certificate-uninstall': row('pool.uninstall_ca_certificate', 'name', { is: false }),
  'pool-uninstall-ca-certificate': row('pool.uninstall_ca_certificate', 'name', 'force'),
  'pool-certificate-list': row('pool.certificate_list'),
  'pool-crl-uninstall': row('pool.crl_uninstall', 'name'),
  'pool-crl-list': row('pool.crl_list'),
  'pool-certificate-sync': row('pool.certificate_sync'),
  'pool-enable-tls-verification': row('pool.enable_tls_verification'),
  'pool-enable-client-certificate-auth': row('pool.enable_client_certificate_auth', '@pool', 'name'),
  'pool-disable-client-certificate-auth': row('pool.disable_client_certificate_auth', '@pool'),
  'pool-set-vswitch-controller': row('pool.set_vswitch_controller', 'address'),
  // Old encryption is long gone: there is nothing left to switch off.
  'pool-disable-ssl-legacy': async () => undefined,
  'pool-secret-rotate': row('pool.rotate_secret'),
  'pool-sync-updates': row('pool.sync_updates', '@pool', 'force', 'token', 'token-id', 'username', 'password'),
  'pool-reset-telemetry-uuid': row('pool.reset_telemetry_uuid', '@pool'),
  'pool-get-guest-secureboot-readiness': row('pool.get_guest_secureboot_readiness', '@pool'),
  'pool-get-cpu-features': cpuFeatures,
  'pool-enable-local-storage-caching': row('pool.enable_local_storage_caching', 'uuid'),
  'pool-disable-local-storage-caching': row('pool.disable_local_storage_caching', 'uuid'),
  'pool-apply-edition': applyEdition,
  'pool-configure-repository-proxy': row('pool.configure_repository_proxy', '@pool', 'proxy-url', 'proxy-username', 'proxy-password'),
  'pool-disable-repository-proxy': row('pool.disable_repository_proxy', '@pool'),
  'pool-uninstall-trusted-certificate': row('pool.uninstall_trusted_certificate', '@pool', 'certificate-uuid'),
  'pool-vlan-create': row('pool.create_VLAN_from_PIF', 'pif-uuid', 'network-uuid', 'vlan'),
  'pool-ha-enable': enableHa,
  'pool-ha-disable': row('pool.disable_ha'),
  'pool-ha-prevent-restarts-for': row('pool.ha_prevent_restarts_for', 'seconds'),
  'pool-ha-compute-max-host-failures-to-tolerate': row('pool.ha_compute_max_host_failures_to_tolerate'),
  'pool-ha-compute-hypothetical-max-host-failures-to-tolerate': hypothetical,
  'pool-ha-compute-vm-failover-plan': failover,
  'pool-enable-redo-log': row('pool.enable_redo_log', 'sr-uuid'),
  'pool-disable-redo-log': row('pool.disable_redo_log'),
  'pool-configure-update-sync': row('pool.configure_update_sync', '@pool', 'update-sync-frequency', 'update-sync-day'),
  'pool-set-update-sync-enabled': row('pool.set_update_sync_enabled', '@pool', 'value'),
  'pool-enable-ssh': row('pool.enable_ssh', '@pool'),
  'pool-disable-ssh': row('pool.disable_ssh', '@pool'),
};
