/** Keeps what clients see of a host's memory in step with what is reserved on it. */
import { inTransaction } from '@xenplane/store';
import type { Plane } from '../core/context';

export async function updateHostMemory(plane: Plane): Promise<{ readonly changed: number }> {
  return inTransaction(plane.store, async (tx) => {
    const rows = await tx.query(
      `WITH wrong AS (SELECT m.ref, r.memory_free FROM host_metrics m JOIN host h ON h.metrics = m.ref JOIN host_run r ON r.host = h.ref
                      WHERE m.memory_free <> r.memory_free ORDER BY m.ref FOR UPDATE OF m)
       UPDATE host_metrics m SET memory_free = w.memory_free, last_updated = now() FROM wrong w WHERE m.ref = w.ref RETURNING m.ref`,
      [],
    );
    return { changed: rows.length };
  });
}
