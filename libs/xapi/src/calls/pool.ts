import { classes, type CallsOf } from '@xenplane/model';
import type { Context } from '../context';
import { storing } from './setters';
import { createPoolVlan, createPoolVlanOn } from './vlan';

export const poolCalls: CallsOf<typeof classes.pool, Context> = {
  create_VLAN: (context, { device, network, VLAN }) => createPoolVlanOn(context, device, network, VLAN),
  create_VLAN_from_PIF: (context, { pif, network, VLAN }) => createPoolVlan(context, pif, network, VLAN),
  sync_database: async () => undefined,
  get_license_state: async ({ tx }, { self }) => {
    await tx.get('pool', self);
    return { edition: 'xcp-ng', expiry: 'never' };
  },
  has_extension: async ({ tx }, { self }) => {
    await tx.get('pool', self);
    return false;
  },
  add_to_guest_agent_config: storing('pool', 'add_to_guest_agent_config'),
  remove_from_guest_agent_config: storing('pool', 'remove_from_guest_agent_config'),
};
