/** Heartbeats: any number of hosts in one statement, hosts in order so that two batches never wait for one another in a circle (R5). */
import type { RenewalAnswer, RenewalRequest } from '@xenplane/hypervisor';
import type { Plane } from '../context';
import { tokenHash } from './tokens';

export async function renew(plane: Plane, { renewals }: RenewalRequest): Promise<RenewalAnswer> {
  const rows = await plane.store.query<{ uuid: string }>(
    `WITH asked AS (SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::jsonb[]) AS a(uuid, epoch, hash, load)),
          locked AS (SELECT h.host, a.load FROM host_run h JOIN asked a ON a.uuid = h.uuid AND a.epoch = h.host_epoch AND a.hash = h.token_hash
                     WHERE h.alive ORDER BY h.host FOR UPDATE OF h)
     UPDATE host_run h SET lease_seq = h.lease_seq + 1, load = l.load FROM locked l WHERE h.host = l.host RETURNING h.uuid`,
    [renewals.map((r) => r.host), renewals.map((r) => r.hostEpoch), renewals.map((r) => tokenHash(r.token)), renewals.map((r) => JSON.stringify(r.load))],
  );
  const renewed = new Set(rows.map((r) => r.uuid));
  return { renewals: renewals.map(({ host }) => ({ host, renewed: renewed.has(host) })) };
}
