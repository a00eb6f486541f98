/** The run of a VM: which host it is placed on, under which epochs. Every change is one conditional statement. */
import { asRef, XenError, type Ref } from '@xenplane/model';
import type { SavedImage } from '@xenplane/hypervisor';
import type { Tx } from '@xenplane/store';
import { Superseded, type Patience, type PlacedVm } from '../../core/agents';
import { endRuns, showHalted } from './halted-runs';
import { Later, Parked, type Run } from '@xenplane/work';

export interface RunRow extends PlacedVm {
  readonly boots: number;
  readonly domid: number;
}
type RunState = 'A' | 'C' | 'R' | 'S' | 'M';

const columns = 'v.uuid, r.vm_epoch, r.host, r.host_epoch, r.boots, r.domid';
interface Columns {
  uuid: string;
  vm_epoch: number;
  host: string;
  host_epoch: number;
  boots: number;
  domid: number;
}
const asRun = (r: Columns): RunRow => ({
  vm: r.uuid,
  vmEpoch: r.vm_epoch,
  host: asRef(r.host),
  hostEpoch: r.host_epoch,
  boots: r.boots,
  domid: r.domid,
});

/** A run on its way to another host is waited for: either end of the move leaves it at rest. */
async function untilAtRest(tx: Tx, vm: Ref<'VM'>): Promise<void> {
  const [moving] = await tx.query("SELECT 1 AS yes FROM vm_run WHERE vm = $1 AND state IN ('M', 'A', 'C')", [
    vm,
  ]);
  if (moving)
    throw new Later(100, 600_000, new XenError('OTHER_OPERATION_IN_PROGRESS', 'VM', vm, 'pool_migrate', ''));
}

/** The present run of a VM that is up; VM_BAD_POWER_STATE-like refusals were made before: what is gone now went meanwhile. */
export async function currentRun(tx: Tx, vm: Ref<'VM'>): Promise<RunRow> {
  const [row] = await tx.query<Columns>(
    `SELECT ${columns} FROM vm_run r JOIN vm v ON v.ref = r.vm WHERE r.vm = $1 AND r.state IN ('R', 'S') FOR UPDATE OF r`,
    [vm],
  );
  if (row) return asRun(row);
  await untilAtRest(tx, vm);
  throw new Superseded(vm);
}

/** An operation's changes to a run count only while the run goes on, with the same domain. */
export async function assertUp(tx: Tx, vm: Ref<'VM'>, { vmEpoch, host, boots }: RunRow): Promise<void> {
  const [row] = await tx.query(
    "SELECT 1 AS yes FROM vm_run WHERE vm = $1 AND vm_epoch = $2 AND boots = $3 AND state = 'R' FOR UPDATE",
    [vm, vmEpoch, boots],
  );
  if (!row) throw new Superseded(vm, host);
}

/** Moves a run between states; undefined when it is no longer in `from`. */
export async function changeRunState(
  tx: Tx,
  vm: Ref<'VM'>,
  epoch: number,
  from: readonly RunState[],
  to: RunState,
): Promise<RunRow | undefined> {
  const [row] = await tx.query<Columns>(
    `UPDATE vm_run r SET state = $4, since = now() FROM vm v WHERE v.ref = r.vm AND r.vm = $1 AND r.vm_epoch = $2 AND r.state = ANY($3::text[]) RETURNING ${columns}`,
    [vm, epoch, [...from], to],
  );
  return row && asRun(row);
}

/** Begins a stop: from now on only the stop says what becomes of the VM. */
export async function beginStop(tx: Tx, vm: Ref<'VM'>): Promise<RunRow | undefined> {
  const [row] = await tx.query<Columns>(
    `UPDATE vm_run r SET state = 'S', since = now() FROM vm v WHERE v.ref = r.vm AND r.vm = $1 AND r.state IN ('C', 'R', 'S') RETURNING ${columns}`,
    [vm],
  );
  if (!row) await untilAtRest(tx, vm);
  return row && asRun(row);
}

/** Ends this very run and shows the VM halted; nothing when another run has begun since (R9, R10). */
export async function endRun(tx: Tx, vm: Ref<'VM'>, epoch: number): Promise<boolean> {
  const rows = await tx.query(
    "SELECT 1 AS yes FROM vm_run WHERE vm = $1 AND vm_epoch = $2 AND state <> 'H' FOR UPDATE",
    [vm, epoch],
  );
  if (rows.length === 0) return false;
  await endRuns(tx, [vm]);
  return true;
}

export async function haltVm(tx: Tx, vm: Ref<'VM'>, epoch: number): Promise<void> {
  if (await endRun(tx, vm, epoch)) await showHalted(tx, [vm]);
}

export async function savedImage(tx: Tx, vm: Ref<'VM'>): Promise<SavedImage | undefined> {
  const [row] = await tx.query<{ saved: SavedImage | null }>('SELECT saved FROM vm_run WHERE vm = $1', [vm]);
  return row?.saved ?? undefined;
}

/** Nothing has to be made good of a domain that is no more. */
export function unlessGone(error: unknown): void {
  if (!(error instanceof Superseded)) throw error;
}

const restMs = 250;
/** A host that is lost is fenced long before: one that renews its lease and cannot be reached is given up after this. */
const contactLimitMs = 120_000;
/** Waits as the operation that runs would: may be stopped at safe points, reports its progress, and is parked when it takes long. */
export const patienceOf = (run: Run<Tx>): Patience => ({
  checkpoint: () => run.checkpoint(),
  progress: (fraction) => run.progress(fraction),
  rest: (unreachable) => {
    throw unreachable
      ? new Later(restMs, contactLimitMs, new XenError('CANNOT_CONTACT_HOST', unreachable))
      : new Parked(run.ref, restMs);
  },
});
/** Waits for what must not be left half done. */
export const steadfast: Patience = { checkpoint: () => undefined, progress: async () => undefined };
