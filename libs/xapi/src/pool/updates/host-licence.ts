/** Editions, licences and updates: everything is free here, and what is installed is all there is. */
import { classes, XenError, type CallsOf, type Ref } from '@xenplane/model';
import { admitHost } from '../../begin/admission';
import { dateTime, type Context } from '../../core/context';
import { hereOf } from '../../network/management-interface';
import { hashOfAll } from './update-checksum';

type All = CallsOf<typeof classes.host, Context>;

async function applyEdition({ tx }: Context, host: Ref<'host'>, edition: string): Promise<void> {
  const { editions } = await tx.lock('host', host);
  if (!editions.includes(edition)) throw new XenError('INVALID_EDITION', edition);
  await tx.update('host', host, { edition });
}

/** No licence fits an edition that needs none. */
async function addLicence({ tx }: Context, host: Ref<'host'>): Promise<never> {
  await tx.get('host', host);
  throw new XenError('LICENSE_PROCESSING_ERROR');
}

/** The packages of the pool's repositories are on every host: applying them is to note which set it is. */
async function applyUpdates(context: Context, host: Ref<'host'>, hash: string): Promise<string[][]> {
  const { tx, plane } = context;
  await admitHost(context, host, 'apply_updates');
  const [pool] = await tx.find('pool', {});
  const repositories = await tx.getMany('Repository', pool?.repositories ?? []);
  if (repositories.length === 0) throw new XenError('NO_REPOSITORY_ENABLED');
  if (repositories.some((r) => r.hash === '') || hash !== hashOfAll(repositories))
    throw new XenError('UPDATEINFO_HASH_MISMATCH');
  await tx.update('host', host, {
    last_update_hash: hash,
    last_software_update: dateTime(plane.clock.now()),
    latest_synced_updates_applied: 'yes',
  });
  return [];
}

async function assertBalancing({ tx }: Context, host: Ref<'host'>): Promise<never> {
  await tx.get('host', host);
  const [pool] = await tx.find('pool', {});
  if (!pool || pool.wlb_url === '') throw new XenError('WLB_NOT_INITIALIZED');
  if (!pool.wlb_enabled) throw new XenError('WLB_DISABLED');
  throw new XenError('WLB_CONNECTION_REFUSED');
}

async function leaveEmergencyHa(context: Context): Promise<void> {
  const [pool] = await context.tx.find('pool', {});
  if (!pool?.ha_enabled) throw new XenError('HA_NOT_ENABLED');
  await context.tx.update('host', hereOf(context), { ha_statefiles: [], ha_network_peers: [] });
}

export const licenceCalls = {
  apply_edition: (context, { host, edition }) => applyEdition(context, host, edition),
  license_add: (context, { host }) => addLicence(context, host),
  license_remove: async ({ tx }, { host }) => {
    const { editions } = await tx.lock('host', host);
    await tx.update('host', host, { edition: editions[0] ?? '' });
  },
  apply_updates: (context, { self, hash }) => applyUpdates(context, self, hash),
  emergency_clear_mandatory_guidance: async (context) =>
    context.tx.update('host', hereOf(context), { pending_guidances: [] }),
  emergency_ha_disable: (context) => leaveEmergencyHa(context),
  retrieve_wlb_evacuate_recommendations: (context, { self }) => assertBalancing(context, self),
} satisfies Partial<All>;
