/** The records by which clients follow work. */
import { isNullRef, type ErrorCode, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { dateTime, type Plane, type Session } from './context';

export interface NewTask {
  readonly ref: Ref<'task'>;
  readonly label: string;
  readonly description?: string;
  readonly session: Session | undefined;
  /** Nothing where there is no such task. */
  readonly subtaskOf?: Ref<'task'> | undefined;
}

/** The record and whose it is, in one statement that goes out with the commit; what is not said has its column's default. */
export async function insertTask(tx: Tx, plane: Plane, task: NewTask): Promise<void> {
  const { ref, label, description = '', session, subtaskOf } = task;
  tx.leave(
    `WITH owner AS (INSERT INTO task_owner(task, session, owner) VALUES ($1, $2, $3))
     INSERT INTO task(ref, uuid, name_label, name_description, created, status, resident_on, type, subtask_of, backtrace) VALUES ($1, $4, $5, $6, $7, 'pending', $8, '<none/>', (SELECT t.ref FROM task t WHERE t.ref = $9), '()')`,
    [
      ref,
      session?.ref ?? null,
      session?.user ?? '',
      ref.replace('OpaqueRef:', ''),
      label,
      description,
      dateTime(plane.clock.now()),
      session && !isNullRef(session.host) ? session.host : null,
      subtaskOf ?? null,
    ],
  );
}

export type End =
  | { readonly status: 'success'; readonly result: string }
  | { readonly status: 'failure'; readonly error: readonly string[] }
  | { readonly status: 'cancelled' };

/** The last word on a task. A cancelled task has no error, as in xapi. Ending one that its owner destroyed is no error. */
export async function endTask(tx: Tx, plane: Plane, ref: Ref<'task'>, end: End): Promise<void> {
  const finished = { finished: dateTime(plane.clock.now()), progress: 1, status: end.status, current_operations: {} };
  const patch =
    end.status === 'success' ? { ...finished, result: end.result } : end.status === 'failure' ? { ...finished, error_info: [...end.error] } : finished;
  tx.leaveUpdate('task', ref, patch);
}

export const isFinal = (status: string): boolean => status === 'success' || status === 'failure' || status === 'cancelled';
export const cancelledCode: ErrorCode = 'TASK_CANCELLED';
