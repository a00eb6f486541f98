/** The table `operation`, as far as it is not the journal: durable work that begins, is asked to stop, and is done. */
import type { Ref } from '@xenplane/model';
import type { Reader, Tx } from '@xenplane/store';

export interface OperationRow {
  readonly ref: Ref<'task'>;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly context: Readonly<Record<string, unknown>>;
}
/** Sent with the commit. */
export function insertOperation(tx: Tx, { ref, method, params, context }: OperationRow): void {
  tx.leave("INSERT INTO operation(ref, method, params, context, state) VALUES ($1, $2, $3, $4, 'queued')", [
    ref,
    method,
    JSON.stringify(params),
    JSON.stringify(context),
  ]);
}

/** Asks what has not ended to stop. */
export async function requestCancel(tx: Tx, refs: readonly string[]): Promise<void> {
  await tx.query("UPDATE operation SET cancel_requested = true WHERE ref = ANY($1) AND state <> 'done'", [
    refs,
  ]);
}
export async function isCancelRequested(tx: Tx, ref: string): Promise<boolean> {
  const rows = await tx.query('SELECT 1 AS yes FROM operation WHERE ref = $1 AND cancel_requested', [ref]);
  return rows.length > 0;
}
/** True while this attempt is the one that works on it. */
export async function isCurrentAttempt(tx: Tx, ref: string, attempt: number): Promise<boolean> {
  const rows = await tx.query(
    "SELECT 1 AS yes FROM operation WHERE ref = $1 AND attempt = $2 AND state <> 'done'",
    [ref, attempt],
  );
  return rows.length > 0;
}

/** Of an operation and its task: gone tasks have no status. */
export interface OperationEnd extends Record<string, unknown> {
  readonly ref: string;
  readonly status: string | null;
  readonly result: string | null;
  readonly error_info: string[] | null;
  readonly open: boolean;
}
/** In the order of the references. */
export const operationEnds = (reader: Reader, refs: readonly string[]): Promise<OperationEnd[]> =>
  reader.query<OperationEnd>(
    `SELECT asked.ref, t.status, t.result, t.error_info, coalesce(o.state <> 'done', false) AS open
     FROM unnest($1::text[]) WITH ORDINALITY AS asked(ref, i) LEFT JOIN operation o ON o.ref = asked.ref LEFT JOIN task t ON t.ref = asked.ref ORDER BY asked.i`,
    [refs],
  );

const keptMinutes = 65;
export async function removeDoneOperations(tx: Tx): Promise<void> {
  await tx.query(
    `DELETE FROM operation WHERE state = 'done' AND touched < now() - interval '${keptMinutes} minutes'`,
    [],
  );
}

/** SQL: true if the operation was asked to stop; NULL when it is gone. */
export const cancelRequested = (ref: string): string =>
  `(SELECT o.cancel_requested FROM operation o WHERE o.ref = ${ref})`;

export interface HostOperation extends Record<string, unknown> {
  readonly ref: string;
  readonly at: string;
  readonly method: string;
  readonly state: string;
  readonly error: readonly string[] | null;
  /** With the reference, where the next page begins. */
  readonly key: string;
}
/** Operations that name the host, and those that were placed on it, the oldest first. */
export const operationsOfHost = (
  reader: Reader,
  host: string,
  { after, count }: { readonly after: readonly [string, string]; readonly count: number },
): Promise<HostOperation[]> =>
  reader.query<HostOperation>(
    `SELECT ref, method, state, error, to_char(created, 'YYYYMMDD"T"HH24:MI:SS.MS"Z"') AS at, created::text AS key FROM operation o
       WHERE (strpos(params::text, $1) > 0 OR EXISTS (SELECT 1 FROM placement p WHERE p.task = o.ref AND p.host = $1))
         AND (created, ref) > ($2::timestamptz, $3) ORDER BY created, ref LIMIT $4`,
    [host, after[0], after[1], count],
  );
