/** The records by which clients follow work. */
import { allows, isNullRef, type Ref, type XenError } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Session } from '../core/context';
import { denied } from '../people/roles';
import { endTaskRow, insertTaskRow, taskOwner } from '../tables/operations/tasks';

/** The task that the head of a request names or describes. */
export interface TaskHead {
  /** The client's own task that this is a part of; nothing where there is no such task. */
  readonly subtaskOf?: Ref<'task'> | undefined;
  readonly otherConfig?: Readonly<Record<string, string>> | undefined;
}
export interface NewTask extends TaskHead {
  readonly ref: Ref<'task'>;
  readonly label: string;
  readonly description?: string;
  readonly session: Session | undefined;
}

/** The record and whose it is, in one statement that goes out with the commit; what is not said has its column's default. */
export async function insertTask(tx: Tx, task: NewTask): Promise<void> {
  const { ref, label, description = '', session, subtaskOf, otherConfig = {} } = task;
  insertTaskRow(tx, {
    ref,
    label,
    description,
    session: session?.ref ?? null,
    owner: session?.user ?? '',
    host: session && !isNullRef(session.host) ? session.host : null,
    subtaskOf: subtaskOf ?? null,
    otherConfig,
  });
}

export type End =
  | { readonly status: 'success'; readonly result: string }
  | { readonly status: 'failure'; readonly error: readonly string[] }
  /** Only the task of a transfer says why it was cancelled; that of a call has no error. */
  | { readonly status: 'cancelled'; readonly error?: readonly string[] };

/** Everything that changes a task asks this: the user who made it may, in any session; of others, those who may destroy any task. */
export async function assertMayChange(tx: Tx, session: Session, task: Ref<'task'>): Promise<void> {
  if (allows(session.role, 'pool-operator')) return;
  if ((await taskOwner(tx, task)) !== session.user) throw denied('task.destroy/any', 'pool-operator');
}

/** Under this key of its current operations a task says that somebody wants it gone. */
export const destroyKey = 'task';
export const finalStates: readonly string[] = ['success', 'failure', 'cancelled'];
export const isFinal = (status: string): boolean => finalStates.includes(status);

/** The first word that is final is the last on a task. Ending one that is gone is no error. That it is to go stays noted. */
export async function endTask(tx: Tx, ref: Ref<'task'>, end: End): Promise<void> {
  endTaskRow(tx, ref, {
    status: end.status,
    result: end.status === 'success' ? end.result : null,
    error: 'error' in end && end.error ? end.error : null,
    finalStates,
    destroyKey,
  });
}

/** How a transfer ends that fails with this. */
export const endOfError = (error: XenError): End => ({
  status: error.code === 'TASK_CANCELLED' ? 'cancelled' : 'failure',
  error: error.description,
});
