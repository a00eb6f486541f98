import { isNullRef } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { removeVdi } from '../storage/vdi-clone';
import type { Made } from './import-state';
import { removeRun } from '../tables/runs/saved-runs';

/** Takes away what an import has made, as far as it is still there. */
export async function undoImport(tx: Tx, { vms, snapshots, disks, networks }: Made): Promise<void> {
  for (const vm of await tx.getMany('VM', [...snapshots, ...vms])) {
    for (const table of ['vbd', 'vif', 'vgpu', 'vtpm', 'console'])
      await tx.query(`DELETE FROM "${table}" WHERE "VM" = $1`, [vm.ref]);
    await removeRun(tx, vm.ref);
    await tx.remove('VM', vm.ref);
    if (!isNullRef(vm.metrics)) await tx.query('DELETE FROM vm_metrics WHERE ref = $1', [vm.metrics]);
    if (!isNullRef(vm.guest_metrics))
      await tx.query('DELETE FROM vm_guest_metrics WHERE ref = $1', [vm.guest_metrics]);
  }
  for (const vdi of await tx.getMany(
    'VDI',
    disks.flatMap((disk) => disk.ref ?? []),
  ))
    await removeVdi(tx, vdi);
  for (const network of await tx.getMany('network', networks)) await tx.remove('network', network.ref);
}
