import { classes, isNullRef, XenError, type OperationParams, type Ref, type StoredRecord } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import { copyVdi } from '../calls/vdi-clone';
import type { Context, Plane } from '../context';
import { contentBytes, revertLayers } from '../layers';

type Row = StoredRecord<'VDI'> & { readonly ref: Ref<'VDI'> };

/** Copies into an existing disk take its size as given; it must be able to hold the source. */
async function copyInto({ plane, tx }: Pick<Context, 'plane' | 'tx'>, source: Row, into: Ref<'VDI'>): Promise<Ref<'VDI'>> {
  const target = await tx.lock('VDI', into);
  if (target.virtual_size < source.virtual_size) throw new XenError('VDI_TOO_SMALL', into, String(source.virtual_size));
  await revertLayers(tx, plane.ids, into, source.ref, await contentBytes(tx, source.ref));
  return into;
}

export const vdiOperations = (plane: Plane) => ({
  copy: (run: Run<Tx>, { vdi, sr, into_vdi }: OperationParams<typeof classes.VDI, 'copy'>): Promise<Ref<'VDI'>> =>
    run.conclude('copy', async (tx) => {
      const source = await tx.lock('VDI', vdi);
      return isNullRef(into_vdi) ? copyVdi({ plane, tx }, source, sr) : copyInto({ plane, tx }, source, into_vdi);
    }),
});
