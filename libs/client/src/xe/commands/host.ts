/** `host-*`: the hosts, their measurements, licences and settings. */
import { flagged, Misuse, optional, required, type Arguments } from '../arguments';
import { hosts, onEach, perform, report, row, type Command } from '../row';
import { selectHosts } from '../select';
import type { Surroundings } from '../terminal';
import { dataSources } from './measurements';

/** The host of the uuid, or the only one that is meant. */
async function hostOf(args: Arguments, { objects }: Surroundings, name = 'uuid'): Promise<string> {
  const uuid = optional(args, name);
  if (uuid !== undefined) return objects.byUuid('host', uuid);
  const [pool] = Object.values(await objects.all('pool'));
  return String(pool?.['master'] ?? '');
}
const field =
  (of: string, key?: string): Command =>
  async (args, around) => {
    const host = await around.objects.one('host', await hostOf(args, around));
    const value = host?.[of];
    if (key !== undefined) return around.terminal.print((value as Readonly<Record<string, string>> | undefined)?.[key] ?? '');
    const entries = Object.entries((value ?? {}) as Readonly<Record<string, string>>);
    const width = Math.max(0, ...entries.map(([k]) => k.length));
    for (const [k, v] of entries) around.terminal.print(`${k.padStart(width)}: ${v}`);
  };

/** Is gone from the pool with all that only it had; done only when the user says yes. */
const forgotten =
  (method: string, warning: string): Command =>
  async (args, around) => {
    const { objects, terminal } = around;
    const host = await objects.byUuid('host', required(args, 'uuid'));
    if (!flagged(args, 'force')) {
      terminal.print(warning);
      terminal.print("Type 'yes' to continue");
      const answer = await terminal.prompt();
      if (answer.trim().toLowerCase() !== 'yes') return terminal.print(`Aborted (you typed: '${answer}')`);
    }
    await perform(around, method, host);
  };

const disable: Command = hosts('host.disable', 'auto-enable=true');
const evacuate: Command = async (args, around) => {
  const network = optional(args, 'network-uuid');
  const via = network === undefined ? 'OpaqueRef:NULL' : await around.objects.byUuid('network', network);
  await onEach(around, 'host', await selectHosts(args, around, [], false), async (host) => {
    await perform(around, 'host.evacuate', host, via, Number(optional(args, 'batch-size') ?? 0));
  });
};
const prevent: Command = async (args, around) => {
  const { objects, terminal } = around;
  const found = await objects.api.call<Record<string, string[]>>('host.get_vms_which_prevent_evacuation', await hostOf(args, around));
  for (const [vm, why] of Object.entries(found)) terminal.print(`${await objects.uuidOf('VM', vm)}: [ ${why.join('; ')} ]`);
};
const powerOnMode: Command = hosts('host.set_power_on_mode', 'power-on-mode', 'power-on-config:');

const plugin: Command = async (args, around) => {
  const { objects, terminal } = around;
  const given = args.pairs.filter(([n]) => n.startsWith('args:')).map(([n, v]): [string, string] => [n.slice('args:'.length), v]);
  const params: [string, string][] = [];
  // A value that names a file of the user, `key:file=name`, is the file's content.
  for (const [key, value] of given)
    if (key.endsWith(':file')) params.push([key.slice(0, -':file'.length), Buffer.from(await terminal.readFile(value)).toString('utf8')]);
    else params.push([key, value]);
  const host = await objects.byUuid('host', required(args, 'host-uuid'));
  terminal.print(await objects.api.call<string>('host.call_plugin', host, required(args, 'plugin'), required(args, 'fn'), Object.fromEntries(params)));
};

const licence: Command = async (args, around) => {
  const host = await around.objects.one('host', await hostOf(args, around, 'host-uuid'));
  for (const [key, value] of Object.entries((host?.['license_params'] ?? {}) as Readonly<Record<string, string>>)) around.terminal.print(`${key}: ${value}`);
};
const licenceAdd: Command = async (args, around) => {
  const content = Buffer.from(await around.terminal.readFile(required(args, 'license-file'))).toString('base64');
  await perform(around, 'host.license_add', await hostOf(args, around, 'host-uuid'), content);
};
const applyEdition: Command = async (args, around) => {
  const host = await hostOf(args, around, 'host-uuid');
  for (const [name, key] of [
    ['license-server-address', 'address'],
    ['license-server-port', 'port'],
  ] as const) {
    const value = optional(args, name);
    if (value === undefined) continue;
    await around.objects.api.call('host.remove_from_license_server', host, key);
    await around.objects.api.call('host.add_to_license_server', host, key, value);
  }
  await perform(around, 'host.apply_edition', host, required(args, 'edition'), flagged(args, 'force'));
};
const allEditions: Command = async (_args, around) => {
  const [host] = Object.values(await around.objects.all('host'));
  const editions = (host?.['editions'] ?? []) as readonly string[];
  around.terminal.print(editions.join(around.minimal ? ',' : ', '));
};
const certificateInstall: Command = async (args, around) => {
  const { terminal } = around;
  const text = async (name: string): Promise<string> => {
    const file = optional(args, name);
    return file === undefined ? '' : Buffer.from(await terminal.readFile(file)).toString('utf8');
  };
  const [certificate, key, chain] = [await text('certificate'), await text('private-key'), await text('certificate-chain')];
  const [host = ''] = await selectHosts(args, around, [], true);
  await perform(around, 'host.install_server_certificate', host, certificate, key, chain);
};
const emergencyMode: Command = async (_args, { objects, terminal }) => terminal.print(String(await objects.api.call('host.is_in_emergency_mode')));
const haDisable: Command = async (args, around) => {
  if (!flagged(args, 'force')) throw new Misuse('This operation is extremely dangerous and may cause data loss. This operation must be forced (use --force).');
  await perform(around, 'host.emergency_ha_disable', flagged(args, 'soft'));
};
const capabilities: Command = async (args, around) => {
  const [host = ''] = await selectHosts(args, around, [], true);
  await report(around, 'host.get_system_status_capabilities', await around.objects.api.call('host.get_system_status_capabilities', host));
};

export const hostCommands: Readonly<Record<string, Command>> = {
  'host-is-in-emergency-mode': emergencyMode,
  'host-forget': forgotten(
    'host.destroy',
    "WARNING: A host should only be forgotten if it is physically unrecoverable;\nWARNING: if possible, Hosts should be 'ejected' from the Pool instead.\nWARNING: Once a host has been forgotten it will have to be re-installed.\nWARNING: This operation is irreversible.",
  ),
  'host-declare-dead': forgotten(
    'host.declare_dead',
    'WARNING: A host should only be declared dead if it is verified offline.\nWARNING: Performing this operation if the host is still online and has any\nWARNING: running VMs may lead to possible data loss and/or corruption.',
  ),
  'host-disable': disable,
  'host-sync-data': hosts('host.sync_data'),
  'host-enable': hosts('host.enable'),
  'host-enable-local-storage-caching': hosts('host.enable_local_storage_caching', '@', 'sr-uuid'),
  'host-disable-local-storage-caching': hosts('host.disable_local_storage_caching'),
  'host-shutdown': hosts('host.shutdown'),
  'host-reboot': hosts('host.reboot'),
  'host-power-on': hosts('host.power_on'),
  'host-prepare-for-poweroff': async (args, around) => void (await perform(around, 'host.prepare_for_poweroff', await hostOf(args, around))),
  'host-dmesg': hosts('host.dmesg'),
  'host-crashdump-upload': row('host_crashdump.upload', 'uuid', 'url', 'options:'),
  'host-crashdump-destroy': row('host_crashdump.destroy', 'uuid'),
  'host-bugreport-upload': hosts('host.bugreport_upload', '@', 'url', 'options:'),
  'host-signal-networking-change': row('host.signal_networking_change'),
  'host-send-debug-keys': row('host.send_debug_keys', 'host-uuid', 'keys'),
  'host-notify': row('host.notify', 'type', 'params'),
  'host-syslog-reconfigure': row('host.syslog_reconfigure', 'host-uuid'),
  'host-emergency-management-reconfigure': row('host.local_management_reconfigure', 'interface'),
  'host-emergency-ha-disable': haDisable,
  'host-emergency-reset-server-certificate': row('host.emergency_reset_server_certificate'),
  'host-emergency-disable-tls-verification': row('host.emergency_disable_tls_verification'),
  'host-emergency-reenable-tls-verification': row('host.emergency_reenable_tls_verification'),
  'host-reset-server-certificate': hosts('host.reset_server_certificate'),
  'host-management-reconfigure': row('host.management_reconfigure', 'pif-uuid'),
  'host-management-disable': row('host.management_disable'),
  'host-compute-free-memory': hosts('host.compute_free_memory'),
  'host-compute-memory-overhead': hosts('host.compute_memory_overhead'),
  'host-get-system-status-capabilities': capabilities,
  'host-set-hostname-live': row('host.set_hostname_live', 'host-uuid', 'host-name'),
  'host-set-power-on-mode': powerOnMode,
  'host-call-plugin': plugin,
  'host-retrieve-wlb-evacuate-recommendations': row('host.retrieve_wlb_evacuate_recommendations', 'uuid'),
  'host-enable-external-auth': row('host.enable_external_auth', 'host-uuid', 'config:', 'service-name', 'auth-type'),
  'host-disable-external-auth': row('host.disable_external_auth', 'host-uuid', 'config:', { is: false }),
  'host-external-auth-set-ldaps': row('host.external_auth_set_ldaps', 'host-uuid', 'ldaps', 'force'),
  'host-refresh-pack-info': row('host.refresh_pack_info', 'host-uuid'),
  'host-cpu-info': field('cpu_info'),
  'host-get-cpu-features': field('cpu_info', 'features'),
  'host-enable-display': row('host.enable_display', 'uuid'),
  'host-disable-display': row('host.disable_display', 'uuid'),
  'host-apply-updates': hosts('host.apply_updates', '@', 'hash'),
  'host-enable-ssh': hosts('host.enable_ssh'),
  'host-disable-ssh': hosts('host.disable_ssh'),
  'host-emergency-clear-mandatory-guidance': row('host.emergency_clear_mandatory_guidance'),
  'host-license-add': licenceAdd,
  'host-license-remove': async (args, around) => void (await perform(around, 'host.license_remove', await hostOf(args, around, 'host-uuid'))),
  'host-license-view': licence,
  'host-apply-edition': applyEdition,
  'host-all-editions': allEditions,
  'host-evacuate': evacuate,
  'host-get-vms-which-prevent-evacuation': prevent,
  'host-shutdown-agent': row('host.shutdown_agent'),
  'host-update-firewalld-service-status': row('host.update_firewalld_service_status'),
  'host-get-sm-diagnostics': row('host.get_sm_diagnostics', { of: 'uuid', cls: 'host' }),
  'host-get-thread-diagnostics': row('host.get_thread_diagnostics', { of: 'uuid', cls: 'host' }),
  'host-sm-dp-destroy': async (args, around) =>
    void (await perform(around, 'host.sm_dp_destroy', await hostOf(args, around), required(args, 'dp'), flagged(args, 'allow-leak'))),
  'host-ha-xapi-healthcheck': row('host.ha_xapi_healthcheck'),
  'host-get-server-certificate': hosts('host.get_server_certificate'),
  'host-refresh-server-certificate': hosts('host.refresh_server_certificate'),
  'host-server-certificate-install': certificateInstall,
  ...dataSources('host', 'host'),
};
