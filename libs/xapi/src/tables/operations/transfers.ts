/** The table `transfer`: work that one API process carries, what it keeps busy, and what it has made. */
import type { Ref } from '@xenplane/model';
import type { Reader, Tx } from '@xenplane/store';

/** As it was when its row was taken away. */
export interface TakenTransfer<Mark, Made> extends Record<string, unknown> {
  readonly task: Ref<'task'>;
  readonly marks: readonly Mark[];
  readonly made: Made | null;
}

export async function insertTransfer(tx: Tx, id: string, task: Ref<'task'>): Promise<void> {
  await tx.query('INSERT INTO transfer(id, task) VALUES ($1, $2)', [id, task]);
}
/** False when it is over. */
export async function addMarks(tx: Tx, id: string, marks: readonly unknown[]): Promise<boolean> {
  return changed(tx, id, 'marks = marks || $2::jsonb', marks);
}
/** False when it is over. */
export async function setMade(tx: Tx, id: string, made: unknown): Promise<boolean> {
  return changed(tx, id, 'made = $2::jsonb', made);
}
async function changed(tx: Tx, id: string, change: string, value: unknown): Promise<boolean> {
  const rows = await tx.query(`UPDATE transfer SET ${change} WHERE id = $1 RETURNING id`, [
    id,
    JSON.stringify(value),
  ]);
  return rows.length > 0;
}
export async function isTransferTask(tx: Tx, task: Ref<'task'>): Promise<boolean> {
  return (await tx.query('SELECT 1 AS yes FROM transfer WHERE task = $1', [task])).length > 0;
}

/** Takes the row away; undefined when somebody else has. With a beat only if it has not moved since. */
export async function takeTransfer<Mark, Made>(
  tx: Tx,
  id: string,
  beat?: number,
): Promise<TakenTransfer<Mark, Made> | undefined> {
  const [row] = await tx.query<TakenTransfer<Mark, Made>>(
    'DELETE FROM transfer WHERE id = $1 AND beat = coalesce($2, beat) RETURNING task, marks, made',
    [id, beat ?? null],
  );
  return row;
}

/** All, as the sweeper watches them. */
export const transferBeats = (
  reader: Reader,
): Promise<{ readonly ref: string; readonly attempt: number; readonly beat: number }[]> =>
  reader.query<{ ref: string; attempt: number; beat: number }>(
    'SELECT id AS ref, 0 AS attempt, beat FROM transfer',
    [],
  );
/** Says that these go on; answers which are still there. One that is just being ended is passed over rather than waited for. */
export async function beatTransfers(reader: Reader, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await reader.query<{ id: string }>(
    `WITH mine AS (SELECT id FROM transfer WHERE id = ANY($1) ORDER BY id FOR UPDATE SKIP LOCKED), beaten AS (UPDATE transfer t SET beat = beat + 1 FROM mine WHERE t.id = mine.id)
     SELECT id FROM transfer WHERE id = ANY($1)`,
    [ids],
  );
  return new Set(rows.map(({ id }) => id));
}
