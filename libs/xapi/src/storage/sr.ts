import { storage } from '@xenplane/domain';
import { classes, XenError, type CallsOf, type Ref } from '@xenplane/model';
import { admitSr } from '../begin/admission';
import type { Context } from '../core/context';
import { isPlugged } from '../begin/lifecycle-subjects';
import { dataSourceCalls } from '../metrics/data-sources';
import { assertNoCache, destroySr, forgetSr } from './sr-destroy';
import { createSr, introduceSr } from './sr-create';
import { probe, probeExt } from './sr-probe';
import { assertHostsStatefile, assertReplicates, disableReplication, enableReplication } from './sr-roles';
import { scan } from './sr-scan';
import { createNewBlob } from './blob';
import { renameMedium } from '../tables/layers/media';

async function scanned(context: Context, sr: Ref<'SR'>, op: 'scan' | 'update'): Promise<void> {
  const { tx } = context;
  await admitSr(context, sr, op);
  if (!(await isPlugged(tx, sr))) throw new XenError('SR_HAS_NO_PBDS', sr);
  await scan(tx, sr);
}

async function setShared({ tx }: Context, sr: Ref<'SR'>, shared: boolean): Promise<void> {
  const { type } = await tx.lock('SR', sr);
  const pbds = await tx.find('PBD', { SR: sr });
  if (!shared && pbds.length > 1)
    throw new XenError('SR_HAS_MULTIPLE_PBDS', ...pbds.slice(0, 1).map((p) => p.ref));
  if (shared && !storage.driverOf(type)?.sharable)
    throw new XenError('SR_NOT_SHARABLE', sr, ...pbds.slice(0, 1).map((p) => p.host));
  await tx.update('SR', sr, { shared });
}

/** The name is on the storage too. */
async function rename(
  { tx }: Context,
  sr: Ref<'SR'>,
  change: { readonly name_label: string } | { readonly name_description: string },
): Promise<void> {
  await tx.update('SR', sr, change);
  const { uuid, name_label, name_description } = await tx.get('SR', sr);
  await renameMedium(tx, uuid, { name_label, name_description });
}

export const srCalls: CallsOf<typeof classes.SR, Context> = {
  ...dataSourceCalls('SR', 'sr'),
  create_new_blob: createNewBlob('SR', 'sr'),
  create: createSr,
  introduce: introduceSr,
  make: async () => {
    throw new XenError('MESSAGE_DEPRECATED');
  },
  destroy: async (context, { sr }) => {
    await assertNoCache(context, sr);
    await destroySr(context, sr);
  },
  forget: async (context, { sr }) => {
    await assertNoCache(context, sr);
    await forgetSr(context, sr);
  },
  probe,
  probe_ext: probeExt,
  get_supported_types: async () => storage.drivers.map((d) => d.type),
  scan: (context, { sr }) => scanned(context, sr, 'scan'),
  update: (context, { sr }) => scanned(context, sr, 'update'),
  set_name_label: (context, { sr, value }) => rename(context, sr, { name_label: value }),
  set_name_description: (context, { sr, value }) => rename(context, sr, { name_description: value }),
  set_shared: (context, { sr, value }) => setShared(context, sr, value),
  set_physical_size: async ({ tx }, { self, value }) => tx.update('SR', self, { physical_size: value }),
  assert_can_host_ha_statefile: (context, { sr }) => assertHostsStatefile(context, sr),
  assert_supports_database_replication: (context, { sr }) => assertReplicates(context, sr),
  enable_database_replication: (context, { sr }) => enableReplication(context, sr),
  disable_database_replication: (context, { sr }) => disableReplication(context, sr),
};
