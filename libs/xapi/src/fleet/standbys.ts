/** Hosts that are off ask whether they are to come on, as a network card that waits for a wake-up packet does. */
import type { StandbyAnswer, StandbyRequest } from '@xenplane/hypervisor';
import type { Plane } from '../context';
import { tokenHash } from './tokens';

export async function standBy(plane: Plane, { standbys }: StandbyRequest): Promise<StandbyAnswer> {
  const rows = await plane.store.query<{ uuid: string }>(
    `SELECT h.uuid FROM host_run h JOIN unnest($1::text[], $2::text[]) AS a(uuid, hash) ON a.uuid = h.uuid AND a.hash = h.token_hash WHERE h.wake`,
    [standbys.map((s) => s.host), standbys.map((s) => tokenHash(s.token))],
  );
  return { wake: rows.map((r) => r.uuid) };
}
