/** Another control plane asks that its host be let in: the right to join, for that host alone and until it has registered. */
import { allows, isNullRef, XenError } from '@xenplane/model';
import type { InvitationAnswer, InvitationRequest } from '@xenplane/hypervisor';
import { inTransaction, type Tx } from '@xenplane/store';
import { removeMember } from './pool-eject';
import type { Plane, Session } from '../core/context';
import { isFull } from './comparisons';
import { denied } from '../people/roles';
import { newHostToken, sameSecret, tokenHash } from '../fleet/tokens';
import { insertInvitation, lockInvitation, withdrawInvitation } from '../tables/invitations';
import { hostOfUuid, isRegistered } from '../tables/runs/agents';

function assertMayInvite(session: Session): void {
  if (!allows(session.role, 'pool-operator')) throw denied('pool.join', 'pool-operator');
}

export async function invite(
  plane: Plane,
  session: Session,
  { host, nameLabel, nameDescription }: InvitationRequest,
): Promise<InvitationAnswer> {
  assertMayInvite(session);
  const secret = newHostToken();
  await inTransaction(plane.store, async (tx) => {
    const [pool] = await tx.find('pool', {});
    if (!pool || isNullRef(pool.master)) throw new XenError('INTERNAL_ERROR', 'This pool has no host yet');
    if (pool.ha_enabled) throw new XenError('HA_IS_ENABLED');
    const member = await isRegistered(tx, host);
    const [{ hosts } = { hosts: 0 }] = await tx.query<{ hosts: number }>(
      'SELECT count(*)::int AS hosts FROM host',
    );
    if (isFull(pool, hosts)) throw new XenError('LICENCE_RESTRICTION', 'Pool_size');
    if (member) throw new XenError('DB_UNIQUENESS_CONSTRAINT_VIOLATION', 'host', 'uuid', host);
    await insertInvitation(tx, {
      host,
      inviter: session.ref,
      secretHash: tokenHash(secret),
      nameLabel,
      nameDescription,
    });
  });
  return { secret, apiUrl: plane.settings.url(), imagesUrl: plane.settings.imagesUrl };
}

/** The join did not come about: the host may not join any more, and if it has, it is ejected. Only who invited it may say so. */
export async function withdraw(plane: Plane, session: Session, host: string): Promise<void> {
  assertMayInvite(session);
  await inTransaction(plane.store, async (tx) => {
    const invited = await withdrawInvitation(tx, host, session.ref);
    const member = await hostOfUuid(tx, host);
    if (invited && member) await removeMember(tx, member);
  });
}

export interface Invitation {
  readonly name_label: string;
  readonly name_description: string;
}
/** The invitation that a secret proves. */
export async function invitationOf(tx: Tx, host: string, secret: string): Promise<Invitation | undefined> {
  const row = await lockInvitation(tx, host);
  return row && sameSecret(row.secret_hash, tokenHash(secret))
    ? { name_label: row.name_label, name_description: row.name_description }
    : undefined;
}
