/** The task of an HTTP transfer: the client's own, adopted and brought to its end here, or one made for it. */
import { asRef, XenError, type Ref } from '@xenplane/model';
import { inTransaction } from '@xenplane/store';
import type { Plane, Session } from './context';
import { endTask, insertTask, isFinal } from './tasks';

const watchMs = 1000;

export class HttpTask {
  private reported = -1;

  private constructor(
    private readonly plane: Plane,
    readonly ref: Ref<'task'>,
  ) {}

  /** HANDLE_INVALID when the client names a task that does not exist. */
  static async adopt(plane: Plane, ref: string): Promise<HttpTask> {
    await inTransaction(plane.store, (tx) => tx.get('task', asRef<'task'>(ref)));
    return new HttpTask(plane, asRef(ref));
  }

  static async make(plane: Plane, label: string, session: Session, subtaskOf?: Ref<'task'>): Promise<HttpTask> {
    const ref = asRef<'task'>(`OpaqueRef:${plane.ids.uuid()}`);
    await inTransaction(plane.store, (tx) => insertTask(tx, plane, { ref, label, session, ...(subtaskOf ? { subtaskOf } : {}) }));
    return new HttpTask(plane, ref);
  }

  /** 0 to 1, written in steps of a hundredth. */
  async progress(fraction: number): Promise<void> {
    if (fraction - this.reported < 0.01) return;
    this.reported = fraction;
    await this.plane.store.query("UPDATE task SET progress = $2 WHERE ref = $1 AND status = 'pending'", [this.ref, Math.min(1, fraction)]);
    this.plane.store.wake();
  }

  /** `result` is in the form of the wire: an XML-RPC value, or empty. */
  async succeed(result: string): Promise<void> {
    await this.end({ status: 'success', result });
  }
  async fail(error: XenError): Promise<void> {
    await this.end({ status: 'failure', error: error.description });
  }

  private async end(end: Parameters<typeof endTask>[3]): Promise<void> {
    await inTransaction(this.plane.store, async (tx) => {
      const [task] = await tx.query<{ status: string }>('SELECT status FROM task WHERE ref = $1 FOR UPDATE', [this.ref]);
      if (task && !isFinal(task.status)) await endTask(tx, this.plane, this.ref, end);
    });
  }

  /** Tells when somebody cancels the task; ends with the signal. */
  async whenCancelled(told: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const task = this.plane.replica.record('task', this.ref);
      if (task?.status === 'cancelled' || task?.status === 'cancelling') return told();
      await this.plane.replica.waitForMove(watchMs, signal);
    }
  }
}
