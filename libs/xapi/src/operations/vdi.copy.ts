import { classes, isNullRef, XenError, type OperationParams, type Ref, type StoredRecord } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import { assertSrCan, insertCopy } from '../calls/vdi-clone';
import type { Context, Plane } from '../context';

type Row = StoredRecord<'VDI'> & { readonly ref: Ref<'VDI'> };

/** A disk of its own in another repository. */
export async function copyVdi(context: Pick<Context, 'plane' | 'tx'>, { ref: _source, ...vdi }: Row, sr: Ref<'SR'>): Promise<Ref<'VDI'>> {
  await assertSrCan(context, sr, 'VDI_CREATE');
  return insertCopy(context, vdi, { SR: sr });
}

/** Copies into an existing disk take its size as given; it must be able to hold the source. */
async function copyInto({ tx }: Pick<Context, 'tx'>, source: Row, into: Ref<'VDI'>): Promise<Ref<'VDI'>> {
  const target = await tx.lock('VDI', into);
  if (target.virtual_size < source.virtual_size) throw new XenError('VDI_TOO_SMALL', into, String(source.virtual_size));
  await tx.update('VDI', into, { physical_utilisation: source.physical_utilisation });
  return into;
}

export const vdiOperations = (plane: Plane) => ({
  copy: (run: Run<Tx>, { vdi, sr, into_vdi }: OperationParams<typeof classes.VDI, 'copy'>): Promise<Ref<'VDI'>> =>
    run.conclude('copy', async (tx) => {
      const source = await tx.lock('VDI', vdi);
      return isNullRef(into_vdi) ? copyVdi({ plane, tx }, source, sr) : copyInto({ tx }, source, into_vdi);
    }),
});
