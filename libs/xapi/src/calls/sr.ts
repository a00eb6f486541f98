import { classes, XenError, type CallsOf, type Ref } from '@xenplane/model';
import { drivers } from '../bootstrap/storage';
import type { Context } from '../context';
import { dataSourceCalls } from './data-sources';

/** Makes the sums of a repository agree with its disks. */
async function rescan({ tx }: Context, sr: Ref<'SR'>): Promise<void> {
  const [plugged] = await tx.find('PBD', { SR: sr, currently_attached: true });
  if (!plugged) throw new XenError('SR_HAS_NO_PBDS', sr);
  await tx.query(
    `UPDATE sr SET virtual_allocation = s.virtual, physical_utilisation = s.physical
     FROM (SELECT coalesce(sum(virtual_size), 0) AS virtual, coalesce(sum(physical_utilisation), 0) AS physical FROM vdi WHERE "SR" = $1) s WHERE ref = $1`,
    [sr],
  );
}

export const srCalls: CallsOf<typeof classes.SR, Context> = {
  ...dataSourceCalls('SR', 'sr'),
  get_supported_types: async () => drivers.map((d) => d.type),
  scan: (context, { sr }) => rescan(context, sr),
  update: (context, { sr }) => rescan(context, sr),
  set_name_label: async ({ tx }, { sr, value }) => tx.update('SR', sr, { name_label: value }),
  set_name_description: async ({ tx }, { sr, value }) => tx.update('SR', sr, { name_description: value }),
  set_shared: async ({ tx }, { sr, value }) => {
    const pbds = await tx.find('PBD', { SR: sr });
    if (!value && pbds.length > 1) throw new XenError('SR_HAS_MULTIPLE_PBDS', ...pbds.slice(0, 1).map((p) => p.ref));
    await tx.update('SR', sr, { shared: value });
  },
  set_physical_size: async ({ tx }, { self, value }) => tx.update('SR', self, { physical_size: value }),
};
