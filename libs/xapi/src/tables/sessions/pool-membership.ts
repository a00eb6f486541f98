/** True when the one host of this pool has gone into another: then this plane answers as a pool member that is not the master does. */
import { XenError } from '@xenplane/model';
import { inTransaction, type Reader, type Tx } from '@xenplane/store';
import type { Plane } from '../../core/context';

/** The address of the pool that this one's host has joined, as it was given. */
export async function masterElsewhere(read: Reader | Pick<Tx, 'query'>): Promise<string | undefined> {
  const [row] = await read.query<{ address: string }>(
    'SELECT address FROM slave_of WHERE since IS NOT NULL',
    [],
  );
  return row?.address;
}

/** Keeps the place for one join at a time. */
export async function beginJoining(tx: Tx, address: string, operation: string): Promise<void> {
  const [row] = await tx.query(
    'INSERT INTO slave_of(address, operation) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING address',
    [address, operation],
  );
  if (row) return;
  const [pool] = await tx.find('pool', {});
  const [other] = await tx.query<{ operation: string }>('SELECT operation FROM slave_of', []);
  throw new XenError('OTHER_OPERATION_IN_PROGRESS', 'pool', pool?.ref ?? '', 'join', other?.operation ?? '');
}
export async function abortJoining(tx: Tx, operation: string): Promise<void> {
  await tx.query('DELETE FROM slave_of WHERE operation = $1 AND since IS NULL', [operation]);
}
export async function becomeMember(tx: Tx): Promise<void> {
  await tx.query('UPDATE slave_of SET since = now()', []);
}
/** A host has joined this pool again. */
export async function leaveOtherPool(tx: Tx): Promise<void> {
  await tx.query('DELETE FROM slave_of WHERE since IS NOT NULL', []);
}

const restartSeconds = 10;
/** A host that has joined restarts its toolstack a moment later: until then sessions may read how their call ended. */
export async function endSessionsOfMember(plane: Plane): Promise<void> {
  await inTransaction(plane.store, (tx) =>
    tx.query(
      `WITH due AS (UPDATE slave_of SET restarted = true WHERE NOT restarted AND since < now() - interval '${restartSeconds} seconds' RETURNING address),
            ended AS (DELETE FROM session_state WHERE EXISTS (SELECT 1 FROM due) RETURNING session)
       DELETE FROM session s USING ended e WHERE s.ref = e.session`,
      [],
    ),
  );
}
