/** The table `vm_run`, as far as it keeps the saved memory of VMs that do not run, and as VMs come and go. */
import type { Tx } from '@xenplane/store';

/** For a VM that is new. */
export async function insertSavedRun(tx: Tx, vm: string, saved: object): Promise<void> {
  await tx.query('INSERT INTO vm_run(vm, saved) VALUES ($1, $2)', [vm, JSON.stringify(saved)]);
}
/** The copy of a suspended VM has the same memory; a copy that runs keeps its own. */
export async function copySavedRun(tx: Tx, source: string, copy: string): Promise<void> {
  await tx.query(
    `INSERT INTO vm_run(vm, saved) SELECT $2, saved FROM vm_run WHERE vm = $1 ON CONFLICT (vm) DO UPDATE SET saved = excluded.saved WHERE vm_run.state = 'H'`,
    [source, copy],
  );
}
/** The memory of a VM that is being suspended; false when that run is over. */
export async function keepSavedMemory(
  tx: Tx,
  vm: string,
  epoch: number,
  saved: object,
): Promise<boolean> {
  const rows = await tx.query(
    "UPDATE vm_run SET saved = $3 WHERE vm = $1 AND vm_epoch = $2 AND state = 'S' RETURNING vm",
    [vm, epoch, JSON.stringify(saved)],
  );
  return rows.length > 0;
}
/** A domain that was built once more, in the same run; answers the domain before, undefined when the run is over. */
export async function setBoot(
  tx: Tx,
  vm: string,
  { epoch, boots, domid }: { readonly epoch: number; readonly boots: number; readonly domid: number },
): Promise<{ before: number } | undefined> {
  const [run] = await tx.query<{ before: number }>(
    `UPDATE vm_run r SET boots = $3, domid = $4 FROM (SELECT domid AS before FROM vm_run WHERE vm = $1 FOR UPDATE) old
     WHERE r.vm = $1 AND r.vm_epoch = $2 AND r.state = 'R' RETURNING old.before`,
    [vm, epoch, boots, domid],
  );
  return run;
}
export async function removeRun(tx: Tx, vm: string): Promise<void> {
  await tx.query('DELETE FROM vm_run WHERE vm = $1', [vm]);
}
