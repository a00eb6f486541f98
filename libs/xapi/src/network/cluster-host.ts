import { asRef, classes, XenError, type CallsOf, type OperationParams, type Ref } from '@xenplane/model';
import type { Row, Tx } from '@xenplane/store';
import { dateTime, type Context } from '../core/context';
import { recordWith } from '../core/records';

/** Cluster traffic needs an interface that is up, stays up and has an address. */
export async function assertPif(tx: Tx, ref: Ref<'PIF'>): Promise<Row<'PIF'>> {
  const pif = await tx.lock('PIF', ref);
  if (!pif.currently_attached) throw new XenError('REQUIRED_PIF_IS_UNPLUGGED', ref);
  if (!pif.disallow_unplug) throw new XenError('PIF_ALLOWS_UNPLUG', ref);
  if (pif.IP === '' && pif.IPv6.length === 0) throw new XenError('INTERFACE_HAS_NO_IP', ref);
  return pif;
}

/** A repository that is plugged somewhere and needs the stack. */
export async function assertStackUnused(tx: Tx, stack: string): Promise<void> {
  const [user] = await tx.query(
    'SELECT 1 AS yes FROM pbd p JOIN sr s ON s.ref = p."SR" JOIN sm m ON m.type = s.type WHERE p.currently_attached AND m.required_cluster_stack ? $1 LIMIT 1',
    [stack],
  );
  if (user) throw new XenError('CLUSTER_STACK_IN_USE', stack);
}

/** Quorum is the smallest majority of those that the cluster counts on. */
export async function refreshCluster(tx: Tx, cluster: Ref<'Cluster'>): Promise<void> {
  const members = await tx.find('Cluster_host', { cluster });
  const expected_hosts = members.filter((m) => m.enabled).length,
    live_hosts = members.filter((m) => m.live).length;
  const quorum = Math.floor(expected_hosts / 2) + 1;
  await tx.update('Cluster', cluster, {
    expected_hosts,
    live_hosts,
    quorum,
    is_quorate: live_hosts >= quorum,
  });
}

export async function addMember(
  { tx, plane }: Context,
  cluster: Ref<'Cluster'>,
  host: Ref<'host'>,
  PIF: Ref<'PIF'>,
): Promise<Ref<'Cluster_host'>> {
  const uuid = plane.ids.uuid(),
    ref = asRef<'Cluster_host'>(`OpaqueRef:${uuid}`);
  const last_update_live = dateTime(plane.clock.now());
  await tx.insert(
    'Cluster_host',
    ref,
    recordWith('Cluster_host', {
      uuid,
      cluster,
      host,
      PIF,
      enabled: true,
      joined: true,
      live: true,
      last_update_live,
    }),
  );
  await refreshCluster(tx, cluster);
  return ref;
}
export async function dropMember(tx: Tx, { ref, cluster }: Row<'Cluster_host'>): Promise<void> {
  await tx.remove('Cluster_host', ref);
  await refreshCluster(tx, cluster);
}
export async function setMember(
  { tx, plane }: Context,
  { ref, cluster }: Row<'Cluster_host'>,
  enabled: boolean,
): Promise<void> {
  await tx.update('Cluster_host', ref, {
    enabled,
    live: enabled,
    last_update_live: dateTime(plane.clock.now()),
  });
  await refreshCluster(tx, cluster);
}

async function create(
  context: Context,
  { cluster, host, pif }: OperationParams<typeof classes.Cluster_host, 'create'>,
): Promise<Ref<'Cluster_host'>> {
  const { tx } = context;
  await tx.lock('Cluster', cluster);
  await tx.get('host', host);
  const { host: owner } = await tx.get('PIF', pif);
  if (owner !== host) throw new XenError('PIF_NOT_ATTACHED_TO_HOST', pif, host);
  await assertPif(tx, pif);
  const members = await tx.find('Cluster_host', { cluster });
  if (members.length > 0 && !members.some((m) => m.live))
    throw new XenError('NO_CLUSTER_HOSTS_REACHABLE', cluster);
  if (members.some((m) => m.host === host))
    throw new XenError('OPERATION_NOT_ALLOWED', 'The host is a member of the cluster already');
  return addMember(context, cluster, host, pif);
}

async function leave({ tx }: Context, self: Ref<'Cluster_host'>, orderly: boolean): Promise<void> {
  const member = await tx.lock('Cluster_host', self);
  const { cluster_stack } = await tx.lock('Cluster', member.cluster);
  await assertStackUnused(tx, cluster_stack);
  if (orderly && !member.enabled) throw new XenError('CLUSTERING_DISABLED', self);
  const others = (await tx.find('Cluster_host', { cluster: member.cluster })).length - 1;
  if (orderly && others === 0) throw new XenError('CLUSTER_HOST_IS_LAST', self);
  await dropMember(tx, member);
}

async function enable(context: Context, self: Ref<'Cluster_host'>): Promise<void> {
  const member = await context.tx.lock('Cluster_host', self);
  await assertPif(context.tx, member.PIF);
  await setMember(context, member, true);
}
async function disable(context: Context, self: Ref<'Cluster_host'>): Promise<void> {
  const member = await context.tx.lock('Cluster_host', self);
  const { cluster_stack } = await context.tx.lock('Cluster', member.cluster);
  await assertStackUnused(context.tx, cluster_stack);
  await setMember(context, member, false);
}

export const clusterHostCalls: CallsOf<typeof classes.Cluster_host, Context> = {
  create: (context, given) => create(context, given),
  destroy: (context, { self }) => leave(context, self, true),
  enable: (context, { self }) => enable(context, self),
  force_destroy: (context, { self }) => leave(context, self, false),
  disable: (context, { self }) => disable(context, self),
};
