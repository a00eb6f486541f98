/** Whether a VM could run on every host. */
import { XenError, type Ref } from '@xenplane/model';
import type { Context } from '../context';

async function assertAgile({ tx }: Context, { self }: { self: Ref<'VM'> }): Promise<void> {
  await tx.get('VM', self);
  const [local] = await tx.query<{ sr: string }>(
    `SELECT s.ref AS sr FROM vbd b JOIN vdi d ON d.ref = b."VDI" JOIN sr s ON s.ref = d."SR" WHERE b."VM" = $1 AND NOT b.empty AND NOT s.shared ORDER BY 1 LIMIT 1`,
    [self],
  );
  if (local) throw new XenError('HA_CONSTRAINT_VIOLATION_SR_NOT_SHARED', local.sr);
  const [partial] = await tx.query<{ network: string }>(
    `SELECT i.network FROM vif i WHERE i."VM" = $1 AND EXISTS (SELECT 1 FROM host h WHERE NOT EXISTS (SELECT 1 FROM pif p WHERE p.network = i.network AND p.host = h.ref)) ORDER BY 1 LIMIT 1`,
    [self],
  );
  if (partial) throw new XenError('HA_CONSTRAINT_VIOLATION_NETWORK_NOT_SHARED', partial.network);
}

async function recommendations({ tx }: Context, vm: Ref<'VM'>): Promise<Record<string, string[]>> {
  await tx.get('VM', vm);
  const [pool] = await tx.find('pool', {});
  if (!pool?.wlb_url) throw new XenError('WLB_NOT_INITIALIZED');
  throw new XenError(pool.wlb_enabled ? 'WLB_CONNECTION_REFUSED' : 'WLB_DISABLED');
}

export const vmRecovery = {
  assert_agile: assertAgile,
  retrieve_wlb_recommendations: (context: Context, { vm }: { vm: Ref<'VM'> }) => recommendations(context, vm),
};
