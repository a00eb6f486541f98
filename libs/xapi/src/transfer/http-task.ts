/**
 * The task of an HTTP transfer: the client's own, adopted and brought to its end here, or one made for it. What the transfer keeps
 * busy and makes meanwhile hangs on it, and goes with it.
 */
import { asRef, XenError, type Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import type { Plane, Session } from '../core/context';
import type { BusyMark } from '../begin/busy-marks';
import { assertMayChange, endOfError, insertTask, type TaskHead } from '../begin/tasks';
import type { TransferHeartbeats } from './transfer-heartbeats';
import type { Made } from './import-state';
import * as journal from './journal';

const watchMs = 1000;

export class HttpTask {
  private reported = -1;
  private ended = false;
  private readonly transfer: journal.Transfer;
  private readonly lost = new AbortController();

  private constructor(
    private readonly plane: Plane,
    private readonly beats: TransferHeartbeats,
    readonly ref: Ref<'task'>,
  ) {
    this.transfer = { id: plane.ids.uuid(), task: ref };
  }

  /** HANDLE_INVALID when the client names a task that does not exist; TASK_CANCELLED when it has cancelled it meanwhile. */
  static async adopt(plane: Plane, beats: TransferHeartbeats, ref: string): Promise<HttpTask> {
    const task = new HttpTask(plane, beats, asRef<'task'>(ref));
    const { current_operations } = await task.begin((tx) => tx.lock('task', task.ref));
    if (!Object.values(current_operations).includes('cancel')) return task;
    const cancelled = new XenError('TASK_CANCELLED', ref);
    await task.fail(cancelled);
    throw cancelled;
  }

  static async make(plane: Plane, beats: TransferHeartbeats, made: NewHttpTask): Promise<HttpTask> {
    const task = new HttpTask(plane, beats, asRef<'task'>(`OpaqueRef:${plane.ids.uuid()}`));
    await task.begin((tx) => insertTask(tx, { ref: task.ref, ...made }));
    return task;
  }

  private async begin<T>(first: (tx: Tx) => Promise<T>): Promise<T> {
    const answer = await inTransaction(this.plane.store, async (tx) => {
      const found = await first(tx);
      await journal.beginTransfer(tx, this.transfer);
      return found;
    });
    this.beats.carry(this.transfer.id, () => this.lost.abort());
    return answer;
  }

  /** Refuses a task that the session may not change; such a task is let go as it was. */
  async assertMayUse(session: Session): Promise<void> {
    try {
      await inTransaction(this.plane.store, (tx) => assertMayChange(tx, session, this.ref));
    } catch (error) {
      this.ended = true;
      this.beats.drop(this.transfer.id);
      await inTransaction(this.plane.store, (tx) => journal.releaseHeld(tx, this.transfer));
      throw error;
    }
  }

  /** These are busy under the task until it ends. */
  hold(tx: Tx, marks: readonly BusyMark[]): Promise<void> {
    return journal.holdObject(tx, this.transfer, marks);
  }
  /** These go again unless the task succeeds. */
  keep(tx: Tx, made: Made): Promise<void> {
    return journal.keepAlive(tx, this.transfer, made);
  }

  /** 0 to 1, written in steps of a hundredth. */
  async progress(fraction: number): Promise<void> {
    if (fraction - this.reported < 0.01) return;
    this.reported = fraction;
    await this.plane.store.query("UPDATE task SET progress = $2 WHERE ref = $1 AND status = 'pending'", [
      this.ref,
      Math.min(1, fraction),
    ]);
    this.plane.store.wake();
  }

  /** Success, in one transaction with the last of the work, which answers the result: an XML-RPC value, or nothing. */
  async conclude(work: (tx: Tx) => Promise<string>): Promise<void> {
    if (this.ended) return;
    this.beats.drop(this.transfer.id);
    await inTransaction(this.plane.store, (tx) =>
      journal.endTransfer(tx, this.transfer, async () => ({ status: 'success', result: await work(tx) })),
    );
    this.ended = true;
  }
  async succeed(result: string): Promise<void> {
    await this.conclude(async () => result);
  }

  /** The made objects are removed, in the same transaction. Where that cannot be, the sweeper does it later. */
  async fail(error: XenError): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    this.beats.drop(this.transfer.id);
    try {
      await inTransaction(this.plane.store, (tx) =>
        journal.endTransfer(tx, this.transfer, async () => endOfError(error)),
      );
    } catch (cause) {
      if (!(cause instanceof journal.TransferLost)) throw cause;
    }
  }

  /** Resolves when the work is to stop: somebody cancels the task, or another process has ended it. Ends with the signal. */
  async whenCancelled(told: () => void, signal: AbortSignal): Promise<void> {
    this.lost.signal.addEventListener('abort', told, { once: true, signal });
    while (!signal.aborted) {
      const task = this.plane.replica.record('task', this.ref);
      if (task?.status === 'cancelled' || task?.status === 'cancelling') return told();
      await this.plane.replica.waitForMove(watchMs, signal);
    }
  }
}

export interface NewHttpTask extends TaskHead {
  readonly label: string;
  readonly session: Session;
}
