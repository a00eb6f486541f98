/** The change log is kept as long as a client may be away and still get exactly what it missed. */
import type { Store } from './store';

export interface Keep {
  readonly ms?: number;
  readonly rows?: number;
}
const hourMs = 3_600_000;
const million = 1_000_000;
/** Rows of one statement: a transaction that goes on for long holds up the events of all others. */
const atOnce = 20_000;

/** Deletes what is older than `ms`, and the oldest of more than `rows`; answers how many. */
export async function pruneChanges(
  store: Store,
  { ms = hourMs, rows = million }: Keep = {},
): Promise<number> {
  for (let all = 0; ;) {
    const [last] = await store.query<{ deleted: number }>(pruneSql, [ms, rows]);
    const deleted = last?.deleted ?? 0;
    all += deleted;
    if (deleted < atOnce) return all;
  }
}

/**
 * The transaction up to which the log has been cut is kept with it: a client that asks for an older position gets every object.
 * Only what is settled is cut: a transaction still under way may add rows below a number that others have passed.
 */
const pruneSql = `
WITH ends AS (
  SELECT (SELECT max(xid) FROM (SELECT xid FROM change ORDER BY xid DESC, seq DESC OFFSET $2 LIMIT 1) o) AS crowded,
         (SELECT xid FROM change WHERE at < now() - $1 * interval '1 millisecond' ORDER BY xid DESC, seq DESC LIMIT 1) AS aged,
         (SELECT xid FROM change ORDER BY xid, seq OFFSET ${atOnce} LIMIT 1) AS enough),
cut AS (SELECT c.xid FROM change c, ends e WHERE c.xid <= greatest(e.crowded, e.aged) AND c.xid <= coalesce(e.enough, c.xid) AND c.xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY c.xid DESC, c.seq DESC LIMIT 1),
gone AS (DELETE FROM change USING cut WHERE change.xid <= cut.xid RETURNING 1),
kept AS (INSERT INTO setting(key, value) SELECT 'change_floor', to_jsonb((xid::text::numeric + 1)::text) FROM cut
         ON CONFLICT (key) DO UPDATE SET value = excluded.value RETURNING 1)
SELECT count(*) AS deleted FROM gone`;
