/** The records by which clients follow work. */
import { allows, isNullRef, type Ref, type XenError } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Session } from '../core/context';
import { denied } from '../people/roles';

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

/** The times of a task are the database's, by whose clock it is deleted later; the wire has whole seconds. */
const now = "date_trunc('second', now())";

/** The record and whose it is, in one statement that goes out with the commit; what is not said has its column's default. */
export async function insertTask(tx: Tx, task: NewTask): Promise<void> {
  const { ref, label, description = '', session, subtaskOf, otherConfig = {} } = task;
  tx.leave(
    `WITH owner AS (INSERT INTO task_owner(task, session, owner) VALUES ($1, $2, $3))
     INSERT INTO task(ref, uuid, name_label, name_description, created, status, resident_on, type, subtask_of, other_config, backtrace) VALUES ($1, $4, $5, $6, ${now}, 'pending', $7, '<none/>', (SELECT t.ref FROM task t WHERE t.ref = $8), $9, '()')`,
    [
      ref,
      session?.ref ?? null,
      session?.user ?? '',
      ref.replace('OpaqueRef:', ''),
      label,
      description,
      session && !isNullRef(session.host) ? session.host : null,
      subtaskOf ?? null,
      JSON.stringify(otherConfig),
    ],
  );
}

export type End =
  | { readonly status: 'success'; readonly result: string }
  | { readonly status: 'failure'; readonly error: readonly string[] }
  /** Only the task of a transfer says why it was cancelled; that of a call has no error. */
  | { readonly status: 'cancelled'; readonly error?: readonly string[] };

/** Everything that changes a task asks this: the user who made it may, in any session; of others, those who may destroy any task. */
export async function assertMayChange(tx: Tx, session: Session, task: Ref<'task'>): Promise<void> {
  if (allows(session.role, 'pool-operator')) return;
  const [row] = await tx.query<{ owner: string }>('SELECT owner FROM task_owner WHERE task = $1', [task]);
  if (row?.owner !== session.user) throw denied('task.destroy/any', 'pool-operator');
}

/** Under this key of its current operations a task says that somebody wants it gone. */
export const destroyKey = 'task';
export const finalStates: readonly string[] = ['success', 'failure', 'cancelled'];
export const isFinal = (status: string): boolean => finalStates.includes(status);

/** The first word that is final is the last on a task. Ending one that is gone is no error. That it is to go stays noted. */
export async function endTask(tx: Tx, ref: Ref<'task'>, end: End): Promise<void> {
  tx.leave(
    `UPDATE task SET finished = ${now}, progress = 1, status = $2, result = coalesce($3, result), error_info = coalesce($4::jsonb, error_info),
       current_operations = CASE WHEN current_operations ? '${destroyKey}' THEN '{"${destroyKey}": "destroy"}'::jsonb ELSE '{}'::jsonb END
     WHERE ref = $1 AND status <> ALL ($5)`,
    [
      ref,
      end.status,
      end.status === 'success' ? end.result : null,
      'error' in end && end.error ? JSON.stringify(end.error) : null,
      finalStates,
    ],
  );
}

/** When a task ended whose status its owner has set. */
export const noteEnd = (tx: Tx, ref: Ref<'task'>): void =>
  tx.leave(`UPDATE task SET finished = ${now} WHERE ref = $1`, [ref]);

/** How a transfer ends that fails with this. */
export const endOfError = (error: XenError): End => ({
  status: error.code === 'TASK_CANCELLED' ? 'cancelled' : 'failure',
  error: error.description,
});
