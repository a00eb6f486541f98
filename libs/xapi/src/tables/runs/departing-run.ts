/** The run of a VM that leaves for another pool: each change of who may wake the guest is one conditional statement (R13). */
import { asRef, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { DomainSpec } from '@xenplane/hypervisor';
import type { PlacedVm } from '../../core/agents';
import { endRuns } from './halted-runs';

export interface DepartingRun {
  readonly ref: Ref<'VM'>;
  readonly source: PlacedVm;
  readonly attempt: number;
  readonly boots: number;
  readonly spec: DomainSpec;
}
interface Begun {
  uuid: string;
  vm_epoch: number;
  host: string;
  host_epoch: number;
  boots: number;
  attempt: number;
}

/** Undefined when the VM runs no more. */
export async function beginDeparture(
  tx: Tx,
  ref: Ref<'VM'>,
  spec: DomainSpec,
): Promise<DepartingRun | undefined> {
  const [row] = await tx.query<Begun>(
    `UPDATE vm_run r SET state = 'M', attempt = r.attempt + 1, since = now() FROM vm v WHERE v.ref = r.vm AND r.vm = $1 AND r.state = 'R'
     RETURNING v.uuid, r.vm_epoch, r.host, r.host_epoch, r.boots, r.attempt`,
    [ref],
  );
  return (
    row && {
      ref,
      source: { vm: row.uuid, vmEpoch: row.vm_epoch, host: asRef(row.host), hostEpoch: row.host_epoch },
      attempt: row.attempt,
      boots: row.boots,
      spec,
    }
  );
}

/** Gives it up, if the guest is still ours; answers whether it is to be woken here. */
export async function abortDeparture(tx: Tx, { ref, source, attempt }: DepartingRun): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE vm_run SET state = 'R', since = CASE state WHEN 'M' THEN now() ELSE since END WHERE vm = $1 AND vm_epoch = $2 AND attempt = $3 AND state IN ('M', 'R') RETURNING vm`,
    [ref, source.vmEpoch, attempt],
  );
  return rows.length > 0;
}

/** The one moment from which on the guest is the other pool's to wake, and ours no more. False when the run has ended meanwhile. */
export async function completeDeparture(tx: Tx, { ref, source, attempt }: DepartingRun): Promise<boolean> {
  const rows = await tx.query(
    `SELECT 1 AS yes FROM vm_run WHERE vm = $1 AND vm_epoch = $2 AND attempt = $3 AND state = 'M' FOR UPDATE`,
    [ref, source.vmEpoch, attempt],
  );
  if (rows.length > 0) await endRuns(tx, [ref]);
  return rows.length > 0;
}
