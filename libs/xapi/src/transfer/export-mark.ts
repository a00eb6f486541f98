/** A VM that is being exported may not change. */
import type { Ref } from '@xenplane/model';
import { inTransaction } from '@xenplane/store';
import { admitVm } from '../admission';
import type { Plane } from '../context';
import { mark } from '../operation-store';

/** VM_BAD_POWER_STATE, OTHER_OPERATION_IN_PROGRESS and the like at once; while the work goes on, the VM is busy under the task. */
export async function withExportMark<T>(plane: Plane, vm: Ref<'VM'>, task: Ref<'task'>, work: () => Promise<T>): Promise<T> {
  await inTransaction(plane.store, async (tx) => {
    await admitVm({ tx }, vm, 'export');
    await mark(tx, task, [{ cls: 'VM', ref: vm, op: 'export' }]);
  });
  try {
    return await work();
  } finally {
    await plane.store.query('UPDATE vm SET current_operations = current_operations - $2::text WHERE ref = $1', [vm, task]);
    plane.store.wake();
  }
}
