/** The end of a VM's run: its reservation is freed and its record says Halted. One statement each for any number of VMs. */
import type { Tx } from '@xenplane/store';
import { freePassedDevices } from '../passed-pcis';
import type { Plane } from '../../core/context';
import { recordLostRuns, alertLostVms } from './lost-runs';

/** Gives back what the VMs had reserved (R14) and ends their runs; the caller has decided that they run no more. */
export async function endRuns(tx: Tx, vms: readonly string[]): Promise<void> {
  if (vms.length === 0) return;
  await tx.query("UPDATE vm_run SET state = 'H', since = now() WHERE vm = ANY($1)", [vms]);
  await freeReservations(tx, vms);
}

/**
 * Ends all that runs on a host, or is asked to; answers which VMs. The caller has decided that nothing of it runs any more, and
 * whether it was lost: ended by nobody's wish.
 */
export async function endRunsOfHost(
  tx: Tx,
  plane: Plane,
  host: string,
  { lost }: { readonly lost: boolean },
): Promise<readonly string[]> {
  const runs = await tx.query<{ vm: string }>(
    "SELECT vm FROM vm_run WHERE host = $1 AND state <> 'H' ORDER BY vm FOR UPDATE",
    [host],
  );
  const vms = runs.map((r) => r.vm);
  if (lost) await alertLostVms(tx, plane, await recordLostRuns(tx, vms));
  await endRuns(tx, vms);
  await showEnded(tx, vms);
  return vms;
}

/** The records of VMs whose runs were ended by nobody's wish. One whose resume was not over is suspended as before: its memory is where it was. */
export async function showEnded(tx: Tx, vms: readonly string[]): Promise<void> {
  if (vms.length === 0) return;
  const rows = await tx.query<{ ref: string }>(
    `UPDATE vm SET scheduled_to_be_resident_on = NULL WHERE ref IN (SELECT ref FROM vm WHERE ref = ANY($1) AND power_state = 'Suspended' ORDER BY ref FOR NO KEY UPDATE) RETURNING ref`,
    [[...vms]],
  );
  const suspended = new Set(rows.map(({ ref }) => ref));
  if (suspended.size > 0) await freePassedDevices(tx, [...suspended]);
  await showHalted(
    tx,
    vms.filter((vm) => !suspended.has(vm)),
  );
}

export async function freeReservations(tx: Tx, vms: readonly string[]): Promise<void> {
  await tx.query(
    `WITH gone AS (DELETE FROM reservation WHERE vm = ANY($1) RETURNING host, memory, vcpus),
          sums AS (SELECT host, sum(memory) AS memory, sum(vcpus) AS vcpus, count(*) AS vms FROM gone GROUP BY host),
          locked AS (SELECT h.host, s.memory, s.vcpus, s.vms FROM host_run h JOIN sums s ON s.host = h.host ORDER BY h.host FOR UPDATE OF h)
     UPDATE host_run h SET memory_free = h.memory_free + l.memory, vcpus_placed = h.vcpus_placed - l.vcpus, vms_placed = h.vms_placed - l.vms
     FROM locked l WHERE h.host = l.host`,
    [vms],
  );
}

/** The records of VMs that stopped running, with all that xapi resets at Halted; what the guest has said stays until the next start. */
export async function showHalted(tx: Tx, vms: readonly string[]): Promise<void> {
  if (vms.length === 0) return;
  const refs = [...vms].sort();
  await tx.query(
    `WITH silent AS (UPDATE vm_guest_metrics g SET live = false FROM vm v WHERE v.ref = ANY($1) AND g.ref = v.guest_metrics)
     UPDATE vm SET power_state = 'Halted', resident_on = NULL, scheduled_to_be_resident_on = NULL, domid = -1, requires_reboot = false WHERE ref = ANY($1)`,
    [refs],
  );
  await detachDevices(tx, refs);
}

export async function detachDevices(tx: Tx, vms: readonly string[]): Promise<void> {
  await tx.query(
    `UPDATE vbd SET currently_attached = false, current_operations = '{}' WHERE "VM" = ANY($1) AND (currently_attached OR current_operations <> '{}')`,
    [vms],
  );
  await tx.query(
    `UPDATE vif SET currently_attached = false, current_operations = '{}' WHERE "VM" = ANY($1) AND (currently_attached OR current_operations <> '{}')`,
    [vms],
  );
  await freePassedDevices(tx, vms);
  await tx.query('DELETE FROM console WHERE "VM" = ANY($1)', [vms]);
}

/** True while anything runs on the host, or is asked to. */
export async function hostHasRun(tx: Tx, host: string): Promise<boolean> {
  const [run] = await tx.query(`SELECT 1 FROM vm_run WHERE host = $1 AND state <> 'H' LIMIT 1`, [host]);
  return run !== undefined;
}
