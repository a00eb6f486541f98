/**
 * The journal of work that one API process does while it goes on, transfers over HTTP and calls in the background: what each keeps
 * busy and what it has made. Whoever ends one takes its row
 * away in the transaction that frees what it held, so it ends once: by the process that carries it, or by the sweeper after that died.
 */
import { asRef, XenError, type Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import type { OperationStore } from '@xenplane/work';
import type { Plane } from '../core/context';
import type { BusyMark } from '../begin/busy-marks';
import { markBusy, unmarkBusy } from '../begin/busy-marks';
import { endTask, isFinal, type End } from '../begin/tasks';
import type { Made } from './import-state';
import { recount } from './recount';
import { undoImport } from './undo';
import {
  addMarks,
  insertTransfer,
  setMade,
  takeTransfer,
  transferBeats,
  type TakenTransfer,
} from '../tables/operations/transfers';

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

export const beginTransfer = (tx: Tx, { id, task }: Transfer): Promise<void> => insertTransfer(tx, id, task);

/** Objects that are busy until the transfer ends. */
export async function holdObject(tx: Tx, { id, task }: Transfer, marks: readonly BusyMark[]): Promise<void> {
  if (!(await addMarks(tx, id, marks))) throw new TransferLost(id);
  await markBusy(tx, task, marks);
}
/** Objects that go unless the transfer succeeds. */
export async function keepAlive(tx: Tx, { id }: Transfer, made: Made): Promise<void> {
  if (!(await setMade(tx, id, made))) throw new TransferLost(id);
}
type Left = TakenTransfer<BusyMark, Made>;

/** A transfer that has held and made nothing: it ends, and its task does not. */
export const releaseHeld = (tx: Tx, { id }: Transfer): Promise<unknown> => takeTransfer(tx, id);

/**
 * Frees what the transfer held and ends its task; what it made stays only with success. TransferLost when it is over already. The
 * last of the work is done once it is sure that nobody else ends the transfer meanwhile.
 */
export async function endTransfer(tx: Tx, { id }: Transfer, last: () => Promise<End>): Promise<void> {
  const left = await takeTransfer<BusyMark, Made>(tx, id);
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
    owned: () => transferBeats(plane.store),
    disown: ({ ref, beat }) =>
      inTransaction(plane.store, async (tx) => {
        const left = await takeTransfer<BusyMark, Made>(tx, ref, beat);
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
