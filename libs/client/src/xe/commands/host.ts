/** `host-*`: the hosts, their measurements, licences and settings. */
import { nullRefText } from '@xenplane/model';
import {
  assertForced,
  Ended,
  flagged,
  integer,
  Misuse,
  optional,
  required,
  type Arguments,
} from '../arguments';
import { given } from '../filters';
import { chosen } from '../generic';
import { withLicenceServer } from '../licence-server';
import { fileOf, pluginArguments } from '../loaded';
import { tableNamed, type Cell } from '../objects';
import { cellsOf } from '../printer';
import { agrees } from '../question';
import { hosts, oneHost, onEach, perform, row, saying, type Command } from '../row';
import { selectHosts } from '../select';
import type { Surroundings } from '../surroundings';
import { dataSources } from './measurements';

/** The host of the uuid, else the one that the session is with. */
async function hostOf(args: Arguments, { objects }: Surroundings, name = 'uuid'): Promise<string> {
  const uuid = optional(args, name);
  return uuid === undefined
    ? objects.api.call<string>('session.get_this_host', objects.api.session)
    : objects.byUuid('host', uuid);
}
/** The description of the processors, all of it or these facts. */
const processors =
  (facts?: readonly string[]): Command =>
  async (args, around) => {
    const host = await around.objects.one('host', await hostOf(args, around));
    const entries = Object.entries((host?.['cpu_info'] ?? {}) as Readonly<Record<string, string>>);
    around.printer.table([
      cellsOf(
        Object.fromEntries(
          facts ? facts.flatMap((fact) => entries.filter(([key]) => key === fact)) : entries,
        ),
      ),
    ]);
  };

/** Is gone from the pool with all that only it had; done only when the user says yes. */
const forgotten =
  (method: string, warnings: readonly string[]): Command =>
  async (args, around) => {
    const { objects, terminal } = around;
    const host = await objects.byUuid('host', required(args, 'uuid'));
    if (!flagged(args, 'force')) {
      for (const warning of warnings) terminal.print(`WARNING: ${warning}`);
      if (!(await agrees(terminal))) return;
    }
    await perform(around, method, host);
  };

/** Of one host only, whatever was asked for. */
const alone =
  (work: (host: string, args: Arguments, around: Surroundings) => Promise<unknown>): Command =>
  async (args, around) => {
    const [host = ''] = await selectHosts(args, around, [], true);
    await work(host, args, around);
  };
const oneSaying = (method: string): Command =>
  alone((host, args, around) => saying(method, { is: host })(args, around));
/** The maintenance mode of a client that works with windows ends with it. */
const enable: Command = async (args, around) =>
  onEach(around, 'host', await selectHosts(args, around, [], false), async (host) => {
    await around.objects.api.call('host.remove_from_other_config', host, 'MAINTENANCE_MODE');
    await perform(around, 'host.enable', host);
  });
/** The outcome for each VM that ran there. */
const failover: Command = alone(async (host, _args, around) => {
  const answers = await around.objects.api.call<Readonly<Record<string, string>>>('host.failover', host);
  const uuids = await Promise.all(
    Object.keys(answers).map((vm) => around.objects.api.call<string>('VM.get_uuid', vm)),
  );
  around.printer.table([
    cellsOf(Object.fromEntries(Object.values(answers).map((answer, i) => [uuids[i] ?? '', answer]))),
  ]);
});
const evacuate: Command = alone(async (host, args, around) => {
  const network = optional(args, 'network-uuid');
  const via = network === undefined ? nullRefText : await around.objects.byUuid('network', network);
  await perform(
    around,
    'host.evacuate',
    host,
    via,
    integer('batch-size', optional(args, 'batch-size') ?? '0'),
  );
});
const prevent: Command = async (args, around) => {
  const { objects, printer } = around;
  const found = await objects.api.call<Record<string, string[]>>(
    'host.get_vms_which_prevent_evacuation',
    await objects.byUuid('host', required(args, 'uuid')),
  );
  for (const [ref, why] of Object.entries(found)) {
    const vm = { ref, record: (await objects.one('VM', ref)) ?? {} };
    const wanted = optional(args, 'params');
    const cells = await chosen(around, tableNamed('vm'), vm, wanted, ['uuid', 'name-label']);
    const reason: Cell = { name: 'reason', access: 'RO', value: why.join(',') };
    const asked = wanted === undefined || wanted === 'all' || wanted.split(',').includes('reason');
    printer.table([asked ? [...cells, reason] : cells]);
  }
};
const powerOnMode: Command = hosts('host.set_power_on_mode', 'power-on-mode', 'power-on-config:');

const plugin: Command = async (args, around) => {
  const { objects, printer } = around;
  const host = await objects.byUuid('host', required(args, 'host-uuid'));
  const params = await pluginArguments(args, around);
  printer.list([
    await objects.api.call<string>(
      'host.call_plugin',
      host,
      required(args, 'plugin'),
      required(args, 'fn'),
      params,
    ),
  ]);
};

const licence: Command = async (args, around) => {
  const host = await around.objects.one('host', await hostOf(args, around, 'host-uuid'));
  const params = Object.entries((host?.['license_params'] ?? {}) as Readonly<Record<string, string>>).filter(
    ([key]) => key !== 'sku_type',
  );
  around.printer.table([cellsOf(Object.fromEntries(params))]);
};
const licenceAdd: Command = async (args, around) => {
  const host = await hostOf(args, around, 'host-uuid');
  const content = await fileOf(around, required(args, 'license-file'), 'Failed to read license file.');
  await perform(around, 'host.license_add', host, Buffer.from(content).toString('base64')).catch(() => {
    throw new Ended('Failed to apply license file.\n', 1);
  });
  around.terminal.print('License applied.');
};
const applyEdition: Command = async (args, around) => {
  const host = await hostOf(args, around, 'host-uuid');
  await withLicenceServer(args, around, [host], () =>
    perform(around, 'host.apply_edition', host, required(args, 'edition'), false),
  );
};
const allEditions: Command = async (_args, { objects, printer }) => {
  const host = await objects.one(
    'host',
    await objects.api.call<string>('session.get_this_host', objects.api.session),
  );
  printer.list((host?.['editions'] ?? []) as readonly string[]);
};
const certificateInstall: Command = async (args, around) => {
  const text = (name: string, what: string): Promise<string> =>
    fileOf(around, required(args, name), `Failed to read ${what}`);
  if (args.pairs.filter(([name]) => name === 'certificate-chain').length > 1)
    throw new Misuse('Parameter certificate-chain is defined multiple times, define it only once.');
  const certificate = await text('certificate', 'certificate'),
    key = await text('private-key', 'private key'),
    chain =
      optional(args, 'certificate-chain') === undefined
        ? ''
        : await text('certificate-chain', 'certificate chain');
  const [host = ''] = await selectHosts(args, around, [], true);
  await perform(around, 'host.install_server_certificate', host, certificate, key, chain);
};
const haDisable: Command = async (args, around) => {
  assertForced(args);
  await perform(around, 'host.emergency_ha_disable', flagged(args, 'soft'));
};
/** Programs that monitor the management agent read the exit code too. */
const healthcheck: Command = async (_args, { objects, terminal }) => {
  await objects.api.call('host.ha_xapi_healthcheck').catch((error: unknown) => {
    throw new Ended(
      `Host.ha_xapi_healthcheck threw exception: ${error instanceof Error ? error.message : String(error)}\n`,
      3,
    );
  });
  terminal.print('xapi is healthy.');
};
const capabilities: Command = async (args, around) => {
  const found: string[] = [];
  await onEach(around, 'host', await selectHosts(args, around, [], false), async (host) => {
    found.unshift(await around.objects.api.call<string>('host.get_system_status_capabilities', host));
  });
  around.printer.list(found);
};
/** All that is said beside these words goes along, such as `http_proxy=`. */
const optionsBeside = (args: Arguments, ...names: readonly string[]): Record<string, string> =>
  Object.fromEntries(given(args, names));
const crashdumpUpload: Command = async (args, around) => {
  const dump = await around.objects.byUuid('host_crashdump', required(args, 'uuid'));
  await perform(
    around,
    'host_crashdump.upload',
    dump,
    optional(args, 'url') ?? '',
    optionsBeside(args, 'uuid', 'url'),
  );
};
const bugreportUpload: Command = async (args, around) =>
  onEach(around, 'host', await selectHosts(args, around, [], false), async (host) => {
    await perform(
      around,
      'host.bugreport_upload',
      host,
      optional(args, 'url') ?? '',
      optionsBeside(args, 'host', 'url'),
    );
  });
/** One host's directory, to get it back when it cannot reach it any more. */
const recovering =
  (command: Command): Command =>
  (args, around) => {
    if (optional(args, 'force') === undefined)
      throw new Misuse(
        'This operation is provided only to recover individual hosts that are unable to access the external authentication service. This operation must be forced (use --force).',
      );
    return command(args, around);
  };

export const hostCommands: Readonly<Record<string, Command>> = {
  'host-is-in-emergency-mode': saying('host.is_in_emergency_mode'),
  'host-forget': forgotten('host.destroy', [
    'A host should only be forgotten if it is physically unrecoverable;',
    "if possible, Hosts should be 'ejected' from the Pool instead.",
    'Once a host has been forgotten it will have to be re-installed.',
    'This operation is irreversible.',
  ]),
  'host-declare-dead': forgotten('host.declare_dead', [
    'A host should only be declared dead if it is verified offline.',
    'Performing this operation if the host is still online and has any',
    'running VMs may lead to possible data loss and/or corruption.',
  ]),
  'host-disable': hosts('host.disable', 'auto-enable=true'),
  'host-sync-data': hosts('host.sync_data'),
  'host-enable': enable,
  'host-enable-local-storage-caching': hosts('host.enable_local_storage_caching', '@', 'sr-uuid'),
  'host-disable-local-storage-caching': hosts('host.disable_local_storage_caching'),
  'host-shutdown': hosts('host.shutdown'),
  'host-reboot': hosts('host.reboot'),
  'host-power-on': hosts('host.power_on'),
  'host-prepare-for-poweroff': row('host.prepare_for_poweroff', { of: 'uuid', cls: 'host' }),
  'host-dmesg': hosts('host.dmesg'),
  'host-crashdump-upload': crashdumpUpload,
  'host-crashdump-destroy': row('host_crashdump.destroy', 'uuid'),
  'host-bugreport-upload': bugreportUpload,
  'host-signal-networking-change': row('host.signal_networking_change'),
  'host-send-debug-keys': row('host.send_debug_keys', 'host-uuid', 'keys'),
  'host-notify': row('host.notify', 'type', 'params'),
  'host-syslog-reconfigure': row('host.syslog_reconfigure', 'host-uuid'),
  'host-emergency-management-reconfigure': row('host.local_management_reconfigure', 'interface'),
  'host-emergency-ha-disable': haDisable,
  'host-emergency-reset-server-certificate': row('host.emergency_reset_server_certificate'),
  'host-emergency-disable-tls-verification': row('host.emergency_disable_tls_verification'),
  'host-emergency-reenable-tls-verification': row('host.emergency_reenable_tls_verification'),
  'host-reset-server-certificate': oneHost('host.reset_server_certificate'),
  'host-management-reconfigure': row('host.management_reconfigure', 'pif-uuid'),
  'host-management-disable': row('host.management_disable'),
  'host-compute-free-memory': oneSaying('host.compute_free_memory'),
  'host-compute-memory-overhead': oneSaying('host.compute_memory_overhead'),
  'host-get-system-status-capabilities': capabilities,
  'host-set-hostname-live': row('host.set_hostname_live', 'host-uuid', 'host-name'),
  'host-set-power-on-mode': powerOnMode,
  'host-call-plugin': plugin,
  'host-retrieve-wlb-evacuate-recommendations': row('host.retrieve_wlb_evacuate_recommendations', 'uuid'),
  'host-enable-external-auth': recovering(
    row('host.enable_external_auth', 'host-uuid', 'config:', 'service-name', 'auth-type'),
  ),
  'host-disable-external-auth': recovering(
    row('host.disable_external_auth', 'host-uuid', 'config:', { is: true }),
  ),
  'host-external-auth-set-ldaps': row('host.external_auth_set_ldaps', 'host-uuid', 'ldaps', 'force'),
  'host-refresh-pack-info': row('host.refresh_pack_info', 'host-uuid'),
  'host-cpu-info': processors(),
  'host-get-cpu-features': processors([
    'features_pv',
    'features_hvm',
    'features_pv_host',
    'features_hvm_host',
  ]),
  'host-enable-display': saying('host.enable_display', 'uuid'),
  'host-disable-display': saying('host.disable_display', 'uuid'),
  'host-apply-updates': alone(async (host, args, around) => {
    for (const words of await around.objects.api.call<string[][]>(
      'host.apply_updates',
      host,
      required(args, 'hash'),
    ))
      around.printer.message(words.join('; '));
  }),
  'host-enable-ssh': hosts('host.enable_ssh'),
  'host-disable-ssh': hosts('host.disable_ssh'),
  'host-emergency-clear-mandatory-guidance': row('host.emergency_clear_mandatory_guidance'),
  'host-license-add': licenceAdd,
  'host-license-remove': async (args, around) =>
    void (await perform(around, 'host.license_remove', await hostOf(args, around, 'host-uuid'))),
  'host-license-view': licence,
  'host-apply-edition': applyEdition,
  'host-all-editions': allEditions,
  'host-evacuate': evacuate,
  'host-failover': failover,
  'host-get-vms-which-prevent-evacuation': prevent,
  'host-shutdown-agent': row('host.shutdown_agent'),
  'host-update-firewalld-service-status': row('host.update_firewalld_service_status'),
  'host-get-sm-diagnostics': oneSaying('host.get_sm_diagnostics'),
  'host-get-thread-diagnostics': oneSaying('host.get_thread_diagnostics'),
  'host-sm-dp-destroy': alone((host, args, around) =>
    perform(around, 'host.sm_dp_destroy', host, required(args, 'dp'), flagged(args, 'allow-leak')),
  ),
  'host-ha-xapi-healthcheck': healthcheck,
  'host-get-server-certificate': oneSaying('host.get_server_certificate'),
  'host-refresh-server-certificate': oneHost('host.refresh_server_certificate'),
  'host-server-certificate-install': certificateInstall,
  ...dataSources('host', 'host'),
};
