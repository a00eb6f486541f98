/** The table `task_owner`, and the records of tasks with it: whose each task is. Times are the database's, by whose clock tasks are deleted later. */
import type { Ref } from '@xenplane/model';
import type { Reader, Tx } from '@xenplane/store';

/** The wire has whole seconds. */
const now = "date_trunc('second', now())";

export interface TaskRow {
  readonly ref: Ref<'task'>;
  readonly label: string;
  readonly description: string;
  readonly session: string | null;
  /** The login name, or the subject's identifier. */
  readonly owner: string;
  /** Where the session is. */
  readonly host: string | null;
  /** Nothing where there is no such task. */
  readonly subtaskOf: string | null;
  readonly otherConfig: Readonly<Record<string, string>>;
}
/** The record and whose it is, in one statement that goes out with the commit; what is not said has its column's default. */
export function insertTaskRow(tx: Tx, task: TaskRow): void {
  const { ref, label, description, session, owner, host, subtaskOf, otherConfig } = task;
  tx.leave(
    `WITH owner AS (INSERT INTO task_owner(task, session, owner) VALUES ($1, $2, $3))
     INSERT INTO task(ref, uuid, name_label, name_description, created, status, resident_on, type, subtask_of, other_config, backtrace) VALUES ($1, $4, $5, $6, ${now}, 'pending', $7, '<none/>', (SELECT t.ref FROM task t WHERE t.ref = $8), $9, '()')`,
    [
      ref,
      session,
      owner,
      ref.replace('OpaqueRef:', ''),
      label,
      description,
      host,
      subtaskOf,
      JSON.stringify(otherConfig),
    ],
  );
}
export async function taskOwner(tx: Tx, task: Ref<'task'>): Promise<string | undefined> {
  const [row] = await tx.query<{ owner: string }>('SELECT owner FROM task_owner WHERE task = $1', [task]);
  return row?.owner;
}
/** SQL: the tasks of the session that this expression names. */
export const tasksOfSession = (session: string): string =>
  `SELECT t.ref FROM task_owner o JOIN task t ON t.ref = o.task WHERE o.session = ${session}`;

/** The record of a task that has not ended shows how it did; that somebody wants it gone stays noted under the key. */
export function endTaskRow(
  tx: Tx,
  ref: Ref<'task'>,
  end: {
    readonly status: string;
    readonly result: string | null;
    readonly error: readonly string[] | null;
    readonly finalStates: readonly string[];
    readonly destroyKey: string;
  },
): void {
  tx.leave(
    `UPDATE task SET finished = ${now}, progress = 1, status = $2, result = coalesce($3, result), error_info = coalesce($4::jsonb, error_info),
       current_operations = CASE WHEN current_operations ? $6::text THEN jsonb_build_object($6::text, 'destroy') ELSE '{}'::jsonb END
     WHERE ref = $1 AND status <> ALL ($5)`,
    [ref, end.status, end.result, end.error && JSON.stringify(end.error), end.finalStates, end.destroyKey],
  );
}
/** When a task ended whose status its owner has set. */
export const noteEnd = (tx: Tx, ref: Ref<'task'>): void =>
  tx.leave(`UPDATE task SET finished = ${now} WHERE ref = $1`, [ref]);

/** Sent with the commit. */
export function removeTask(tx: Tx, ref: Ref<'task'>): void {
  tx.leave('WITH owner AS (DELETE FROM task_owner WHERE task = $1) DELETE FROM task WHERE ref = $1', [ref]);
}

const goneWith = `owners AS (DELETE FROM task_owner o USING old WHERE o.task = old.ref),
  operations AS (DELETE FROM operation o USING old WHERE o.ref = old.ref AND o.state = 'done')
  SELECT ref FROM old`;
/** Those that ended so long ago, and those that ended and that somebody wants gone. Answers how many. */
export async function removeEndedTasks(
  tx: Tx,
  given: { readonly minutes: number; readonly finalStates: readonly string[]; readonly destroyKey: string },
): Promise<number> {
  const gone = await tx.query(
    `WITH old AS (DELETE FROM task WHERE status = ANY ($1) AND (finished < now() - $2 * interval '1 minute' OR current_operations ? $3) RETURNING ref),
     ${goneWith}`,
    [given.finalStates, given.minutes, given.destroyKey],
  );
  return gone.length;
}
/** Tasks that began so long ago, have not ended, and that nobody works on. */
export async function idleTasks(
  reader: Reader,
  { hours, finalStates }: { readonly hours: number; readonly finalStates: readonly string[] },
): Promise<string[]> {
  const rows = await reader.query<{ ref: string }>(
    `SELECT ref FROM task t WHERE status <> ALL ($1) AND created < now() - $2 * interval '1 hour'
       AND NOT EXISTS (SELECT 1 FROM operation o WHERE o.ref = t.ref AND o.state <> 'done') AND NOT EXISTS (SELECT 1 FROM transfer x WHERE x.task = t.ref)`,
    [finalStates, hours],
  );
  return rows.map(({ ref }) => ref);
}
/** Of these the ones that have not ended and have not changed lately, if only in their progress: that is in the change log for an hour. Answers how many. */
export async function removeUnchangedTasks(
  tx: Tx,
  refs: readonly string[],
  finalStates: readonly string[],
): Promise<number> {
  if (refs.length === 0) return 0;
  const gone = await tx.query(
    `WITH old AS (DELETE FROM task t WHERE ref = ANY ($1) AND status <> ALL ($2) AND NOT EXISTS (SELECT 1 FROM change c WHERE c.cls = 'task' AND c.ref = t.ref) RETURNING ref),
     ${goneWith}`,
    [refs, finalStates],
  );
  return gone.length;
}

/** Of a task that has not ended. */
export async function setProgress(reader: Reader, ref: string, fraction: number): Promise<void> {
  await reader.query("UPDATE task SET progress = $2 WHERE ref = $1 AND status = 'pending'", [ref, fraction]);
}
