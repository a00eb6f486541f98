import { classes, isNullRef, type OperationParams, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import { copyVdi } from './vdi-clone';
import { copyInto, moveFamily } from './vdi-move';
import type { Plane } from '../core/context';
import { vdiChanges } from './vdi.changes';

/** A copy is a disk of its own from the moment that it is there: blocks are never changed in place, so none need be moved for it. */
export const vdiOperations = (plane: Plane) => ({
  copy: (
    run: Run<Tx>,
    { vdi, sr, base_vdi, into_vdi }: OperationParams<typeof classes.VDI, 'copy'>,
  ): Promise<Ref<'VDI'>> =>
    run.conclude('copy', async (tx) => {
      const source = await tx.lock('VDI', vdi);
      return isNullRef(into_vdi)
        ? copyVdi({ plane, tx }, source, sr)
        : copyInto({ plane, tx }, source, into_vdi, base_vdi);
    }),
  pool_migrate: (
    run: Run<Tx>,
    { vdi, sr }: OperationParams<typeof classes.VDI, 'pool_migrate'>,
  ): Promise<Ref<'VDI'>> => run.conclude('move', (tx) => moveFamily({ plane, tx }, vdi, sr)),
  ...vdiChanges(plane),
});
