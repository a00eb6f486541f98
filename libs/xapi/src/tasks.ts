/** The records by which clients follow work. */
import { nullRef, XenError, type ErrorCode, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { dateTime, never, type Plane, type Session } from './context';

export interface NewTask {
  readonly ref: Ref<'task'>;
  readonly label: string;
  readonly description?: string;
  readonly session: Session | undefined;
  readonly subtaskOf?: Ref<'task'>;
}

export async function insertTask(tx: Tx, plane: Plane, task: NewTask): Promise<void> {
  await tx.insert('task', task.ref, {
    uuid: task.ref.replace('OpaqueRef:', ''),
    name_label: task.label,
    name_description: task.description ?? '',
    allowed_operations: [],
    current_operations: {},
    created: dateTime(plane.clock.now()),
    finished: never,
    status: 'pending',
    resident_on: task.session?.host ?? nullRef(),
    progress: 0,
    type: '<none/>',
    result: '',
    error_info: [],
    other_config: {},
    subtask_of: task.subtaskOf ?? nullRef(),
    backtrace: '()',
  });
  await tx.query('INSERT INTO task_owner(task, session, owner) VALUES ($1, $2, $3)', [task.ref, task.session?.ref ?? null, task.session?.user ?? '']);
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
  await tx.update('task', ref, patch).catch((error: unknown) => {
    if (!(error instanceof XenError)) throw error;
  });
}

export const isFinal = (status: string): boolean => status === 'success' || status === 'failure' || status === 'cancelled';
export const cancelledCode: ErrorCode = 'TASK_CANCELLED';
