import { classes, type CallsOf } from '@xenplane/model';
import type { Context } from '../context';
import { poolAuth } from './pool-auth';
import { storing } from './setters';

export const poolCalls: CallsOf<typeof classes.pool, Context> = {
  ...poolAuth,
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
