/**
 * The journal of work that one API process does while it goes on, transfers over HTTP and calls in the background: what each keeps
 * busy and what it has made. Whoever ends one takes its row
 * away in the transaction that frees what it held, so it ends once: by the process that carries it, or by the sweeper after that died.
 */
import { asRef, XenError, type Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import type { OperationStore, Sighting } from '@xenplane/work';
import type { Plane } from '../core/context';
import type { BusyMark } from '../begin/busy-marks';
import { markBusy, unmarkBusy } from '../begin/busy-marks';
import { endTask, isFinal, type End } from '../begin/tasks';
import type { Made } from './import-state';
import { recount } from './recount';
import { undoImport } from './undo';

export interface Transfer {
  readonly id: string;
  readonly task: Ref<'task'>;
}
/** Somebody else has ended the transfer: nothing that it does counts any more. */
export class TransferLost extends Error {
  constructor(id: string) {
    super(`the transfer ${id} was ended by another process`);
    this.name = 'TransferLost';
  }
}

export const beginTransfer = (tx: Tx, { id, task }: Transfer): Promise<unknown> =>
  tx.query('INSERT INTO transfer(id, task) VALUES ($1, $2)', [id, task]);

/** Objects that are busy until the transfer ends. */
export async function holdObject(tx: Tx, { id, task }: Transfer, marks: readonly BusyMark[]): Promise<void> {
  await noted(tx, id, 'marks = marks || $2::jsonb', marks);
  await markBusy(tx, task, marks);
}
/** Objects that go unless the transfer succeeds. */
export async function keepAlive(tx: Tx, { id }: Transfer, made: Made): Promise<void> {
  await noted(tx, id, 'made = $2::jsonb', made);
}
async function noted(tx: Tx, id: string, change: string, value: unknown): Promise<void> {
  const rows = await tx.query(`UPDATE transfer SET ${change} WHERE id = $1 RETURNING id`, [
    id,
    JSON.stringify(value),
  ]);
  if (rows.length === 0) throw new TransferLost(id);
}

interface Left {
  readonly task: Ref<'task'>;
  readonly marks: readonly BusyMark[];
  readonly made: Made | null;
}
const taken = 'RETURNING task, marks, made';

/** A transfer that has held and made nothing: it ends, and its task does not. */
export const releaseHeld = (tx: Tx, { id }: Transfer): Promise<unknown> =>
  tx.query('DELETE FROM transfer WHERE id = $1', [id]);

/**
 * Frees what the transfer held and ends its task; what it made stays only with success. TransferLost when it is over already. The
 * last of the work is done once it is sure that nobody else ends the transfer meanwhile.
 */
export async function endTransfer(tx: Tx, { id }: Transfer, last: () => Promise<End>): Promise<void> {
  const [left] = await tx.query<Left & Record<string, unknown>>(
    `DELETE FROM transfer WHERE id = $1 ${taken}`,
    [id],
  );
  if (!left) throw new TransferLost(id);
  await settle(tx, left, await last());
}

async function settle(tx: Tx, { task, marks, made }: Left, how: End): Promise<void> {
  const [row] = await tx.query<{ status: string }>('SELECT status FROM task WHERE ref = $1 FOR UPDATE', [
    task,
  ]);
  if (made && how.status !== 'success') await undoImport(tx, made);
  // A task that was cancelled in time takes back even what came whole.
  if (made && how.status === 'success' && row?.status === 'cancelled')
    throw new XenError('TASK_CANCELLED', task);
  await unmarkBusy(tx, task, marks);
  if (row && !isFinal(row.status)) await endTask(tx, task, how);
}

/** Nobody cancelled it and no argument was wrong: the server failed, and the client may try again. */
const died: End = {
  status: 'failure',
  error: ['INTERNAL_ERROR', 'The process that did the work ended before it was done'],
};

/** Transfers in the eyes of the sweeper, which ends those that it has watched stand still for long enough. */
export function abandonedTransfers(plane: Plane): Pick<OperationStore<unknown>, 'idle' | 'owned' | 'disown'> {
  return {
    idle: async () => [],
    owned: () =>
      plane.store.query<Sighting & { ref: string }>('SELECT id AS ref, 0 AS attempt, beat FROM transfer'),
    disown: ({ ref, beat }) =>
      inTransaction(plane.store, async (tx) => {
        const [left] = await tx.query<Left & Record<string, unknown>>(
          `DELETE FROM transfer WHERE id = $1 AND beat = $2 ${taken}`,
          [ref, beat],
        );
        if (!left) return undefined;
        await settle(tx, left, died);
        return left;
      }).then(async (left) => {
        if (!left) return false;
        plane.log.warn({ transfer: ref, task: left.task }, 'transfer of a dead process ended');
        for (const { cls, ref: disk, op } of left.marks)
          if (cls === 'VDI' && op === 'blocked') await recount(plane, asRef<'VDI'>(disk));
        return true;
      }),
  };
}
