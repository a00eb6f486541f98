/** A host goes down in order: it has ended all its domains itself and gives its lease back, so that nobody need wait for it. */
import type { DepartureRequest } from '@xenplane/hypervisor';
import { inTransaction, type Tx } from '@xenplane/store';
import type { Plane } from '../core/context';
import { endRunsOfHost } from '../tables/runs/halted-runs';
import { showAlive } from './registrations';
import { tokenHash } from './tokens';
import { endLease } from '../tables/runs/agents';

export async function releaseLease(plane: Plane, { departures }: DepartureRequest): Promise<void> {
  for (const { host, token, hostEpoch } of departures)
    await inTransaction(plane.store, (tx) => departed(tx, plane, { uuid: host, token, hostEpoch }));
}

async function departed(
  tx: Tx,
  plane: Plane,
  { uuid, token, hostEpoch }: { uuid: string; token: string; hostEpoch: number },
): Promise<void> {
  const ref = await endLease(tx, uuid, hostEpoch, tokenHash(token));
  if (ref === undefined) return;
  const vms = await endRunsOfHost(tx, plane, ref, { lost: false });
  await showAlive(tx, [ref], false);
  plane.log.info({ host: ref, vms: vms.length }, 'host went down');
}
