import {
  asRef,
  classes,
  isNullRef,
  XenError,
  type CallsOf,
  type OperationParams,
  type Ref,
} from '@xenplane/model';
import type { Context } from '../core/context';
import { recordWith } from '../core/records';
import {
  addMember,
  assertPif,
  assertStackUnused,
  dropMember,
  refreshCluster,
  setMember,
} from './cluster-host';

type Wish = Omit<OperationParams<typeof classes.Cluster, 'create'>, 'PIF'>;
const stack = 'corosync';
const leastTimeout = 1,
  leastCoefficient = 0.65;

function assertWish({ cluster_stack, token_timeout, token_timeout_coefficient }: Wish): void {
  if (cluster_stack !== stack) throw new XenError('INVALID_CLUSTER_STACK', cluster_stack);
  if (token_timeout < leastTimeout)
    throw new XenError('INVALID_VALUE', 'token_timeout', String(token_timeout));
  if (token_timeout_coefficient < leastCoefficient)
    throw new XenError('INVALID_VALUE', 'token_timeout_coefficient', String(token_timeout_coefficient));
}

/** One cluster a pool, and none while HA runs on another stack. */
async function found({ tx, plane }: Context, { cluster_stack, ...wish }: Wish): Promise<Ref<'Cluster'>> {
  assertWish({ cluster_stack, ...wish });
  const [pool] = await tx.find('pool', {});
  if (pool) await tx.lock('pool', pool.ref);
  if (pool?.ha_enabled) throw new XenError('INCOMPATIBLE_CLUSTER_STACK_ACTIVE', pool.ha_cluster_stack);
  if ((await tx.find('Cluster', {})).length > 0) throw new XenError('CLUSTER_ALREADY_EXISTS');
  const uuid = plane.ids.uuid(),
    ref = asRef<'Cluster'>(`OpaqueRef:${uuid}`);
  await tx.insert(
    'Cluster',
    ref,
    recordWith('Cluster', { ...wish, uuid, cluster_stack, cluster_token: plane.ids.uuid() }),
  );
  return ref;
}

async function create(
  context: Context,
  { PIF, ...wish }: OperationParams<typeof classes.Cluster, 'create'>,
): Promise<Ref<'Cluster'>> {
  assertWish(wish);
  const { host } = await assertPif(context.tx, PIF);
  const cluster = await found(context, wish);
  await addMember(context, cluster, host, PIF);
  return cluster;
}

async function pifOn({ tx }: Context, host: Ref<'host'>, network: Ref<'network'>): Promise<Ref<'PIF'>> {
  const [pif] = await tx.find('PIF', { host, network });
  if (!pif) throw new XenError('PIF_NOT_PRESENT', host, network);
  return pif.ref;
}

async function poolCreate(
  context: Context,
  { network, ...wish }: OperationParams<typeof classes.Cluster, 'pool_create'>,
): Promise<Ref<'Cluster'>> {
  await context.tx.get('network', network);
  const cluster = await found(context, { ...wish, pool_auto_join: true });
  for (const { ref } of await context.tx.find('host', {})) {
    const pif = await pifOn(context, ref, network);
    await assertPif(context.tx, pif);
    await addMember(context, cluster, ref, pif);
  }
  return cluster;
}

async function network({ tx }: Context, self: Ref<'Cluster'>): Promise<Ref<'network'>> {
  await tx.get('Cluster', self);
  const rows = await tx.query<{ network: string }>(
    'SELECT DISTINCT p.network FROM cluster_host c JOIN pif p ON p.ref = c."PIF" WHERE c.cluster = $1',
    [self],
  );
  const [one] = rows;
  if (!one || rows.length > 1)
    throw new XenError('INTERNAL_ERROR', `The members of the cluster use ${rows.length} networks`);
  return asRef<'network'>(one.network);
}

async function destroy(context: Context, self: Ref<'Cluster'>): Promise<void> {
  await context.tx.lock('Cluster', self);
  const members = await context.tx.find('Cluster_host', { cluster: self });
  if (members.length > 1) throw new XenError('CLUSTER_DOES_NOT_HAVE_ONE_NODE', String(members.length));
  await poolDestroy(context, self);
}
async function poolDestroy(context: Context, self: Ref<'Cluster'>): Promise<void> {
  const { cluster_stack } = await context.tx.lock('Cluster', self);
  await assertStackUnused(context.tx, cluster_stack);
  for (const member of await context.tx.find('Cluster_host', { cluster: self }))
    await dropMember(context.tx, member);
  await context.tx.remove('Cluster', self);
}

/** Hosts that are in the pool and not yet in the cluster join it; members of enabled hosts take part again. */
async function resync(context: Context, self: Ref<'Cluster'>): Promise<void> {
  const { tx } = context;
  await tx.lock('Cluster', self);
  const on = await network(context, self);
  const members = await tx.find('Cluster_host', { cluster: self });
  for (const host of (await tx.find('host', {})).filter((h) => h.enabled)) {
    const member = members.find((m) => m.host === host.ref);
    if (!member) {
      const pif = await pifOn(context, host.ref, on);
      await assertPif(tx, pif);
      await addMember(context, self, host.ref, pif);
    } else if (!member.enabled && !isNullRef(member.PIF)) await setMember(context, member, true);
  }
  await refreshCluster(tx, self);
}

export const clusterCalls: CallsOf<typeof classes.Cluster, Context> = {
  create: (context, given) => create(context, given),
  destroy: (context, { self }) => destroy(context, self),
  get_network: (context, { self }) => network(context, self),
  pool_create: (context, given) => poolCreate(context, given),
  pool_force_destroy: (context, { self }) => poolDestroy(context, self),
  pool_destroy: (context, { self }) => poolDestroy(context, self),
  pool_resync: (context, { self }) => resync(context, self),
};
