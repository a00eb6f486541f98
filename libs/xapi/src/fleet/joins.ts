/** A host joins the pool: its secret is used up and it gets its token. The same host may ask again with the same secret until it has registered once. */
import type { JoinAnswer, JoinRequest } from '@xenplane/hypervisor';
import type { Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import { joinPeers } from '../auth/external';
import { addHost } from '../bootstrap/host';
import type { Plane } from '../context';
import { standAlone } from '../slave';
import { invitationOf, type Invitation } from './invitations';
import { joinSecret, newHostToken, sameSecret, tokenHash } from './tokens';

/** Refused: the secret is wrong or used up. The HTTP layer answers 403. */
export class Refused extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'Refused';
  }
}

export async function join(plane: Plane, request: JoinRequest): Promise<JoinAnswer> {
  const token = newHostToken();
  await inTransaction(plane.store, async (tx) => {
    const invitation = await admitted(tx, plane, request);
    await useUp(tx, request.host);
    const host = await hostOf(tx, plane, request, invitation);
    await tx.query('UPDATE host_run SET token_hash = $2 WHERE host = $1', [host, tokenHash(token)]);
    await standAlone(tx);
  });
  plane.log.info({ host: request.host }, 'host joined');
  return { token };
}

/** By an invitation, or by the secret that follows from the join key. */
async function admitted(tx: Tx, { settings: { joinKey } }: Plane, { host, secret }: JoinRequest): Promise<Invitation | undefined> {
  const invitation = await invitationOf(tx, host, secret);
  if (invitation || (joinKey && sameSecret(secret, joinSecret(joinKey, host)))) return invitation;
  throw new Refused('wrong secret');
}

async function useUp(tx: Tx, host: string): Promise<void> {
  const [used] = await tx.query<{ registered: boolean }>(
    "SELECT coalesce((SELECT hypervisor_boot <> '' FROM host_run WHERE uuid = $1), false) AS registered FROM enrolment WHERE host_uuid = $1 FOR UPDATE",
    [host],
  );
  if (used?.registered) throw new Refused('the secret was used');
  await tx.query('INSERT INTO enrolment(host_uuid, used_at) VALUES ($1, now()) ON CONFLICT (host_uuid) DO UPDATE SET used_at = now()', [host]);
}

async function hostOf(tx: Tx, plane: Plane, { host: uuid, inventory }: JoinRequest, invitation: Invitation | undefined): Promise<Ref<'host'>> {
  const [known] = await tx.query<{ host: Ref<'host'> }>('SELECT host FROM host_run WHERE uuid = $1', [uuid]);
  if (known) return known.host;
  const host = await addHost(tx, plane, uuid, inventory);
  await joinPeers(tx, host);
  if (invitation) await tx.update('host', host, invitation);
  return host;
}
