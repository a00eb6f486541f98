/** `pool-*`: the pool as a whole. */
import { XenError } from '@xenplane/model';
import { flagged, integer, keyed, listed, Misuse, optional, required, type Arguments } from '../arguments';
import { named } from '../failure';
import { withLicenceServer } from '../licence-server';
import { typeOf } from '../objects';
import { cellsOf } from '../printer';
import { agrees } from '../question';
import { perform, report, row, saying, type Command } from '../row';
import type { Surroundings } from '../surroundings';
import { asValue } from '../values';

const poolOf = (args: Arguments, { objects }: Surroundings): Promise<string> =>
  objects.pool(optional(args, 'uuid'));
const fuse = '10.000';
const join: Command = async (args, around) => {
  const method = flagged(args, 'force') ? 'pool.join_force' : 'pool.join';
  try {
    await perform(
      around,
      method,
      required(args, 'master-address'),
      required(args, 'master-username'),
      required(args, 'master-password'),
    );
    around.printer.list([`Host agent will restart and attempt to join pool in ${fuse} seconds...`]);
  } catch (error) {
    if (!(error instanceof XenError) || error.code !== 'JOINING_HOST_CONNECTION_FAILED') throw error;
    around.printer.list([
      'Host cannot contact destination host: connection refused.',
      'Check destination host has services running and accessible from this host.',
    ]);
  }
};

/** The disks that nobody else can reach. */
async function disksOnlyOf(host: string, { objects }: Surroundings): Promise<string[]> {
  const pbds = Object.values(await objects.all('PBD'));
  const local = pbds.filter(
    (pbd) =>
      pbd['host'] === host && pbds.every((other) => other['SR'] !== pbd['SR'] || other['host'] === host),
  );
  const storages = local.map((pbd) => pbd['SR']);
  const disks = Object.values(await objects.all('VDI')).filter((vdi) => storages.includes(vdi['SR']));
  return disks.map((vdi) => `VDI: ${String(vdi['uuid'])} (${String(vdi['name_label'])})`);
}
/** Objects that would be gone for good are listed, and destroyed only when the user says yes. */
const eject: Command = async (args, around) => {
  const { objects, terminal, printer } = around;
  const host = await objects.byUuid('host', required(args, 'host-uuid'));
  if (!flagged(args, 'force')) {
    const disks = await disksOnlyOf(host, around);
    terminal.print("WARNING: Ejecting a host from the pool will reinitialise that host's local SRs.");
    terminal.print('WARNING: Any data contained with the local SRs will be lost.');
    if (disks.length > 0) terminal.print('The following VDI objects will be destroyed:');
    for (const disk of disks) terminal.print(disk);
    if (!(await agrees(terminal))) return;
  }
  await perform(around, 'pool.eject', host);
  printer.list([`Specified host will attempt to restart as a master of a new pool in ${fuse} seconds...`]);
};
/** A host that is the coordinator already stays it, unless forced. */
const becomeMaster: Command = async (args, around) => {
  const { api } = around.objects;
  if (!flagged(args, 'force'))
    return around.printer.list([
      "Host agent is already master. Use '--force' to execute the operation anyway.",
    ]);
  await api.call('pool.emergency_transition_to_master');
  around.printer.list([`Host agent will restart and transition to master in ${fuse} seconds...`]);
};
const resetMaster: Command = async (args, around) => {
  const address = required(args, 'master-address');
  await perform(around, 'pool.emergency_reset_master', address);
  around.printer.list([`Host agent will restart and become slave of ${address} in ${fuse} seconds...`]);
};

const enableHa: Command = async (args, around) => {
  const storages = await Promise.all(
    listed(args, 'heartbeat-sr-uuids').map((uuid) => around.objects.byUuid('SR', uuid)),
  );
  await perform(around, 'pool.enable_ha', storages, Object.fromEntries(keyed(args, 'ha-config')));
};

const hypothetical: Command = async (args, around) => {
  const uuids = args.pairs.filter(([n]) => n === 'vm-uuid').map(([, v]) => v);
  const priorities = args.pairs.filter(([n]) => n === 'restart-priority').map(([, v]) => v);
  if (uuids.length !== priorities.length)
    throw new Misuse('Call requires an equal number of vm-uuid and restart-priority arguments');
  const vms = await Promise.all(uuids.map((uuid) => around.objects.byUuid('VM', uuid)));
  const method = 'pool.ha_compute_hypothetical_max_host_failures_to_tolerate';
  await report(
    around,
    method,
    await perform(around, method, Object.fromEntries(vms.map((vm, i) => [vm, priorities[i]]))),
  );
};

const failover: Command = async (args, around) => {
  const { objects, printer } = around;
  const hosts = await Promise.all(listed(args, 'host-uuids').map((uuid) => objects.byUuid('host', uuid)));
  const running = Object.entries(await objects.all('VM')).filter(
    ([, vm]) => hosts.includes(String(vm['resident_on'])) && vm['is_control_domain'] !== true,
  );
  const plan = await objects.api.call<Record<string, Record<string, string>>>(
    'pool.ha_compute_vm_failover_plan',
    hosts,
    running.map(([ref]) => ref),
  );
  const lines = Object.entries(plan).map(async ([vm, { host, error_code: code }]) => ({
    name: await named(vm, objects),
    value: host === undefined ? (code ?? 'UNKNOWN') : await named(host, objects),
  }));
  printer.table([[{ name: 'VM', value: 'Destination Host or Error' }, ...(await Promise.all(lines))]]);
};

const applyEdition: Command = async (args, around) => {
  const pool = await poolOf(args, around),
    hosts = await around.objects.api.call<string[]>('host.get_all');
  await withLicenceServer(args, around, hosts, () =>
    perform(around, 'pool.apply_edition', pool, required(args, 'edition')),
  );
};

/** The CPU features that all hosts have. */
const cpuFeatures: Command = async (args, around) => {
  const info = (await around.objects.one('pool', await poolOf(args, around)))?.['cpu_info'] as
    Readonly<Record<string, string>> | undefined;
  const features = ['features_pv_host', 'features_hvm_host'].flatMap((name) =>
    info?.[name] === undefined ? [] : [[name, info[name]]],
  );
  around.printer.table([cellsOf(Object.fromEntries(features) as Record<string, string>)]);
};
/** A day belongs to a week only. */
const updateSync: Command = async (args, around) => {
  const name = 'update-sync-frequency';
  const frequency = await asValue(around.objects, typeOf('pool.update_sync_frequency'), [
    name,
    required(args, name),
  ]);
  const day = frequency === 'weekly' ? (optional(args, 'update-sync-day') ?? '') : '0';
  if (!/^[0-6]$/.test(day)) throw new Misuse('Invalid value for day picked, must be an integer from 0 to 6');
  await perform(around, 'pool.configure_update_sync', await poolOf(args, around), frequency, Number(day));
};
const vlanCreate: Command = (args, around) => {
  integer('vlan', required(args, 'vlan'));
  return row('pool.create_VLAN_from_PIF', 'pif-uuid', 'network-uuid', 'vlan')(args, around);
};
/** Of a server that balances the load, each object with what is advised for it. */
const advice: Command = async (_args, { objects, printer }) => {
  const all = await objects.api.call<Record<string, string[]>>('pool.retrieve_wlb_recommendations');
  const lines = Object.entries(all).map(async ([vm, words]) => ({
    name: await named(vm, objects),
    value: words.join(' '),
  }));
  printer.table([[{ name: 'VM', value: 'Host, OptID, RecID, Reason' }, ...(await Promise.all(lines))]]);
};

export const poolCommands: Readonly<Record<string, Command>> = {
  'pool-enable-binary-storage': row('pool.enable_binary_storage'),
  'pool-disable-binary-storage': row('pool.disable_binary_storage'),
  'pool-designate-new-master': row('pool.designate_new_master', 'host-uuid'),
  'pool-management-reconfigure': row('pool.management_reconfigure', 'network-uuid'),
  'pool-sync-database': row('pool.sync_database'),
  'pool-join': join,
  'pool-emergency-reset-master': resetMaster,
  'pool-emergency-transition-to-master': becomeMaster,
  'pool-recover-slaves': row('pool.recover_slaves'),
  'pool-eject': eject,
  'pool-enable-external-auth': row(
    'pool.enable_external_auth',
    '@pool',
    'config:',
    'service-name',
    'auth-type',
  ),
  'pool-disable-external-auth': row('pool.disable_external_auth', '@pool', 'config:'),
  'pool-external-auth-set-ldaps': row('pool.external_auth_set_ldaps', '@pool', 'ldaps', 'force'),
  'pool-initialize-wlb': row(
    'pool.initialize_wlb',
    'wlb_url',
    'wlb_username',
    'wlb_password',
    'xenserver_username',
    'xenserver_password',
  ),
  'pool-deconfigure-wlb': row('pool.deconfigure_wlb'),
  'pool-send-wlb-configuration': row('pool.send_wlb_configuration', 'config:'),
  'pool-retrieve-wlb-configuration': row('pool.retrieve_wlb_configuration'),
  'pool-retrieve-wlb-recommendations': advice,
  'pool-send-test-post': saying('pool.send_test_post', 'dest-host', 'dest-port', 'body'),
  'pool-certificate-uninstall': row('pool.uninstall_ca_certificate', 'name', 'force'),
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
  'pool-sync-updates': row(
    'pool.sync_updates',
    '@pool',
    'force',
    'token',
    'token-id',
    'username',
    'password',
  ),
  'pool-reset-telemetry-uuid': row('pool.reset_telemetry_uuid', '@pool'),
  'pool-get-guest-secureboot-readiness': saying('pool.get_guest_secureboot_readiness', '@pool'),
  'pool-get-cpu-features': cpuFeatures,
  'pool-enable-local-storage-caching': row('pool.enable_local_storage_caching', '@pool'),
  'pool-disable-local-storage-caching': row('pool.disable_local_storage_caching', '@pool'),
  'pool-apply-edition': applyEdition,
  'pool-configure-repository-proxy': row(
    'pool.configure_repository_proxy',
    '@pool',
    'proxy-url',
    'proxy-username',
    'proxy-password',
  ),
  'pool-disable-repository-proxy': row('pool.disable_repository_proxy', '@pool'),
  'pool-uninstall-trusted-certificate': row(
    'pool.uninstall_trusted_certificate',
    '@pool',
    'certificate-uuid',
  ),
  'pool-vlan-create': vlanCreate,
  'pool-ha-enable': enableHa,
  'pool-ha-disable': row('pool.disable_ha'),
  'pool-ha-prevent-restarts-for': row('pool.ha_prevent_restarts_for', 'seconds'),
  'pool-ha-compute-max-host-failures-to-tolerate': row('pool.ha_compute_max_host_failures_to_tolerate'),
  'pool-ha-compute-hypothetical-max-host-failures-to-tolerate': hypothetical,
  'pool-ha-compute-vm-failover-plan': failover,
  'pool-enable-redo-log': row('pool.enable_redo_log', 'sr-uuid'),
  'pool-disable-redo-log': row('pool.disable_redo_log'),
  'pool-configure-update-sync': updateSync,
  'pool-set-update-sync-enabled': row('pool.set_update_sync_enabled', '@pool', 'value'),
  'pool-enable-ssh': row('pool.enable_ssh', '@pool'),
  'pool-disable-ssh': row('pool.disable_ssh', '@pool'),
};
