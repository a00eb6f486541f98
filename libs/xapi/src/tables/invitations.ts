/** The table `invitation`: hosts of other control planes that may join, until they have registered. */
import type { Tx } from '@xenplane/store';

const goodForMinutes = 60;

export interface NewInvitation {
  readonly host: string;
  /** The session of who asked for it. */
  readonly inviter: string;
  readonly secretHash: string;
  readonly nameLabel: string;
  readonly nameDescription: string;
}
/** The latest of a host counts. */
export async function insertInvitation(
  tx: Tx,
  { host, inviter, secretHash, nameLabel, nameDescription }: NewInvitation,
): Promise<void> {
  await tx.query(
    `INSERT INTO invitation(host_uuid, inviter, secret_hash, name_label, name_description) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (host_uuid) DO UPDATE SET inviter = $2, secret_hash = $3, name_label = $4, name_description = $5, made_at = now()`,
    [host, inviter, secretHash, nameLabel, nameDescription],
  );
}
/** False when it was another that invited the host, or nobody. */
export async function withdrawInvitation(tx: Tx, host: string, inviter: string): Promise<boolean> {
  const rows = await tx.query(
    'DELETE FROM invitation WHERE host_uuid = $1 AND inviter = $2 RETURNING host_uuid',
    [host, inviter],
  );
  return rows.length > 0;
}
export async function removeInvitation(tx: Tx, host: string): Promise<void> {
  await tx.query('DELETE FROM invitation WHERE host_uuid = $1', [host]);
}
/** Invitations that were never made use of. */
export async function removeOldInvitations(tx: Tx): Promise<void> {
  await tx.query("DELETE FROM invitation WHERE made_at < now() - interval '1 day'", []);
}

export interface InvitationRow extends Record<string, unknown> {
  readonly secret_hash: string;
  readonly name_label: string;
  readonly name_description: string;
}
/** The invitation of a host, as long as it is good. */
export async function lockInvitation(tx: Tx, host: string): Promise<InvitationRow | undefined> {
  const [row] = await tx.query<InvitationRow>(
    `SELECT secret_hash, name_label, name_description FROM invitation WHERE host_uuid = $1 AND made_at > now() - interval '${goodForMinutes} minutes' FOR UPDATE`,
    [host],
  );
  return row;
}
