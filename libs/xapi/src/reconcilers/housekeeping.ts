/** Lets go of what has had its time: finished tasks, idle sessions, the change log's tail. */
import { inTransaction, pruneChanges } from '@xenplane/store';
import { pruneAudit } from '../audit';
import type { Plane } from '../context';
import { forgetAlarms } from '../rrd/alarms';
import { forgetOrphans } from '../rrd/choices';
import { idleLimitHours } from '../sessions';

const finishedTaskMinutes = 65;
/** The oldest beyond these go, as in xapi. */
const mostMessages = 10_000;

export async function housekeep(plane: Plane): Promise<{ readonly tasks: number; readonly sessions: number }> {
  const counts = await inTransaction(plane.store, async (tx) => {
    const tasks = await tx.query(
      `WITH old AS (DELETE FROM task WHERE status IN ('success', 'failure', 'cancelled') AND finished < now() - interval '${finishedTaskMinutes} minutes' RETURNING ref),
            owners AS (DELETE FROM task_owner o USING old WHERE o.task = old.ref),
            operations AS (DELETE FROM operation o USING old WHERE o.ref = old.ref AND o.state = 'done')
       SELECT ref FROM old`,
      [],
    );
    await tx.query("DELETE FROM operation WHERE state = 'done' AND touched < now() - interval '65 minutes'", []);
    await tx.query(`DELETE FROM message WHERE ref IN (SELECT ref FROM message ORDER BY "timestamp" DESC, ref OFFSET ${mostMessages})`, []);
    await tx.query("DELETE FROM invitation WHERE made_at < now() - interval '1 day'", []);
    await forgetOrphans(tx);
    await forgetAlarms(tx);
    const sessions = await tx.query(
      `WITH old AS (DELETE FROM session_state WHERE last_active < now() - interval '${idleLimitHours} hours' RETURNING session)
       DELETE FROM session s USING old WHERE s.ref = old.session RETURNING s.ref`,
      [],
    );
    return { tasks: tasks.length, sessions: sessions.length };
  });
  await pruneChanges(plane.store);
  await pruneAudit(plane.store);
  return counts;
}
