/** Everything that is answered about hosts; what needs the host itself, or takes its time, is in operations. */
import { classes, messages, XenError, type CallsOf, type Ref } from '@xenplane/model';
import type { Context } from '../core/context';
import { assertLive } from './host-use';
import { callPlugin } from '../plugins';
import { capabilitiesXml } from './system-status';
import { hostAuth } from '../pool/pool-auth';
import { createNewBlob } from '../storage/blob';
import { dataSourceCalls } from '../metrics/data-sources';
import { hostDiagnostics } from '../api/diagnostics';
import { licenceCalls } from '../pool/updates/host-licence';
import { lifeCalls } from './host-lifecycle';
import { networkCalls } from '../network/management-interface';
import { securityCalls } from './host-security';
import { settingCalls } from './host-settings';
import { timeCalls } from './host-time';
import { freeMemoryOf } from '../tables/runs/host-runs';

async function freeMemory({ tx }: Context, host: Ref<'host'>): Promise<number> {
  await tx.get('host', host);
  return freeMemoryOf(tx, host);
}

/** Clients that have logged in and said who they are, by name; the version behind a slash. */
async function userAgents({ tx }: Context, host: Ref<'host'>): Promise<Record<string, string>> {
  await tx.get('host', host);
  const rows = await tx.query<{ originator: string }>(
    "SELECT DISTINCT originator FROM session WHERE originator <> '' ORDER BY originator LIMIT 128",
  );
  return Object.fromEntries(
    rows.map(({ originator }) => [originator.split('/')[0] ?? '', originator.split('/')[1] ?? '']),
  );
}

/** Work that the control plane does at once, so that nothing is left to do when the host answers. */
const onLiveHost = async ({ tx }: Context, { host }: { host: Ref<'host'> }): Promise<void> =>
  assertLive(tx, host);
const notBuilt =
  (call: string) =>
  async ({ tx }: Context, { host }: { host: Ref<'host'> }): Promise<never> => {
    await tx.get('host', host);
    throw new XenError('NOT_IMPLEMENTED', call);
  };

export const hostCalls: Omit<CallsOf<typeof classes.host, Context>, 'enable_external_auth'> = {
  ...dataSourceCalls('host', 'host'),
  ...lifeCalls,
  ...settingCalls,
  ...networkCalls,
  ...securityCalls,
  ...timeCalls,
  ...licenceCalls,
  list_methods: async () => [...messages.values()].filter((m) => !m.hidden).map((m) => m.name),
  compute_free_memory: (context, { host }) => freeMemory(context, host),
  compute_memory_overhead: async ({ tx }, { host }) => (await tx.get('host', host)).memory_overhead,
  call_plugin: (context, { host, plugin, fn, args }) => callPlugin(context, host, plugin, fn, args),
  has_extension: async ({ tx }, { host }) => {
    await tx.get('host', host);
    return false;
  },
  call_extension: async (_context, { call }) => {
    throw new XenError('MESSAGE_METHOD_UNKNOWN', call);
  },
  ...hostAuth,
  create_new_blob: createNewBlob('host', 'host'),
  get_system_status_capabilities: async ({ tx }, { host }) => {
    await assertLive(tx, host);
    return capabilitiesXml();
  },
  get_tracked_user_agents: (context, { self }) => userAgents(context, self),
  syslog_reconfigure: onLiveHost,
  sync_data: onLiveHost,
  backup_rrds: onLiveHost,
  refresh_pack_info: onLiveHost,
  rescan_drivers: async ({ tx }, { self }) => assertLive(tx, self),
  ...hostDiagnostics,
  prepare_for_poweroff: onLiveHost,
  /** The control plane itself has no coordinator to lose, and notices by itself what its hosts would report. */
  is_in_emergency_mode: async () => false,
  ha_xapi_healthcheck: async () => true,
  notify: async () => undefined,
  signal_networking_change: async () => undefined,
  update_firewalld_service_status: async () => undefined,
  dmesg_clear: notBuilt('dmesg_clear'),
  get_log: notBuilt('get_log'),
};
