/** The table `session_state`, as far as it is not the registry of sessions of a process (`api/sessions.ts`). */
import type { Ref, Role } from '@xenplane/model';
import type { Reader, Tx } from '@xenplane/store';
import { tasksOfSession } from '../operations/tasks';

/** True for a session that is open. */
export async function isSessionOpen(tx: Tx, session: Ref<'session'>): Promise<boolean> {
  const rows = await tx.query('SELECT 1 AS yes FROM session_state WHERE session = $1', [session]);
  return rows.length > 0;
}

/** What is not in a session's record: its role, its last use, its tasks; undefined for one that is closed. */
export async function sessionFacts(
  tx: Tx,
  session: Ref<'session'>,
): Promise<{ readonly role: Role; readonly last_active: string; readonly tasks: Ref<'task'>[] } | undefined> {
  const [state] = await tx.query<{ role: Role; last_active: string; tasks: Ref<'task'>[] }>(
    `SELECT role, last_active, ARRAY(${tasksOfSession('s.session')} ORDER BY t.ref) AS tasks
     FROM session_state s WHERE session = $1`,
    [session],
  );
  return state;
}

/** What a session has registered for with `event.register`; undefined when it has for nothing. */
export async function registeredClasses<T>(reader: Reader, session: Ref<'session'>): Promise<T | undefined> {
  const [row] = await reader.query<{ registered_classes: T | null }>(
    'SELECT registered_classes FROM session_state WHERE session = $1',
    [session],
  );
  return row?.registered_classes ?? undefined;
}
export async function setRegisteredClasses(
  reader: Reader,
  session: Ref<'session'>,
  value: unknown,
): Promise<void> {
  await reader.query('UPDATE session_state SET registered_classes = $2 WHERE session = $1', [
    session,
    JSON.stringify(value),
  ]);
}

/** Of these sessions those that keep their role, which from now on they have by these subjects. */
export async function renewSubjects(
  tx: Tx,
  sessions: readonly string[],
  { role, subjects }: { readonly role: string; readonly subjects: readonly string[] },
): Promise<ReadonlySet<string>> {
  const rows = await tx.query<{ session: string }>(
    'UPDATE session_state SET subjects = $3 WHERE session = ANY($1) AND role = $2 RETURNING session',
    [sessions, role, subjects],
  );
  return new Set(rows.map(({ session }) => session));
}

/** Ends sessions by a condition on `session_state s` and the record `session x`. */
export async function endSessionsWhere(
  tx: Tx,
  condition: string,
  params: readonly unknown[],
): Promise<void> {
  await tx.query(
    `WITH ended AS (DELETE FROM session_state WHERE session IN (SELECT s.session FROM session_state s JOIN session x ON x.ref = s.session WHERE ${condition}) RETURNING session)
     DELETE FROM session WHERE ref IN (SELECT session FROM ended)`,
    params,
  );
}

/** The dump of another pool's database that the session reads. */
export async function insertOpenedDatabase(tx: Tx, session: Ref<'session'>, dump: Buffer): Promise<void> {
  await tx.query('INSERT INTO opened_database(session, dump) VALUES ($1, $2)', [session, dump]);
}
export async function openedDatabase(reader: Reader, session: Ref<'session'>): Promise<Buffer | undefined> {
  const [row] = await reader.query<{ dump: Buffer }>('SELECT dump FROM opened_database WHERE session = $1', [
    session,
  ]);
  return row?.dump;
}
