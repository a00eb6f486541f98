/** A host joins the pool: its secret is used up and it gets its token. The same host may ask again with the same secret until it has registered once. */
import type { JoinAnswer, JoinRequest } from '@xenplane/hypervisor';
import { asRef } from '@xenplane/model';
import { inTransaction } from '@xenplane/store';
import { joinPeers } from '../auth/external';
import { addHost } from '../bootstrap/host';
import type { Plane } from '../context';
import { joinSecret, newHostToken, sameSecret, tokenHash } from './tokens';

/** Refused: the secret is wrong or used up. The HTTP layer answers 403. */
export class Refused extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'Refused';
  }
}

export async function join(plane: Plane, request: JoinRequest): Promise<JoinAnswer> {
  const { joinKey } = plane.settings;
  if (!joinKey || !sameSecret(request.secret, joinSecret(joinKey, request.host))) throw new Refused('wrong secret');
  const token = newHostToken();
  await inTransaction(plane.store, async (tx) => {
    const used = await tx.query<{ registered: boolean }>(
      "SELECT coalesce((SELECT hypervisor_boot <> '' FROM host_run WHERE uuid = $1), false) AS registered FROM enrolment WHERE host_uuid = $1 FOR UPDATE",
      [request.host],
    );
    if (used[0]?.registered) throw new Refused('the secret was used');
    await tx.query('INSERT INTO enrolment(host_uuid, used_at) VALUES ($1, now()) ON CONFLICT (host_uuid) DO UPDATE SET used_at = now()', [request.host]);
    const known = await tx.query<{ host: string }>('SELECT host FROM host_run WHERE uuid = $1', [request.host]);
    const host = known[0] ? asRef<'host'>(known[0].host) : await addHost(tx, plane, request.host, request.inventory);
    if (!known[0]) await joinPeers(tx, host);
    await tx.query('UPDATE host_run SET token_hash = $2 WHERE host = $1', [host, tokenHash(token)]);
  });
  plane.log.info({ host: request.host }, 'host joined');
  return { token };
}
