/** A host goes down in order: it has ended all its domains itself and gives its lease back, so that nobody need wait for it. */
import type { DepartureRequest } from '@xenplane/hypervisor';
import { inTransaction, type Tx } from '@xenplane/store';
import type { Plane } from '../core/context';
import { endRunsOfHost } from '../tables/runs/halted-runs';
import { showAlive } from './registrations';
import { tokenHash } from './tokens';

export async function releaseLease(plane: Plane, { departures }: DepartureRequest): Promise<void> {
  for (const { host, token, hostEpoch } of departures)
    await inTransaction(plane.store, (tx) => departed(tx, plane, { uuid: host, token, hostEpoch }));
}

async function departed(
  tx: Tx,
  plane: Plane,
  { uuid, token, hostEpoch }: { uuid: string; token: string; hostEpoch: number },
): Promise<void> {
  const [row] = await tx.query<{ host: string }>(
    'UPDATE host_run SET alive = false, wake = false WHERE uuid = $1 AND host_epoch = $2 AND token_hash = $3 AND alive RETURNING host',
    [uuid, hostEpoch, tokenHash(token)],
  );
  if (!row) return;
  const vms = await endRunsOfHost(tx, plane, row.host, { lost: false });
  await showAlive(tx, [row.host], false);
  plane.log.info({ host: row.host, vms: vms.length }, 'host went down');
}
