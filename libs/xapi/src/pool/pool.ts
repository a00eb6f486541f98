import { classes, XenError, type CallsOf } from '@xenplane/model';
import type { Context, Outside } from '../core/context';
import { emptyBlobs } from '../storage/blob';
import { poolAuth, poolAuthOutside } from './pool-auth';
import { poolCertificates } from './pool-certificates';
import { poolHa } from './pool-ha';
import { poolHosts } from './pool-hosts';
import { poolMembers } from '../pool-join/pool-members';
import { poolOutsiders } from './pool-outside';
import { poolSettings } from './pool-settings';
import { poolUpdates } from './updates/pool-updates';
import { poolWlb, wlbOutside } from './pool-wlb';
import { storing } from '../core/setters';
import { createPoolVlan, createPoolVlanOn } from '../network/vlan';

/** Calls of the pool that speak with other machines, and so make transactions of their own. */
type Outsiders =
  'enable_external_auth' | 'send_test_post' | 'sync_trusted_certificates_from' | 'initialize_wlb';
export const poolOutside: Pick<CallsOf<typeof classes.pool, Outside>, Outsiders> = {
  ...poolAuthOutside,
  ...poolOutsiders,
  ...wlbOutside,
};

/** Under this key hosts say that they keep no blobs. */
const withoutBlobs = 'no_local_storage';
async function noteBlobs({ tx }: Context, kept: boolean): Promise<void> {
  const hosts = (await tx.find('host', {})).map(
    ({ ref, other_config: { [withoutBlobs]: _before, ...rest } }) => ({
      ref,
      other_config: kept ? rest : { ...rest, [withoutBlobs]: 'true' },
    }),
  );
  await tx.updateMany('host', hosts);
}

export const poolCalls: Omit<CallsOf<typeof classes.pool, Context>, Outsiders> = {
  ...poolAuth,
  ...poolCertificates,
  ...poolHa,
  ...poolHosts,
  ...poolMembers,
  ...poolSettings,
  ...poolUpdates,
  ...poolWlb,
  create_VLAN: (context, { device, network, VLAN }) => createPoolVlanOn(context, device, network, VLAN),
  create_VLAN_from_PIF: (context, { pif, network, VLAN }) => createPoolVlan(context, pif, network, VLAN),
  /** Every process reads the one database. */
  sync_database: async () => undefined,
  get_license_state: async ({ tx }, { self }) => {
    await tx.get('pool', self);
    return { edition: 'xcp-ng', expiry: 'never' };
  },
  has_extension: async ({ tx }, { self }) => {
    await tx.get('pool', self);
    return false;
  },
  enable_ssl_legacy: async () => {
    throw new XenError('MESSAGE_REMOVED');
  },
  enable_binary_storage: (context) => noteBlobs(context, true),
  disable_binary_storage: async (context) => {
    await emptyBlobs(context.tx);
    await noteBlobs(context, false);
  },
  add_to_guest_agent_config: storing('pool', 'add_to_guest_agent_config'),
  remove_from_guest_agent_config: storing('pool', 'remove_from_guest_agent_config'),
};
