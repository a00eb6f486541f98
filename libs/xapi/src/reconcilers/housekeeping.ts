/** Lets go of what has had its time: finished tasks, idle sessions, the change log's tail. */
import { inTransaction, pruneChanges } from '@xenplane/store';
import { pruneAudit } from '../tables/audit';
import type { Plane } from '../core/context';
import { forgetAlarms } from '../metrics/alarms';
import { forgetOrphans } from '../metrics/choices';
import { endIdleSessions } from '../tables/sessions/sessions';
import { deleteFinishedTasks } from '../begin/finished-tasks';
import { removeDoneOperations } from '../tables/operations/operations';
import { removeOldInvitations } from '../tables/invitations';

/** The oldest beyond these go, as in xapi. */
const mostMessages = 10_000;

export async function housekeep(
  plane: Plane,
): Promise<{ readonly tasks: number; readonly sessions: number }> {
  const tasks = await deleteFinishedTasks(plane.store);
  const sessions = await inTransaction(plane.store, async (tx) => {
    await removeDoneOperations(tx);
    await tx.query(
      `DELETE FROM message WHERE ref IN (SELECT ref FROM message ORDER BY "timestamp" DESC, ref OFFSET ${mostMessages})`,
      [],
    );
    await removeOldInvitations(tx);
    await forgetOrphans(tx);
    await forgetAlarms(tx);
    return endIdleSessions(tx);
  });
  await pruneChanges(plane.store);
  await pruneAudit(plane.store);
  return { tasks, sessions };
}
