/** Which repositories the pool takes updates from, by which way, and how often. */
import { poolLifecycle } from '@xenplane/domain';
import { XenError, type Ref, type TypeOf, type enums } from '@xenplane/model';
import type { Context } from '../../core/context';
import { presumedEvacuations } from '../../host/evacuation';
import { freshReplica } from '../../placement/possible-hosts';
import { newSecret } from '../pool-settings';
import { hostsAlive } from '../../tables/runs/host-runs';

type Self = { readonly self: Ref<'pool'> };
type Repository = Ref<'Repository'>;

/** The sources of the pool's repositories: any number of remote ones, or exactly one of another kind. */
async function setRepositories(
  { tx }: Context,
  self: Ref<'pool'>,
  change: (now: readonly Repository[]) => Repository[],
): Promise<void> {
  const pool = await tx.lock('pool', self);
  const refused = poolLifecycle.refusal('configure_repositories', { ref: self, pool, clusters: 0 });
  if (refused) throw refused;
  const wanted = [...new Set(change(pool.repositories))];
  const rows = await Promise.all(wanted.map((ref) => tx.get('Repository', ref)));
  if (rows.length > 1 && rows.some((r) => r.origin !== 'remote'))
    throw new XenError('REPO_SHOULD_BE_SINGLE_ONE_ENABLED');
  const gone = pool.repositories.filter((ref) => !wanted.includes(ref));
  await tx.query("UPDATE repository SET hash = '' WHERE ref = ANY($1)", [gone]);
  const changed = gone.length > 0 || wanted.length !== pool.repositories.length;
  const unsynced = changed ? { last_update_sync: '19700101T00:00:00Z' } : {};
  const periodic = rows.length > 0 && rows.every((r) => r.origin === 'remote');
  await tx.update('pool', self, {
    repositories: wanted,
    ...unsynced,
    ...(periodic ? {} : { update_sync_enabled: false }),
  });
}

async function configureProxy(
  context: Context,
  self: Ref<'pool'>,
  url: string,
  username: string,
  password: string,
): Promise<void> {
  const pool = await context.tx.lock('pool', self);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol) || new URL(url).username !== '')
    throw new XenError('INVALID_REPOSITORY_PROXY_URL', url);
  if ((username === '') !== (password === '') || /[\n\r:]/.test(username) || /[\n\r]/.test(password))
    throw new XenError('INVALID_REPOSITORY_PROXY_CREDENTIAL');
  const secret = await newSecret(
    context,
    pool.repository_proxy_password,
    password === '' ? undefined : password,
  );
  await context.tx.update('pool', self, {
    repository_proxy_url: url,
    repository_proxy_username: username,
    repository_proxy_password: secret,
  });
}
async function disableProxy(context: Context, self: Ref<'pool'>): Promise<void> {
  const pool = await context.tx.lock('pool', self);
  const secret = await newSecret(context, pool.repository_proxy_password, undefined);
  await context.tx.update('pool', self, {
    repository_proxy_url: '',
    repository_proxy_username: '',
    repository_proxy_password: secret,
  });
}

type Schedule = Self & {
  readonly update_sync_frequency: TypeOf<typeof enums.update_sync_frequency>;
  readonly update_sync_day: number;
};
async function schedule(
  { tx }: Context,
  { self, update_sync_frequency, update_sync_day }: Schedule,
): Promise<void> {
  const weekly = update_sync_frequency === 'weekly';
  if (weekly && (update_sync_day < 0 || update_sync_day > 6))
    throw new XenError('INVALID_UPDATE_SYNC_DAY', String(update_sync_day));
  await tx.update('pool', self, { update_sync_frequency, update_sync_day: weekly ? update_sync_day : 0 });
}
async function setPeriodic({ tx }: Context, self: Ref<'pool'>, value: boolean): Promise<void> {
  const { repositories } = await tx.lock('pool', self);
  if (value && repositories.length === 0) throw new XenError('NO_REPOSITORIES_CONFIGURED');
  const rows = await tx.getMany('Repository', repositories);
  if (value && rows.some((r) => r.origin !== 'remote')) throw new XenError('CAN_NOT_PERIODIC_SYNC_UPDATES');
  await tx.update('pool', self, { update_sync_enabled: value });
}

/** Obstacles to updating every host; where they have to be rebooted, also the VMs that could not go elsewhere meanwhile. */
async function readiness(context: Context, self: Ref<'pool'>, requiresReboot: boolean): Promise<string[][]> {
  const { tx } = context;
  const pool = await tx.get('pool', self);
  const hosts = await hostsAlive(tx);
  const found = [
    ...(pool.ha_enabled ? [['HA_IS_ENABLED']] : []),
    ...hosts.filter((h) => !h.alive).map(({ host }) => ['HOST_OFFLINE', host]),
  ];
  if (!requiresReboot) return found;
  const plans = await presumedEvacuations(
    await freshReplica(context),
    hosts.map(({ host }) => host),
  );
  for (const { stuck } of plans.values()) found.push(...[...stuck.values()].map((reason) => [...reason]));
  return found;
}

export const poolUpdates = {
  set_repositories: (context: Context, { self, value }: Self & { value: Repository[] }): Promise<void> =>
    setRepositories(context, self, () => value),
  add_repository: (context: Context, { self, value }: Self & { value: Repository }): Promise<void> =>
    setRepositories(context, self, (now) => [...now, value]),
  remove_repository: (context: Context, { self, value }: Self & { value: Repository }): Promise<void> =>
    setRepositories(context, self, (now) => now.filter((r) => r !== value)),
  configure_repository_proxy: (
    context: Context,
    { self, url, username, password }: Self & { url: string; username: string; password: string },
  ): Promise<void> => configureProxy(context, self, url, username, password),
  disable_repository_proxy: (context: Context, { self }: Self): Promise<void> => disableProxy(context, self),
  configure_update_sync: schedule,
  set_update_sync_enabled: (context: Context, { self, value }: Self & { value: boolean }): Promise<void> =>
    setPeriodic(context, self, value),
  check_update_readiness: (
    context: Context,
    { self, requires_reboot }: Self & { requires_reboot: boolean },
  ): Promise<string[][]> => readiness(context, self, requires_reboot),
};
