/** The table `operation` as the journal of durable work. Every write names the attempt that it belongs to and fails with Lost when that is over. */
import type { Reader, Tx } from '@xenplane/store';
import { Lost, type Entry, type Held, type Sighting, type Taken } from '@xenplane/work';

type Attempt = Pick<Held, 'ref' | 'attempt'>;
interface Row extends Record<string, unknown> {
  readonly ref: string;
  readonly method: string;
  readonly params: Record<string, unknown>;
  readonly context: Record<string, unknown>;
  readonly attempt: number;
  readonly journal: Entry[];
  readonly cancel_requested: boolean;
}

/** Undefined when it is done, gone or owned by another. */
export async function takeOperation(reader: Reader, ref: string, owner: string): Promise<Taken | undefined> {
  const [row] = await reader.query<Row>(
    `UPDATE operation SET attempt = attempt + 1, owner = $2, beat = beat + 1, touched = now(), state = CASE WHEN state = 'queued' THEN 'running' ELSE state END
       WHERE ref = $1 AND owner IS NULL AND state <> 'done' RETURNING ref, method, params, context, attempt, journal, cancel_requested`,
    [ref, owner],
  );
  return row && { ...row, cancelRequested: row.cancel_requested };
}

const lost =
  ({ ref }: Attempt) =>
  (): Error =>
    new Lost(ref);
/** Sent with the commit. */
export function leaveEntries(tx: Tx, held: Attempt, entries: readonly Entry[]): void {
  tx.leave(
    "UPDATE operation SET journal = journal || $3::jsonb, beat = beat + 1, touched = now() WHERE ref = $1 AND attempt = $2 AND state <> 'done' RETURNING ref",
    [held.ref, held.attempt, JSON.stringify(entries)],
    lost(held),
  );
}
/** Journals the failure that begins the undoing too. False when the attempt is over. */
export async function appendEntries(
  reader: Reader,
  held: Attempt,
  entries: readonly Entry[],
): Promise<boolean> {
  const failing = entries.some((entry) => entry.error) ? ", state = 'undoing'" : '';
  const rows = await reader.query(
    `UPDATE operation SET journal = journal || $3::jsonb, beat = beat + 1, touched = now()${failing} WHERE ref = $1 AND attempt = $2 AND state <> 'done' RETURNING ref`,
    [held.ref, held.attempt, JSON.stringify(entries)],
  );
  return rows.length > 0;
}
/** Sent with the commit: the step is undone; an undo of its own gets a line of its own. */
export function leaveUndone(tx: Tx, held: Attempt, step: string): void {
  tx.leave(
    `UPDATE operation SET beat = beat + 1, touched = now(),
           journal = CASE WHEN journal @> jsonb_build_array(jsonb_build_object('step', $3::text))
             THEN (SELECT jsonb_agg(CASE WHEN e->>'step' = $3 THEN e || '{"undone": true}' ELSE e END ORDER BY i) FROM jsonb_array_elements(journal) WITH ORDINALITY AS j(e, i))
             ELSE journal || jsonb_build_array(jsonb_build_object('step', $3::text, 'undone', true)) END
         WHERE ref = $1 AND attempt = $2 RETURNING ref`,
    [held.ref, held.attempt, step],
    lost(held),
  );
}
/** Sent with the commit. */
export function leaveDone(tx: Tx, held: Attempt): void {
  tx.leave(
    "UPDATE operation SET state = 'done', owner = NULL, beat = beat + 1, touched = now() WHERE ref = $1 AND attempt = $2 AND state <> 'done' RETURNING ref",
    [held.ref, held.attempt],
    lost(held),
  );
}
export async function releaseOperation(reader: Reader, held: Attempt): Promise<void> {
  await reader.query(
    'UPDATE operation SET owner = NULL, beat = beat + 1, touched = now() WHERE ref = $1 AND attempt = $2',
    [held.ref, held.attempt],
  );
}

/** Says that the owner lives; answers which of its operations were asked to stop. */
export async function beatOperations(reader: Reader, owner: string): Promise<string[]> {
  const rows = await reader.query<{ ref: string; cancel_requested: boolean }>(
    "UPDATE operation SET beat = beat + 1 WHERE owner = $1 AND state <> 'done' RETURNING ref, cancel_requested",
    [owner],
  );
  return rows.filter((r) => r.cancel_requested).map((r) => r.ref);
}
const mostIdle = 10_000;
/** Operations that nobody owns and nobody touched for this long, the oldest first. */
export const idleOperations = (reader: Reader, ms: number): Promise<Sighting[]> =>
  reader.query<Sighting & Record<string, unknown>>(
    `SELECT ref, attempt, beat FROM operation WHERE state <> 'done' AND owner IS NULL AND touched < now() - $1 * interval '1 millisecond' ORDER BY created LIMIT ${mostIdle}`,
    [ms],
  );
export const ownedOperations = (reader: Reader): Promise<Sighting[]> =>
  reader.query<Sighting & Record<string, unknown>>(
    "SELECT ref, attempt, beat FROM operation WHERE state <> 'done' AND owner IS NOT NULL",
    [],
  );
/** False when the owner has moved since. */
export async function disownOperation(reader: Reader, { ref, attempt, beat }: Sighting): Promise<boolean> {
  const rows = await reader.query(
    "UPDATE operation SET owner = NULL, touched = now() WHERE ref = $1 AND attempt = $2 AND beat = $3 AND state <> 'done' RETURNING ref",
    [ref, attempt, beat],
  );
  return rows.length > 0;
}
