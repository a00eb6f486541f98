/** Changed-block tracking: which disks are tracked, and what is kept of a snapshot whose contents are given up. */
import { vdiLifecycle } from '@xenplane/domain';
import { XenError, type CallsOf, type classes, type Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import { admitVdi } from '../begin/admission';
import type { Context, Outside, Plane } from '../core/context';
import { giveUpContents } from '../tables/layers/layers';
import { isPlugged, vdiFromTx } from '../begin/lifecycle-subjects';

export async function setTracking(context: Context, self: Ref<'VDI'>, enabled: boolean): Promise<void> {
  const vdi = await admitVdi(context, self, enabled ? 'enable_cbt' : 'disable_cbt');
  if (!(await isPlugged(context.tx, vdi.SR))) throw new XenError('SR_HAS_NO_PBDS', vdi.SR);
  if (vdi.cbt_enabled !== enabled) await context.tx.update('VDI', self, { cbt_enabled: enabled });
}

/** As long as xapi waits for whoever uses the disk: a backup that has just disconnected is gone a moment later. */
const usersMs = 4_000;

async function usersGone({ replica, clock }: Plane, vdi: Ref<'VDI'>): Promise<void> {
  const deadline = clock.monotonic() + usersMs;
  await replica.fresh();
  for (;;) {
    const busy = Object.values(replica.record('VDI', vdi)?.current_operations ?? {}),
      held = replica.pointingAt('VBD.VDI', vdi).length > 0,
      leftMs = deadline - clock.monotonic();
    if ((!busy.includes('copy') && !held) || leftMs <= 0) return;
    await replica.waitForMove(leftMs);
  }
}

/** Impossible requests are refused at once, readers left aside; false when there is nothing left to do. */
async function mayDestroy(tx: Tx, self: Ref<'VDI'>): Promise<boolean> {
  const vdi = await tx.get('VDI', self);
  const current_operations = Object.fromEntries(
    Object.entries(vdi.current_operations).filter(([, op]) => op !== 'copy'),
  );
  const refused = vdiLifecycle.refusal('data_destroy', await vdiFromTx(tx, { ...vdi, current_operations }));
  if (refused) throw refused;
  return vdi.type !== 'cbt_metadata';
}

/** The snapshot's place in the tree of layers stays, and the changed blocks of each layer: enough to list the changes since. */
async function destroyContents(tx: Tx, self: Ref<'VDI'>): Promise<void> {
  const vdi = await admitVdi({ tx }, self, 'data_destroy');
  if (vdi.type === 'cbt_metadata') return;
  if ((await tx.find('VBD', { VDI: self })).length > 0)
    throw new XenError('VDI_IN_USE', self, 'data_destroy');
  await tx.update('VDI', self, { type: 'cbt_metadata' });
  await giveUpContents(tx, self);
}

export const trackingOutside: Pick<CallsOf<typeof classes.VDI, Outside>, 'data_destroy'> = {
  data_destroy: async ({ plane }, { self }) => {
    if (!(await inTransaction(plane.store, (tx) => mayDestroy(tx, self)))) return;
    await usersGone(plane, self);
    await inTransaction(plane.store, (tx) => destroyContents(tx, self));
  },
};
