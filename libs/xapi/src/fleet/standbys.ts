/** Hosts that are off ask whether they are to come on, as a network card that waits for a wake-up packet does. */
import type { StandbyAnswer, StandbyRequest } from '@xenplane/hypervisor';
import type { Plane } from '../core/context';
import { tokenHash } from './tokens';
import { wakesOf } from '../tables/runs/agents';

export async function powerStateWanted(plane: Plane, { standbys }: StandbyRequest): Promise<StandbyAnswer> {
  const rows = await wakesOf(
    plane.store,
    standbys.map(({ host, token }) => ({ uuid: host, hash: tokenHash(token) })),
  );
  const uuids = (wake: boolean): string[] =>
    rows.filter((r) => (r.wake === true) === wake).map((r) => r.uuid);
  return { wake: uuids(true), unknown: uuids(false) };
}
