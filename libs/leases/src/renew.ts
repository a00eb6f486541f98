/**
 * Heartbeats: any number of hosts in one statement (R5). A row that another transaction holds is passed over, so that no
 * host waits for another's; the answer then lacks that host, and its agent asks again.
 */
import type { RenewalAnswer, RenewalRequest } from '@xenplane/hypervisor';
import { tokenHash } from './token-hash';

/** Where SQL can be asked, each statement in a transaction of its own. */
export interface Database {
  query<R>(sql: string, params: readonly unknown[]): Promise<readonly R[]>;
}

const renewSql = `WITH asked AS (SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::jsonb[]) AS a(uuid, epoch, hash, load)),
  known AS (SELECT l.host, l.uuid, a.epoch, a.load FROM host_lease l JOIN asked a ON a.uuid = l.uuid AND a.epoch = l.host_epoch AND a.hash = l.token_hash
            WHERE l.alive),
  free AS (SELECT l.host, k.load FROM host_lease l JOIN known k ON k.host = l.host AND k.epoch = l.host_epoch WHERE l.alive
           ORDER BY l.host FOR UPDATE OF l SKIP LOCKED),
  renewed AS (UPDATE host_lease l SET lease_seq = l.lease_seq + 1, load = f.load FROM free f WHERE l.host = f.host RETURNING l.host)
  SELECT k.uuid, r.host IS NOT NULL AS renewed FROM known k LEFT JOIN renewed r ON r.host = k.host`;

export async function renewLeases(database: Database, { renewals }: RenewalRequest): Promise<RenewalAnswer> {
  const rows = await database.query<{ uuid: string; renewed: boolean }>(renewSql, [
    renewals.map((r) => r.host),
    renewals.map((r) => r.hostEpoch),
    renewals.map((r) => tokenHash(r.token)),
    renewals.map((r) => JSON.stringify(r.load)),
  ]);
  const known = new Map(rows.map((row) => [row.uuid, row.renewed]));
  const busy = new Set(rows.filter((row) => !row.renewed).map((row) => row.uuid));
  return {
    renewals: renewals
      .filter(({ host }) => !busy.has(host))
      .map(({ host }) => ({ host, renewed: known.get(host) ?? false })),
  };
}

/** True if that is the digest of the token of the host. */
export async function isKnownHost(database: Database, uuid: string, hash: string): Promise<boolean> {
  const rows = await database.query('SELECT 1 FROM host_lease WHERE uuid = $1 AND token_hash = $2', [
    uuid,
    hash,
  ]);
  return rows.length > 0;
}
