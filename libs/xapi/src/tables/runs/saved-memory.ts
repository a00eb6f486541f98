/** The memory that was saved of VMs without a run: of suspended VMs, snapshots and copies. It is kept in `vm_run`. */
import type { SavedImage } from '@xenplane/hypervisor';
import type { Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';

/** Of a VM that is made with it. */
export async function insertSaved(tx: Tx, vm: Ref<'VM'>, saved: SavedImage): Promise<void> {
  await tx.query('INSERT INTO vm_run(vm, saved) VALUES ($1, $2)', [vm, JSON.stringify(saved)]);
}
/** A VM at rest gets what another has saved. */
export async function copySaved(tx: Tx, from: Ref<'VM'>, to: Ref<'VM'>): Promise<void> {
  await tx.query(
    `INSERT INTO vm_run(vm, saved) SELECT $2, saved FROM vm_run WHERE vm = $1 ON CONFLICT (vm) DO UPDATE SET saved = excluded.saved WHERE vm_run.state = 'H'`,
    [from, to],
  );
}
/** For a VM whose memory is being saved; false when its run is over. */
export async function setSaved(
  tx: Tx,
  vm: Ref<'VM'>,
  { vmEpoch }: { readonly vmEpoch: number },
  saved: SavedImage,
): Promise<boolean> {
  const rows = await tx.query(
    "UPDATE vm_run SET saved = $3 WHERE vm = $1 AND vm_epoch = $2 AND state = 'S' RETURNING vm",
    [vm, vmEpoch, JSON.stringify(saved)],
  );
  return rows.length > 0;
}
/** With the VM. */
export async function removeRun(tx: Tx, vm: Ref<'VM'>): Promise<void> {
  await tx.query('DELETE FROM vm_run WHERE vm = $1', [vm]);
}
