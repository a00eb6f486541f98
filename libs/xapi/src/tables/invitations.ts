/** The tables `invitation` and `enrolment`: hosts of other pools that were asked in, and hosts that have joined. */
import type { Ref } from '@xenplane/model';
import type { Reader, Tx } from '@xenplane/store';

export interface Invitation {
  readonly host: string;
  readonly inviter: Ref<'session'>;
  readonly secretHash: string;
  readonly nameLabel: string;
  readonly nameDescription: string;
}
const goodForMinutes = 60,
  keptDays = 1;

/** In the place of an earlier one of the host. */
export async function writeInvitation(
  tx: Tx,
  { host, inviter, secretHash, nameLabel, nameDescription }: Invitation,
): Promise<void> {
  await tx.query(
    `INSERT INTO invitation(host_uuid, inviter, secret_hash, name_label, name_description) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (host_uuid) DO UPDATE SET inviter = $2, secret_hash = $3, name_label = $4, name_description = $5, made_at = now()`,
    [host, inviter, secretHash, nameLabel, nameDescription],
  );
}
/** False when this session has not invited the host. */
export async function withdrawInvitation(tx: Tx, host: string, inviter: Ref<'session'>): Promise<boolean> {
  const rows = await tx.query(
    'DELETE FROM invitation WHERE host_uuid = $1 AND inviter = $2 RETURNING host_uuid',
    [host, inviter],
  );
  return rows.length > 0;
}
interface InvitationRow {
  readonly secret_hash: string;
  readonly name_label: string;
  readonly name_description: string;
}
/** One that still counts, locked. */
export async function lockInvitation(tx: Tx, host: string): Promise<InvitationRow | undefined> {
  const [row] = await tx.query<InvitationRow & Record<string, unknown>>(
    `SELECT secret_hash, name_label, name_description FROM invitation WHERE host_uuid = $1 AND made_at > now() - interval '${goodForMinutes} minutes' FOR UPDATE`,
    [host],
  );
  return row;
}
export async function removeOldInvitations(tx: Tx): Promise<void> {
  await tx.query(`DELETE FROM invitation WHERE made_at < now() - interval '${keptDays} day'`, []);
}
/** True if this is the token's hash of a host of this pool, or the secret's of one that was invited. */
export async function isKnownHost(reader: Reader, host: string, hash: string): Promise<boolean> {
  const rows = await reader.query(
    `SELECT 1 FROM host_run WHERE uuid = $1 AND token_hash = $2
       UNION ALL SELECT 1 FROM invitation WHERE host_uuid = $1 AND secret_hash = $2`,
    [host, hash],
  );
  return rows.length > 0;
}

/** Of these hosts those that have registered with what they got for their secret; locked. */
export async function lockRegistered(tx: Tx, hosts: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await tx.query<{ uuid: string; registered: boolean }>(
    `SELECT e.host_uuid AS uuid, coalesce((SELECT hypervisor_boot <> '' FROM host_run WHERE uuid = e.host_uuid), false) AS registered
     FROM enrolment e WHERE e.host_uuid = ANY($1) ORDER BY e.host_uuid FOR UPDATE OF e`,
    [hosts],
  );
  return new Set(rows.filter(({ registered }) => registered).map(({ uuid }) => uuid));
}
export async function enrol(tx: Tx, hosts: readonly string[]): Promise<void> {
  await tx.query(
    'INSERT INTO enrolment(host_uuid, used_at) SELECT uuid, now() FROM unnest($1::text[]) AS a(uuid) ON CONFLICT (host_uuid) DO UPDATE SET used_at = now()',
    [hosts],
  );
}
/** The host may join, or be invited, as if it had never been here. */
export async function forgetHost(tx: Tx, host: string): Promise<void> {
  await tx.query('DELETE FROM enrolment WHERE host_uuid = $1', [host]);
  await tx.query('DELETE FROM invitation WHERE host_uuid = $1', [host]);
}
