/** High availability of the pool: whether it is on, where its heartbeat is kept, how many hosts may fail. */
import { ha, poolLifecycle, type PlacementSnapshot } from '@xenplane/domain';
import { asRef, isNullRef, XenError, type Ref } from '@xenplane/model';
import type { Context } from '../core/context';
import { showPlan } from '../placement/ha-plan';
import { freshReplica } from '../placement/possible-hosts';
import { haSnapshotFromReplica } from '../placement/snapshot-from-replica';
import { haSnapshotFromTx } from '../placement/snapshot-from-tx';
import { lockPool } from './pool-record';
import { assertHostsStatefile, redoLogBytes, statefileBytes } from '../storage/sr-roles';
import { createVdi, type NewVdi } from '../storage/vdi';
import { removeVdi } from '../storage/vdi-clone';
import { writeSetting } from '../tables/settings';
import { hostsAlive } from '../tables/runs/host-runs';

async function removeOwnDisk({ tx }: Context, ref: Ref<'VDI'>): Promise<void> {
  const [vdi] = isNullRef(ref) ? [] : await tx.getMany('VDI', [ref]);
  if (vdi) await removeVdi(tx, vdi);
}
/** Disks that the pool keeps for itself. */
const own = (SR: Ref<'SR'>): Pick<NewVdi, 'SR' | 'read_only' | 'other_config'> => ({
  SR,
  read_only: false,
  other_config: {},
});

/** The pool for a question, from the replica. */
const asked = async (context: Context, question?: ha.PlanQuestion): Promise<PlacementSnapshot> =>
  haSnapshotFromReplica(await freshReplica(context), question);

const priorities = ['', 'restart', 'best-effort'];
async function hypothetical(
  context: Context,
  configuration: Readonly<Record<string, string>>,
): Promise<number> {
  const wrong = Object.values(configuration).find((p) => !priorities.includes(p));
  if (wrong !== undefined) throw new XenError('INVALID_VALUE', 'ha_restart_priority', wrong);
  const restarted = Object.keys(configuration).filter((vm) => configuration[vm] === 'restart');
  return ha.mostFailures(await asked(context, { instead: restarted }));
}

async function failoverPlan(
  context: Context,
  failedHosts: readonly Ref<'host'>[],
  failedVms: readonly Ref<'VM'>[],
): Promise<Record<string, Record<string, string>>> {
  const snapshot = await asked(context, { besides: failedVms });
  const plan = ha.failoverPlan(snapshot, new Set(failedHosts), new Set(failedVms));
  const bindings = ha.bindings(snapshot);
  const why = (vm: string): Record<string, string> => ({
    error_code: bindings.get(vm)?.[0] ?? 'NO_HOSTS_AVAILABLE',
  });
  return Object.fromEntries(
    [...plan].map(([vm, host]): [string, Record<string, string>] => [
      vm,
      host === undefined ? why(vm) : { host },
    ]),
  );
}

async function setFailures(context: Context, self: Ref<'pool'>, value: number): Promise<void> {
  const { tx } = context;
  const pool = await tx.lock('pool', self);
  if (value < 0) throw new XenError('INVALID_VALUE', 'ha_host_failures_to_tolerate', String(value));
  const grows = value > pool.ha_host_failures_to_tolerate;
  if (pool.ha_enabled && grows && !ha.planExists(await haSnapshotFromTx(tx), value))
    throw new XenError('HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN');
  await tx.update('pool', self, { ha_host_failures_to_tolerate: value });
  await showPlan(context);
}

/** Hosts that are not up cannot be watched. */
async function assertAllLive({ tx }: Context): Promise<readonly { host: string; uuid: string }[]> {
  const hosts = await hostsAlive(tx);
  const dead = hosts.find((h) => !h.alive);
  if (dead) throw new XenError('HOST_OFFLINE', dead.host);
  return hosts;
}

/** Those that were given, or the first that can hold the state. */
async function heartbeatSrs(context: Context, given: readonly Ref<'SR'>[]): Promise<readonly Ref<'SR'>[]> {
  for (const sr of given) await assertHostsStatefile(context, sr);
  if (given.length > 0) return [...new Set(given)].sort();
  for (const { ref } of await context.tx.query<{ ref: Ref<'SR'> }>(
    'SELECT ref FROM sr ORDER BY shared DESC, ref',
  ))
    if (await canHost(context, ref)) return [ref];
  throw new XenError('CANNOT_CREATE_STATE_FILE');
}
async function canHost(context: Context, sr: Ref<'SR'>): Promise<boolean> {
  try {
    await assertHostsStatefile(context, sr);
    return true;
  } catch (error) {
    if (error instanceof XenError) return false;
    throw error;
  }
}

async function enable(
  context: Context,
  given: readonly Ref<'SR'>[],
  configuration: Record<string, string>,
): Promise<void> {
  const { tx } = context;
  const pool = await lockPool(context);
  const refused = poolLifecycle.refusal('ha_enable', { ref: pool.ref, pool, clusters: 0 });
  if (refused) throw refused;
  const timeout = configuration['timeout'];
  if (timeout !== undefined && !/^[1-9]\d{0,4}$/.test(timeout))
    throw new XenError('INVALID_VALUE', 'timeout', timeout);
  const hosts = await assertAllLive(context);
  const files: Ref<'VDI'>[] = [];
  for (const sr of await heartbeatSrs(context, given)) {
    files.push(
      await createVdi(context, {
        ...own(sr),
        name_label: 'Statefile for HA',
        name_description: 'Used for storage heartbeating',
        type: 'ha_statefile',
        sharable: true,
        virtual_size: statefileBytes,
      }),
    );
    await createVdi(context, {
      ...own(sr),
      name_label: 'Metadata for HA',
      name_description: 'Used for master failover',
      type: 'redo_log',
      sharable: false,
      virtual_size: redoLogBytes,
    });
  }
  await tx.update('pool', pool.ref, {
    ha_enabled: true,
    ha_configuration: configuration,
    ha_statefiles: files,
    ha_cluster_stack: 'xhad',
  });
  await tx.updateMany(
    'host',
    hosts.map((h) => ({
      ref: asRef<'host'>(h.host),
      ha_statefiles: files,
      ha_network_peers: hosts.map((p) => p.uuid),
    })),
  );
  await showPlan(context);
}

async function disable(context: Context): Promise<void> {
  const { tx } = context;
  const pool = await lockPool(context);
  const refused = poolLifecycle.refusal('ha_disable', { ref: pool.ref, pool, clusters: 0 });
  if (refused) throw refused;
  const metadata = await tx.query<{ ref: Ref<'VDI'> }>(
    "SELECT ref FROM vdi WHERE type = 'redo_log' AND name_label = 'Metadata for HA' ORDER BY ref",
    [],
  );
  for (const ref of [...pool.ha_statefiles.map((f) => asRef<'VDI'>(f)), ...metadata.map((m) => m.ref)])
    await removeOwnDisk(context, ref);
  const hosts = await tx.query<{ ref: Ref<'host'> }>('SELECT ref FROM host ORDER BY ref', []);
  await tx.updateMany(
    'host',
    hosts.map(({ ref }) => ({ ref, ha_statefiles: [], ha_network_peers: [] })),
  );
  await tx.update('pool', pool.ref, {
    ha_enabled: false,
    ha_configuration: {},
    ha_statefiles: [],
    ha_plan_exists_for: 0,
    ha_overcommitted: false,
  });
}

/** Until when nothing is to be restarted; read by whoever restarts. */
export const restartsHeldUntil = 'ha-restarts-held-until';
async function preventRestarts({ tx, plane }: Context, seconds: number): Promise<void> {
  if (seconds < 0) throw new XenError('INVALID_VALUE', 'seconds', String(seconds));
  const until = new Date(plane.clock.now().getTime() + seconds * 1000).toISOString();
  await writeSetting(tx, restartsHeldUntil, until);
}

async function enableRedoLog(context: Context, sr: Ref<'SR'>): Promise<void> {
  const pool = await lockPool(context);
  if (pool.ha_enabled) throw new XenError('HA_IS_ENABLED');
  if (pool.redo_log_enabled) throw new XenError('REDO_LOG_IS_ENABLED');
  await assertHostsStatefile(context, sr).catch((error: unknown) => {
    throw error instanceof XenError && error.code !== 'HANDLE_INVALID'
      ? new XenError('CANNOT_ENABLE_REDO_LOG', 'failed to make VDI static.')
      : error;
  });
  const vdi = await createVdi(context, {
    ...own(sr),
    name_label: 'Metadata redo-log',
    name_description: 'Used when HA is disabled, while extra security is still desired',
    type: 'redo_log',
    sharable: false,
    virtual_size: redoLogBytes,
  });
  await context.tx.update('pool', pool.ref, { redo_log_enabled: true, redo_log_vdi: vdi });
}
async function disableRedoLog(context: Context): Promise<void> {
  const pool = await lockPool(context);
  if (pool.ha_enabled) throw new XenError('HA_IS_ENABLED');
  await removeOwnDisk(context, pool.redo_log_vdi);
  await context.tx.update('pool', pool.ref, {
    redo_log_enabled: false,
    redo_log_vdi: asRef('OpaqueRef:NULL'),
  });
}

export const poolHa = {
  enable_ha: (
    context: Context,
    { heartbeat_srs, configuration }: { heartbeat_srs: Ref<'SR'>[]; configuration: Record<string, string> },
  ) => enable(context, heartbeat_srs, configuration),
  disable_ha: (context: Context) => disable(context),
  ha_prevent_restarts_for: (context: Context, { seconds }: { seconds: number }) =>
    preventRestarts(context, seconds),
  ha_failover_plan_exists: async (context: Context, { n }: { n: number }) =>
    ha.planExists(await asked(context), n),
  ha_compute_max_host_failures_to_tolerate: async (context: Context) => ha.mostFailures(await asked(context)),
  ha_compute_hypothetical_max_host_failures_to_tolerate: (
    context: Context,
    { configuration }: { configuration: Record<string, string> },
  ) => hypothetical(context, configuration),
  ha_compute_vm_failover_plan: (
    context: Context,
    { failed_hosts, failed_vms }: { failed_hosts: Ref<'host'>[]; failed_vms: Ref<'VM'>[] },
  ) => failoverPlan(context, failed_hosts, failed_vms),
  set_ha_host_failures_to_tolerate: (
    context: Context,
    { self, value }: { self: Ref<'pool'>; value: number },
  ) => setFailures(context, self, value),
  enable_redo_log: (context: Context, { sr }: { sr: Ref<'SR'> }) => enableRedoLog(context, sr),
  disable_redo_log: (context: Context) => disableRedoLog(context),
};
