/** A run that moves to another host: each change of who owns it is one conditional statement (R13, R14). */
import { asRef, type Ref } from '@xenplane/model';
import type { DomainSpec } from '@xenplane/hypervisor';
import type { Tx } from '@xenplane/store';
import { inUrl } from '../../core/addressing';
import type { PlacedVm } from '../../core/agents';
import { endRuns, showHalted } from './halted-runs';

export interface RunMigration {
  readonly ref: Ref<'VM'>;
  readonly source: PlacedVm;
  readonly target: PlacedVm;
  readonly attempt: number;
  readonly boots: number;
  readonly spec: DomainSpec;
}

interface Begun {
  uuid: string;
  vm_epoch: number;
  source: string;
  source_epoch: number;
  boots: number;
  attempt: number;
  new_epoch: number;
  target_epoch: number;
}

/** Room at the target, and the run marked as moving; undefined when the target has no room any more or the VM runs no more. */
export async function beginMigration(
  tx: Tx,
  vm: Ref<'VM'>,
  host: Ref<'host'>,
  spec: DomainSpec,
): Promise<RunMigration | undefined> {
  const [row] = await tx.query<Begun>(
    `WITH mine AS (SELECT r.vm, r.host, s.memory, s.vcpus FROM vm_run r JOIN reservation s ON s.vm = r.vm AND s.vm_epoch = r.vm_epoch WHERE r.vm = $1 AND r.state = 'R'),
          room AS (UPDATE host_run h SET memory_free = h.memory_free - m.memory, vcpus_placed = h.vcpus_placed + m.vcpus, vms_placed = h.vms_placed + 1
                   FROM mine m WHERE h.host = $2 AND m.host <> $2 AND h.alive AND h.accepting AND h.memory_free >= m.memory RETURNING h.host, h.host_epoch, m.memory, m.vcpus),
          reserved AS (INSERT INTO reservation(vm, vm_epoch, host, memory, vcpus) SELECT $1, nextval('vm_epochs'), host, memory, vcpus FROM room RETURNING vm_epoch),
          moved AS (UPDATE vm_run r SET state = 'M', attempt = r.attempt + 1, since = now() FROM room WHERE r.vm = $1 AND r.state = 'R' RETURNING r.*)
     UPDATE vm v SET scheduled_to_be_resident_on = $2 FROM moved m, reserved n, room t WHERE v.ref = $1
     RETURNING v.uuid, m.vm_epoch, m.host AS source, m.host_epoch AS source_epoch, m.boots, m.attempt, n.vm_epoch AS new_epoch, t.host_epoch AS target_epoch`,
    [vm, host],
  );
  if (!row) return undefined;
  return {
    ref: vm,
    source: { vm: row.uuid, vmEpoch: row.vm_epoch, host: asRef(row.source), hostEpoch: row.source_epoch },
    target: { vm: row.uuid, vmEpoch: row.new_epoch, host, hostEpoch: row.target_epoch },
    attempt: row.attempt,
    boots: row.boots,
    spec,
  };
}

/** The one moment at which the VM changes hands: it is the target's to wake, and the source's no more. False when the move is over already. */
export async function commitMigration(
  tx: Tx,
  { ref, source, target, attempt }: RunMigration,
): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE vm_run r SET vm_epoch = $4, host = h.host, host_epoch = h.host_epoch, state = 'A', claim_nonce = NULL, domid = -1, since = now() FROM host_run h
     WHERE r.vm = $1 AND r.vm_epoch = $2 AND r.state = 'M' AND r.attempt = $3 AND h.host = $5 AND h.host_epoch = $6 AND h.alive RETURNING r.vm`,
    [ref, source.vmEpoch, attempt, target.vmEpoch, target.host, target.hostEpoch],
  );
  return rows.length > 0;
}

/** Shows the VM where it runs now, and gives back its place at the source. False when the run has ended meanwhile. */
export async function showMigrated(
  tx: Tx,
  { ref, source, target }: RunMigration,
  domid: number,
): Promise<boolean> {
  const rows = await tx.query(
    `WITH run AS (UPDATE vm_run SET state = 'R', domid = $4, since = now() WHERE vm = $1 AND vm_epoch = $2 AND host = $3 AND state IN ('C', 'R') RETURNING vm),
          places AS (UPDATE console c SET location = 'https://' || ${inUrl('h.address')} || '/console?uuid=' || c.uuid FROM run, host h WHERE c."VM" = run.vm AND h.ref = $3),
          figures AS (UPDATE vm_metrics m SET last_updated = now() FROM run, vm v WHERE v.ref = run.vm AND m.ref = v.metrics)
     UPDATE vm SET resident_on = $3, scheduled_to_be_resident_on = NULL, domid = $4 FROM run WHERE vm.ref = run.vm RETURNING vm.ref`,
    [ref, target.vmEpoch, target.host, domid],
  );
  await releaseReservation(tx, ref, source.vmEpoch);
  return rows.length > 0;
}

/** The owner of the VM: `another` is later work at the source that has nothing to do with this migration. */
export type RunOwner = 'source' | 'target' | 'another' | 'nobody';
/** Gives the move up if it has not changed hands; answers who owns the VM from now on. */
export async function abortMigration(
  tx: Tx,
  { ref, source, target, attempt }: RunMigration,
): Promise<RunOwner> {
  const [run] = await tx.query<{ vm_epoch: number; state: string; attempt: number }>(
    'SELECT vm_epoch, state, attempt FROM vm_run WHERE vm = $1 FOR UPDATE',
    [ref],
  );
  if (!run || run.state === 'H') return 'nobody';
  if (run.vm_epoch === target.vmEpoch) return 'target';
  if (run.vm_epoch !== source.vmEpoch) return 'nobody';
  if (run.attempt !== attempt || (run.state !== 'M' && run.state !== 'R')) return 'another';
  await tx.query("UPDATE vm_run SET state = 'R', since = now() WHERE vm = $1 AND state = 'M'", [ref]);
  return 'source';
}

/** Gives back one reservation of a VM that has, or had, two. */
export async function releaseReservation(tx: Tx, vm: Ref<'VM'>, epoch: number): Promise<void> {
  await tx.query(
    `WITH gone AS (DELETE FROM reservation WHERE vm = $1 AND vm_epoch = $2 RETURNING host, memory, vcpus)
     UPDATE host_run h SET memory_free = h.memory_free + g.memory, vcpus_placed = h.vcpus_placed - g.vcpus, vms_placed = h.vms_placed - 1 FROM gone g WHERE h.host = g.host`,
    [vm, epoch],
  );
}

/** The move was given up and nothing of it is left at the target. */
export async function releaseTarget(tx: Tx, { ref, target }: RunMigration): Promise<void> {
  await releaseReservation(tx, ref, target.vmEpoch);
  await tx.query(
    'UPDATE vm SET scheduled_to_be_resident_on = NULL WHERE ref = $1 AND scheduled_to_be_resident_on = $2',
    [ref, target.host],
  );
}

/** The guest could not be woken where it is: it is halted, as after a crash. */
export async function endMigratedRun(tx: Tx, { ref, target }: RunMigration): Promise<void> {
  const rows = await tx.query(
    "SELECT 1 AS yes FROM vm_run WHERE vm = $1 AND vm_epoch = $2 AND state <> 'H' FOR UPDATE",
    [ref, target.vmEpoch],
  );
  if (rows.length === 0) return;
  await endRuns(tx, [ref]);
  await showHalted(tx, [ref]);
}
