/** Changed-block tracking: which disks are tracked, and what is kept of a snapshot whose contents are given up. */
import { XenError, type CallsOf, type classes, type Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import { admitVdi } from '../admission';
import type { Context, Outside, Plane } from '../context';
import { giveUpContents } from '../layers';
import { isPlugged } from '../subjects';

export async function setTracking(context: Context, self: Ref<'VDI'>, enabled: boolean): Promise<void> {
  const vdi = await admitVdi(context, self, enabled ? 'enable_cbt' : 'disable_cbt');
  if (!(await isPlugged(context.tx, vdi.SR))) throw new XenError('SR_HAS_NO_PBDS', vdi.SR);
  if (vdi.cbt_enabled !== enabled) await context.tx.update('VDI', self, { cbt_enabled: enabled });
}

/** As long as xapi waits for whoever reads the disk: a backup that has just disconnected is gone a moment later. */
const readersMs = 4_000;

async function readersGone({ replica, clock }: Plane, vdi: Ref<'VDI'>): Promise<void> {
  const deadline = clock.monotonic() + readersMs;
  await replica.fresh();
  for (;;) {
    const busy = Object.values(replica.record('VDI', vdi)?.current_operations ?? {}),
      leftMs = deadline - clock.monotonic();
    if (!busy.includes('copy') || leftMs <= 0) return;
    await replica.waitForMove(leftMs);
  }
}

/** What stays is where the snapshot lay in the tree of layers, and what each of those changed: enough to say what is new since. */
async function destroyContents(tx: Tx, self: Ref<'VDI'>): Promise<void> {
  const vdi = await admitVdi({ tx }, self, 'data_destroy');
  if (vdi.type === 'cbt_metadata') return;
  for (const vbd of await tx.find('VBD', { VDI: self })) {
    if (vbd.currently_attached) throw new XenError('VDI_IN_USE', self, 'data_destroy');
    await tx.remove('VBD', vbd.ref);
  }
  await tx.update('VDI', self, { type: 'cbt_metadata' });
  await giveUpContents(tx, self);
}

export const trackingOutside: Pick<CallsOf<typeof classes.VDI, Outside>, 'data_destroy'> = {
  data_destroy: async ({ plane }, { self }) => {
    await readersGone(plane, self);
    await inTransaction(plane.store, (tx) => destroyContents(tx, self));
  },
};
