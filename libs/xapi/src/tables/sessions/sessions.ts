/** The table `session_state`, as far as it is not the registry of sessions of a process (`api/sessions.ts`). */
import type { Ref, Role } from '@xenplane/model';
import type { Reader, Tx } from '@xenplane/store';
import { tasksOfSession } from '../operations/tasks';

/** True for a session that is open. */
export async function isSessionOpen(tx: Tx, session: Ref<'session'>): Promise<boolean> {
  const rows = await tx.query('SELECT 1 AS yes FROM session_state WHERE session = $1', [session]);
  return rows.length > 0;
}

const idleLimitHours = 24;
/** Work that its session began keeps the session alive. */
const unused = `NOT EXISTS (${tasksOfSession('s.session')} AND t.status NOT IN ('success', 'failure', 'cancelled'))`;
/** Of `session_state s`. */
const isIdle = `s.last_active < now() - interval '${idleLimitHours} hours' AND ${unused}`;

export async function insertSessionState(
  tx: Tx,
  session: Ref<'session'>,
  {
    role,
    group,
    subjects,
  }: { readonly role: Role; readonly group: string; readonly subjects: readonly string[] },
): Promise<void> {
  await tx.query(
    'INSERT INTO session_state(session, role, originator, last_active, subjects) VALUES ($1, $2, $3, now(), $4)',
    [session, role, group, subjects],
  );
}
/** Of a group more than this many: those go that were used longest ago and have no work. */
export const endOldestSessions = (tx: Tx, group: string, most: number): Promise<number> =>
  endSessions(
    tx,
    `(SELECT * FROM session_state WHERE originator = $1 ORDER BY last_active DESC, session OFFSET ${most}) s WHERE ${unused}`,
    [group],
  );
/** Sessions that nobody has used for so long. Answers how many. */
export const endIdleSessions = (tx: Tx): Promise<number> =>
  endSessions(tx, `session_state s WHERE ${isIdle}`, []);

async function endSessions(tx: Tx, which: string, params: readonly unknown[]): Promise<number> {
  const old = await tx.query<{ session: string }>(
    `DELETE FROM session_state WHERE session IN (SELECT s.session FROM ${which}) RETURNING session`,
    params,
  );
  if (old.length > 0) await tx.query('DELETE FROM session WHERE ref = ANY($1)', [old.map((s) => s.session)]);
  return old.length;
}

export interface SessionRow extends Record<string, unknown> {
  readonly role: Role;
  readonly idle: boolean;
  readonly is_local_superuser: boolean;
  readonly auth_user_name: string;
  readonly auth_user_sid: string;
  readonly this_host: string | null;
  readonly foreign: boolean;
}
export async function loadSession(reader: Reader, session: Ref<'session'>): Promise<SessionRow | undefined> {
  const [row] = await reader.query<SessionRow>(
    `SELECT s.role, ${isIdle} AS idle, x.is_local_superuser, x.auth_user_name, x.auth_user_sid, x.this_host,
              EXISTS (SELECT 1 FROM opened_database o WHERE o.session = s.session) AS foreign
       FROM session_state s JOIN session x ON x.ref = s.session WHERE s.session = $1`,
    [session],
  );
  return row;
}
export async function removeSession(tx: Tx, session: Ref<'session'>): Promise<void> {
  await tx.query('DELETE FROM session_state WHERE session = $1', [session]);
  await tx.query('DELETE FROM session WHERE ref = $1', [session]);
}
export async function noteActive(reader: Reader, sessions: readonly string[]): Promise<void> {
  await reader.query('UPDATE session_state SET last_active = now() WHERE session = ANY($1)', [sessions]);
}
/** Those of these that are open. */
export async function openSessions(
  reader: Reader,
  sessions: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await reader.query<{ session: string }>(
    'SELECT session FROM session_state WHERE session = ANY($1)',
    [sessions],
  );
  return new Set(rows.map(({ session }) => session));
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
