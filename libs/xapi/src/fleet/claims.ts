/**
 * The right to create a domain: given once per placement, and again only to the same asker with the same nonce (R4). With an
 * attempt: the right of a migration's source to wake the guest, while the migration is given up and nothing else began (R13).
 */
import type { ClaimAnswer, ClaimRequest } from '@xenplane/hypervisor';
import type { Plane } from '../core/context';
import { tokenHash } from './tokens';

export async function grantClaim(plane: Plane, { claims }: ClaimRequest): Promise<ClaimAnswer> {
  const rows = await plane.store.query<{ i: number }>(
    `WITH asked AS (SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::text[], $7::int[]) WITH ORDINALITY AS a(uuid, hash, host_epoch, vm_uuid, vm_epoch, nonce, attempt, i)),
          locked AS (SELECT r.vm, a.nonce, a.attempt, a.i FROM asked a
                     JOIN host_run h ON h.uuid = a.uuid AND h.token_hash = a.hash AND h.host_epoch = a.host_epoch AND h.alive
                     JOIN vm v ON v.uuid = a.vm_uuid
                     JOIN vm_run r ON r.vm = v.ref AND r.vm_epoch = a.vm_epoch AND r.host = h.host AND r.host_epoch = h.host_epoch
                       AND CASE WHEN a.attempt IS NULL THEN r.state = 'A' OR (r.state = 'C' AND r.claim_nonce = a.nonce) ELSE r.state = 'R' AND r.attempt = a.attempt END
                     ORDER BY r.vm FOR UPDATE OF r)
     UPDATE vm_run r SET state = CASE WHEN l.attempt IS NULL THEN 'C' ELSE r.state END, claim_nonce = l.nonce, since = now() FROM locked l WHERE r.vm = l.vm RETURNING l.i::int AS i`,
    [
      claims.map((c) => c.host),
      claims.map((c) => tokenHash(c.token)),
      claims.map((c) => c.hostEpoch),
      claims.map((c) => c.vm),
      claims.map((c) => c.vmEpoch),
      claims.map((c) => c.nonce),
      claims.map((c) => c.attempt ?? null),
    ],
  );
  const granted = new Set(rows.map((r) => r.i));
  return { granted: claims.map((_, i) => granted.has(i + 1)) };
}
