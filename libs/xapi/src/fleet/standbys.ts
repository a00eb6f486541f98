/** Hosts that are off ask whether they are to come on, as a network card that waits for a wake-up packet does. */
import type { StandbyAnswer, StandbyRequest } from '@xenplane/hypervisor';
import type { Plane } from '../core/context';
import { tokenHash } from './tokens';

export async function powerStateWanted(plane: Plane, { standbys }: StandbyRequest): Promise<StandbyAnswer> {
  const rows = await plane.store.query<{ uuid: string; wake: boolean | null }>(
    `SELECT a.uuid, h.wake FROM unnest($1::text[], $2::text[]) AS a(uuid, hash) LEFT JOIN host_run h ON h.uuid = a.uuid AND h.token_hash = a.hash WHERE h.wake IS NOT FALSE`,
    [standbys.map((s) => s.host), standbys.map((s) => tokenHash(s.token))],
  );
  const uuids = (wake: boolean): string[] =>
    rows.filter((r) => (r.wake === true) === wake).map((r) => r.uuid);
  return { wake: uuids(true), unknown: uuids(false) };
}
