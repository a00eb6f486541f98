/** The table `audit`: the lines of the audit trail, of bounded number. */
import type { Reader } from '@xenplane/store';

export interface AuditLine {
  /** ISO 8601. */
  readonly at: string;
  readonly line: string;
}
/** In their order, in one statement. */
export async function insertAuditLines(reader: Reader, lines: readonly AuditLine[]): Promise<void> {
  await reader.query(
    "INSERT INTO audit(at, line) SELECT (l->>'at')::timestamptz, l->>'line' FROM json_array_elements($1) WITH ORDINALITY AS e(l, i) ORDER BY i",
    [JSON.stringify(lines)],
  );
}
/** Lines since a moment, oldest first; all that are kept without one. */
export const auditLines = (
  reader: Reader,
  since: Date | undefined,
  after: number,
  count: number,
): Promise<readonly { id: number; line: string }[]> =>
  reader.query<{ id: number; line: string }>(
    'SELECT id, line FROM audit WHERE at >= $1 AND id > $2 ORDER BY id LIMIT $3',
    [(since ?? new Date(0)).toISOString(), after, count],
  );

/** How many lines are kept. */
export const mostLines = 100_000;
export async function pruneAudit(reader: Reader): Promise<void> {
  await reader.query('DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - $1::bigint', [mostLines]);
}
