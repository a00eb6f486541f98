/** The master and the members of the pool. Nothing depends on the master: it is a fact for old clients. */
import { XenError, type Ref } from '@xenplane/model';
import { raiseAlert } from '../core/alerts';
import type { Context } from '../core/context';
import { eject } from './pool-eject';
import { lockPool } from '../pool/pool-record';
import { isHostAlive } from '../tables/runs/host-runs';

async function designate(context: Context, host: Ref<'host'>): Promise<void> {
  const { tx } = context;
  const { uuid } = await tx.get('host', host);
  if (!(await isHostAlive(tx, host))) throw new XenError('HOST_OFFLINE', host);
  const pool = await lockPool(context);
  if (pool.master === host) return;
  await tx.update('pool', pool.ref, { master: host });
  await raiseAlert(tx, context.plane, {
    name: 'POOL_MASTER_TRANSITION',
    priority: 4,
    cls: 'Host',
    obj_uuid: uuid,
    body: '',
  });
}

/** By the address of a host of this pool; there is no other that this one could follow. */
async function resetMaster(context: Context, address: string): Promise<void> {
  const pool = await lockPool(context);
  if (pool.ha_enabled) throw new XenError('HA_IS_ENABLED');
  const [host] = await context.tx.query<{ ref: Ref<'host'> }>(
    'SELECT ref FROM host WHERE address = $1 OR hostname = $1 ORDER BY ref LIMIT 1',
    [address],
  );
  if (!host) throw new XenError('INVALID_VALUE', 'master_address', address);
  await context.tx.update('pool', pool.ref, { master: host.ref });
}

export const poolMembers = {
  eject: (context: Context, { host }: { host: Ref<'host'> }): Promise<void> => eject(context, host),
  designate_new_master: (context: Context, { host }: { host: Ref<'host'> }): Promise<void> =>
    designate(context, host),
  emergency_reset_master: (context: Context, { master_address }: { master_address: string }): Promise<void> =>
    resetMaster(context, master_address),
  /** Any host answers for the pool: the session's host is the one that clients get as the master. */
  emergency_transition_to_master: async (context: Context): Promise<void> => {
    const pool = await lockPool(context);
    if (pool.ha_enabled) throw new XenError('HA_IS_ENABLED');
  },
  /** No host follows another, so that none can be lost with its master. */
  recover_slaves: async (context: Context): Promise<Ref<'host'>[]> => {
    await lockPool(context);
    return [];
  },
};
