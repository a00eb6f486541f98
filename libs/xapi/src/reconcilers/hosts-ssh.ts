/** Closes SSH on hosts that were opened for a while, when the while is over. */
import { inTransaction } from '@xenplane/store';
import { dateTime, never, type Plane } from '../core/context';

export async function closeSsh(plane: Plane): Promise<{ readonly closed: number }> {
  return inTransaction(plane.store, async (tx) => {
    const rows = await tx.query(
      'UPDATE host SET ssh_enabled = false, ssh_expiry = $2 WHERE ssh_enabled AND ssh_expiry > $2 AND ssh_expiry <= $1 RETURNING ref',
      [dateTime(plane.clock.now()), never],
    );
    return { closed: rows.length };
  });
}
