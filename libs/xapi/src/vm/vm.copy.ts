import { classes, isNullRef, type OperationParams, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import { copyRecord } from './vm-clone';
import { cloneVdi, copyVdi } from '../storage/vdi-clone';
import type { Plane } from '../core/context';

/** A full copy: every disk anew, in the storage that is named or where it was. */
export const vmCopy = (plane: Plane) => ({
  copy: (
    run: Run<Tx>,
    { vm, new_name, sr }: OperationParams<typeof classes.VM, 'copy'>,
  ): Promise<Ref<'VM'>> =>
    run.conclude('copy', async (tx) => {
      const context = { plane, tx };
      const source = await tx.lock('VM', vm);
      return copyRecord(context, source, {
        name: new_name,
        copyDisk: (vdi) =>
          isNullRef(sr) || sr === vdi.SR ? cloneVdi(context, vdi) : copyVdi(context, vdi, sr),
      });
    }),
});
