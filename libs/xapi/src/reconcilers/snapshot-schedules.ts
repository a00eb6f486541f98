/** Follows the snapshot schedules. Any number of schedulers may look; the one that moves the time of the last run begins the run. */
import { snapshotSchedule } from '@xenplane/domain';
import { inTransaction } from '@xenplane/store';
import { beginInternally } from '../begin/begin-operation';
import { dateTime, type Plane } from '../core/context';

interface Enabled {
  readonly ref: string;
  readonly frequency: snapshotSchedule.Frequency;
  readonly schedule: Readonly<Record<string, string>>;
  readonly last: number;
}

export async function followSnapshotSchedules(plane: Plane): Promise<{ readonly begun: number }> {
  const now = plane.clock.now();
  const enabled = await plane.store.query<Enabled & { ref: string }>(
    `SELECT ref, frequency, schedule, (extract(epoch FROM last_run_time) * 1000)::float8 AS last FROM vmss WHERE enabled`,
  );
  let begun = 0;
  for (const vmss of enabled)
    if (
      snapshotSchedule.isDue(vmss.frequency, vmss.schedule, vmss.last, now.getTime()) &&
      (await begin(plane, vmss, now))
    )
      begun += 1;
  return { begun };
}

/** At most once for each time that it is due: the run and the time of the last run are one change. */
async function begin(plane: Plane, { ref, frequency, schedule }: Enabled, now: Date): Promise<boolean> {
  return inTransaction(plane.store, async (tx) => {
    const rows = await tx.query(
      'UPDATE vmss SET last_run_time = $2::timestamptz WHERE ref = $1 AND enabled AND last_run_time < $3::timestamptz RETURNING ref',
      [
        ref,
        dateTime(now),
        new Date(snapshotSchedule.lastDue(frequency, schedule, now.getTime())).toISOString(),
      ],
    );
    if (rows.length === 0) return false;
    await beginInternally(tx, plane, 'VMSS.snapshot_now', { vmss: ref });
    return true;
  });
}
