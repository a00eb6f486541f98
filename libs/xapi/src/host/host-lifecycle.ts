/** Hosts that take guests or do not, that are to be emptied, that are gone for good. */
import { asRef, classes, XenError, type CallsOf, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { beginInternally } from '../begin/begin-operation';
import { admitHost } from '../begin/admission';
import type { Context } from '../core/context';
import { presumedEvacuations, residents } from './evacuation';
import { freshReplica } from '../placement/possible-hosts';
import { storedOf } from '../placement/snapshot-from-replica';
import { endRunsOfHost } from '../tables/runs/halted-runs';
import { removeHost } from '../fleet/removal';
import { keepingPlan } from '../placement/ha-plan';
import { assertLive, isLive } from './host-use';
import { hereOf } from '../network/management-interface';
import { anotherHost, setAcceptance } from '../tables/runs/host-runs';

type All = CallsOf<typeof classes.host, Context>;

/** The scheduler's permission to place VMs there; kept beside the lease so that placing reads one table. */
async function setEnabled(
  { tx }: Context,
  host: Ref<'host'>,
  enabled: boolean,
  autoEnable: boolean,
): Promise<void> {
  await tx.update('host', host, { enabled });
  await setAcceptance(tx, host, enabled, autoEnable);
}

async function preventing(context: Context, host: Ref<'host'>): Promise<Record<string, string[]>> {
  const view = await freshReplica(context);
  storedOf(view, 'host', host);
  const plans = await presumedEvacuations(view, [host]);
  return Object.fromEntries([...(plans.get(host)?.stuck ?? [])].map(([vm, reason]) => [vm, [...reason]]));
}

/** The guardian starts the toolstack again: the hypervisor lets no guest run for long without it. */
async function stopToolstack(context: Context): Promise<void> {
  const [pool] = await context.tx.find('pool', {});
  if (pool?.ha_enabled) throw new XenError('HA_IS_ENABLED');
  const host = hereOf(context);
  await assertLive(context.tx, host);
  await beginInternally(context.tx, context.plane, 'host.restart_agent', { host });
}

/** All reasons in one parameter, each with its own parameters behind it. */
async function assertCanEvacuate(context: Context, host: Ref<'host'>): Promise<void> {
  const reasons = Object.values(await preventing(context, host));
  if (reasons.length > 0)
    throw new XenError('CANNOT_EVACUATE_HOST', reasons.map((r) => r.join(',')).join('|'));
}

async function declareDead({ tx, plane }: Context, host: Ref<'host'>): Promise<void> {
  await tx.lock('host', host);
  if (await isLive(tx, host)) throw new XenError('HOST_IS_LIVE', host);
  await endRunsOfHost(tx, plane, host, { lost: true });
}

async function destroy(context: Context, host: Ref<'host'>): Promise<void> {
  const { tx } = context;
  const record = await tx.lock('host', host);
  if (await isLive(tx, host)) throw new XenError('HOST_IS_LIVE', host);
  const [pool] = await tx.find('pool', {});
  if (pool?.ha_enabled) throw new XenError('HA_IS_ENABLED');
  if ((await residents(tx, host)).length > 0) throw new XenError('HOST_HAS_RESIDENT_VMS', host);
  if (pool?.master === host) await electAnother(tx, pool.ref, host);
  await removeHost(tx, record);
}

/** Old clients need the address of a master; any other host will do, but there must be one. */
async function electAnother(tx: Tx, pool: Ref<'pool'>, gone: Ref<'host'>): Promise<void> {
  const next = await anotherHost(tx, gone);
  if (next === undefined) throw new XenError('HOST_CANNOT_DESTROY_SELF', gone);
  await tx.update('pool', pool, { master: asRef<'host'>(next) });
}

export const lifeCalls = {
  enable: async (context, { host }) => {
    await admitHost(context, host, 'enable');
    await assertLive(context.tx, host);
    await setEnabled(context, host, true, true);
  },
  disable: async (context, { host, auto_enable }) => {
    await context.tx.lock('host', host);
    await keepingPlan(context.tx, () => setEnabled(context, host, false, auto_enable));
  },
  assert_can_evacuate: (context, { host }) => assertCanEvacuate(context, host),
  get_vms_which_prevent_evacuation: (context, { self }) => preventing(context, self),
  /** No driver is asked for memory here that it could refuse. */
  get_uncooperative_resident_VMs: async ({ tx }, { self }) => {
    await tx.get('host', self);
    return [];
  },
  shutdown_agent: (context) => stopToolstack(context),
  declare_dead: (context, { host }) => declareDead(context, host),
  destroy: (context, { self }) => destroy(context, self),
} satisfies Partial<All>;
