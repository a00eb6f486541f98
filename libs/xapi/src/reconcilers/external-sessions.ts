/** Asks the directory again about those who are logged in: who was locked out there, or has left a group, does not stay in. */
import { inTransaction } from '@xenplane/store';
import { admitAgain } from '../people/admission-of-subjects';
import { DirectoryTrouble } from '../people/directory';
import { endSessions, joinedDirectory } from '../people/external-auth';
import { dateTime, type Plane } from '../core/context';
import { renewSubjects } from '../tables/sessions/sessions';

/** A look into the directory holds for so long. */
const validMinutes = 5;
const mostAtOnce = 200;

interface Due {
  readonly identifier: string;
  readonly sessions: readonly string[];
}

/** Each session whose role is no longer what the directory gives ends. While the directory does not answer they stay. */
export async function revalidateSessions(plane: Plane): Promise<void> {
  const due = await plane.store.query<Due & object>(
    `SELECT auth_user_sid AS identifier, array_agg(ref) AS sessions FROM session
     WHERE auth_user_sid <> '' AND validation_time < now() - interval '${validMinutes} minutes' GROUP BY auth_user_sid ORDER BY min(validation_time) LIMIT ${mostAtOnce}`,
    [],
  );
  const directory = due.length > 0 ? await joinedDirectory(plane) : undefined;
  if (!directory) return;
  try {
    for (const one of due) await settle(plane, one, await admitAgain(plane, directory, one.identifier));
  } catch (error) {
    if (!(error instanceof DirectoryTrouble)) throw error;
    plane.log.warn({ error }, 'sessions of the directory are not validated');
  }
}

async function settle(
  plane: Plane,
  { sessions }: Due,
  now: Awaited<ReturnType<typeof admitAgain>>,
): Promise<void> {
  await inTransaction(plane.store, async (tx) => {
    const stay: ReadonlySet<string> = now ? await renewSubjects(tx, sessions, now) : new Set();
    for (const ref of stay)
      await tx.query('UPDATE session SET validation_time = $2, subject = $3 WHERE ref = $1', [
        ref,
        dateTime(plane.clock.now()),
        now?.subject,
      ]);
    await endSessions(
      tx,
      sessions.filter((s) => !stay.has(s)),
    );
  });
}
