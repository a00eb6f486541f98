/** Hosts join the pool: the secret of each is used up and it gets its token. The same host may ask again with the same secret until it has registered once. */
import {
  joinSecret,
  type JoinAnswer,
  type Joining,
  type JoinRequest,
  type JoinResult,
} from '@xenplane/hypervisor';
import type { Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import { joinPeers } from '../people/external-auth';
import { addHosts } from '../bootstrap/host';
import { refOf } from '../core/seeded';
import type { Plane } from '../core/context';
import { leaveOtherPool } from '../tables/sessions/pool-membership';
import { invitationOf, type Invitation } from '../pool-join/invitations';
import { newHostToken, sameSecret, tokenHash } from './tokens';
import { insertEnrolments, knownUuids, lockEnrolments, setTokens } from '../tables/runs/agents';

interface Admitted extends Joining {
  readonly token: string;
  readonly invitation: Invitation | undefined;
}

export async function joinHosts(plane: Plane, { joins }: JoinRequest): Promise<JoinAnswer> {
  // In one order, so that two lots never wait for one another in a circle.
  const asking = joins.toSorted((a, b) => a.host.localeCompare(b.host));
  const hosts = await inTransaction(plane.store, async (tx) => {
    const used = await usedUp(tx, asking);
    const results: JoinResult[] = [],
      admitted: Admitted[] = [];
    for (const one of asking) {
      const proof = await proofOf(tx, plane, one);
      const refused = !proof ? 'wrong secret' : used.has(one.host) ? 'the secret was used' : undefined;
      const token = newHostToken();
      results.push(
        refused === undefined ? { host: one.host, token } : { host: one.host, token: '', refused },
      );
      if (refused === undefined) admitted.push({ ...one, token, invitation: proof?.invitation });
    }
    await letIn(tx, plane, admitted);
    return results;
  });
  const joined = hosts.filter(({ refused }) => refused === undefined).length;
  if (joined > 0) plane.log.info({ hosts: joined }, 'hosts joined');
  return { hosts };
}

/** By the secret that follows from the join key, or by an invitation. */
async function proofOf(
  tx: Tx,
  { settings: { joinKey } }: Plane,
  { host, secret }: Joining,
): Promise<Pick<Admitted, 'invitation'> | undefined> {
  if (joinKey && sameSecret(secret, joinSecret(joinKey, host))) return { invitation: undefined };
  const invitation = await invitationOf(tx, host, secret);
  return invitation && { invitation };
}

/** The hosts that have registered with what they got for their secret. */
async function usedUp(tx: Tx, asking: readonly Joining[]): Promise<Set<string>> {
  const rows = await lockEnrolments(
    tx,
    asking.map(({ host }) => host),
  );
  return new Set(rows.filter(({ registered }) => registered).map(({ uuid }) => uuid));
}

async function letIn(tx: Tx, plane: Plane, admitted: readonly Admitted[]): Promise<void> {
  if (admitted.length === 0) return;
  const uuids = admitted.map(({ host }) => host);
  await insertEnrolments(tx, uuids);
  const known = await knownUuids(tx, uuids);
  const fresh = admitted.filter(({ host }) => !known.has(host));
  await addHosts(
    tx,
    plane,
    fresh.map(({ host: uuid, inventory }) => ({ uuid, inventory })),
  );
  const refs = fresh.map(({ host }): Ref<'host'> => refOf('host', host));
  await joinPeers(tx, refs);
  for (const { host, invitation } of fresh)
    if (invitation) await tx.update('host', refOf('host', host), invitation);
  await setTokens(
    tx,
    uuids,
    admitted.map(({ token }) => tokenHash(token)),
  );
  await leaveOtherPool(tx);
}
