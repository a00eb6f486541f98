import { classes, XenError, type CallsOf } from '@xenplane/model';
import type { Context, Outside } from '../context';
import { poolAuth, poolAuthOutside } from './pool-auth';
import { poolCertificates } from './pool-certificates';
import { poolHa } from './pool-ha';
import { poolHosts } from './pool-hosts';
import { poolMembers } from './pool-members';
import { poolOutsiders } from './pool-outside';
import { poolSettings } from './pool-settings';
import { poolUpdates } from './pool-updates';
import { poolWlb, wlbOutside } from './pool-wlb';
import { storing } from './setters';
import { createPoolVlan, createPoolVlanOn } from './vlan';

/** Calls of the pool that speak with other machines, and so make transactions of their own. */
type Outsiders = 'enable_external_auth' | 'send_test_post' | 'sync_trusted_certificates_from' | 'initialize_wlb';
export const poolOutside: Pick<CallsOf<typeof classes.pool, Outside>, Outsiders> = { ...poolAuthOutside, ...poolOutsiders, ...wlbOutside };

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
  add_to_guest_agent_config: storing('pool', 'add_to_guest_agent_config'),
  remove_from_guest_agent_config: storing('pool', 'remove_from_guest_agent_config'),
};
