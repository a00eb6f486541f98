/** Agility of a VM, and the advice of a balancer. */
import { XenError, type Ref } from '@xenplane/model';
import { assertAgile } from '../placement/agility';
import type { Context } from '../core/context';

async function recommendations({ tx }: Context, vm: Ref<'VM'>): Promise<Record<string, string[]>> {
  await tx.get('VM', vm);
  const [pool] = await tx.find('pool', {});
  if (!pool?.wlb_url) throw new XenError('WLB_NOT_INITIALIZED');
  throw new XenError(pool.wlb_enabled ? 'WLB_CONNECTION_REFUSED' : 'WLB_DISABLED');
}

export const vmRecovery = {
  assert_agile: (context: Context, { self }: { self: Ref<'VM'> }) => assertAgile(context, self),
  retrieve_wlb_recommendations: (context: Context, { vm }: { vm: Ref<'VM'> }) => recommendations(context, vm),
};
