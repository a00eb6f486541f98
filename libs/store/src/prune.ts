import type { Store } from './store';

/** Forgets changes that no client can still be waiting to hear of; a token older than that gets everything anew. */
export async function pruneChanges(store: Store, keepMinutes = 60): Promise<number> {
  const rows = await store.query<{ n: number }>(
    `WITH gone AS (DELETE FROM change WHERE at < now() - $1 * interval '1 minute' RETURNING 1) SELECT count(*)::int AS n FROM gone`,
    [keepMinutes],
  );
  return rows[0]?.n ?? 0;
}
