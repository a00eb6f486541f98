/** Whether a VM could run on every host, or in another pool that sees its storage. */
import { asRef, isNullRef, XenError, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Context } from '../context';

interface To {
  readonly self: Ref<'VM'>;
  readonly session_to: Ref<'session'>;
}

/** Storage of the disks of these VMs that no host has plugged. */
export async function missingStorage(tx: Tx, vms: readonly string[]): Promise<{ readonly vm: string; readonly sr: string }[]> {
  return tx.query<{ vm: string; sr: string }>(
    `SELECT DISTINCT b."VM" AS vm, d."SR" AS sr FROM vbd b JOIN vdi d ON d.ref = b."VDI"
     WHERE b."VM" = ANY($1) AND b.type <> 'CD' AND NOT EXISTS (SELECT 1 FROM pbd p WHERE p."SR" = d."SR" AND p.currently_attached) ORDER BY 1, 2`,
    [vms],
  );
}

export async function assertStoragePresent({ tx }: Context, vms: readonly string[]): Promise<void> {
  const [first] = await missingStorage(tx, vms);
  if (first) throw new XenError('VM_REQUIRES_SR', first.vm, first.sr);
}

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
  assert_can_be_recovered: async (context: Context, { self, session_to }: To): Promise<void> => {
    await context.tx.get('session', session_to);
    const { appliance } = await context.tx.get('VM', self);
    if (!isNullRef(appliance)) throw new XenError('VM_IS_PART_OF_AN_APPLIANCE', self, appliance);
    await assertStoragePresent(context, [self]);
  },
  get_SRs_required_for_recovery: async ({ tx }: Context, { self, session_to }: To): Promise<Ref<'SR'>[]> => {
    await tx.get('session', session_to);
    await tx.get('VM', self);
    return (await missingStorage(tx, [self])).map((m) => asRef<'SR'>(m.sr));
  },
  retrieve_wlb_recommendations: (context: Context, { vm }: { vm: Ref<'VM'> }) => recommendations(context, vm),
};
