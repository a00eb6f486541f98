/** Changed-block tracking: which disks are tracked, and what is kept of a snapshot whose contents are given up. */
import { XenError, type Ref } from '@xenplane/model';
import { admitVdi } from '../admission';
import type { Context } from '../context';
import { giveUpContents } from '../layers';
import { isPlugged } from '../subjects';

export async function setTracking(context: Context, self: Ref<'VDI'>, enabled: boolean): Promise<void> {
  const vdi = await admitVdi(context, self, enabled ? 'enable_cbt' : 'disable_cbt');
  if (!(await isPlugged(context.tx, vdi.SR))) throw new XenError('SR_HAS_NO_PBDS', vdi.SR);
  if (vdi.cbt_enabled !== enabled) await context.tx.update('VDI', self, { cbt_enabled: enabled });
}

/** What stays is where the snapshot lay in the tree of layers, and what each of those changed: enough to say what is new since. */
export async function destroyContents(context: Context, self: Ref<'VDI'>): Promise<void> {
  const vdi = await admitVdi(context, self, 'data_destroy');
  if (vdi.type === 'cbt_metadata') return;
  const { tx } = context;
  for (const vbd of await tx.find('VBD', { VDI: self })) {
    if (vbd.currently_attached) throw new XenError('VDI_IN_USE', self, 'data_destroy');
    await tx.remove('VBD', vbd.ref);
  }
  await tx.update('VDI', self, { type: 'cbt_metadata' });
  await giveUpContents(tx, self);
}
