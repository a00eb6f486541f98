/** The tables `host_run`, as far as agents speak of their hosts, `host_lease` and `enrolment`: tokens, epochs, leases, joins. */
import type { Ref } from '@xenplane/model';
import type { Reader, Tx } from '@xenplane/store';

export interface AgentAddress extends Record<string, unknown> {
  readonly uuid: string;
  readonly agent_url: string;
  readonly command_key: string;
}
/** Of a host that lives. */
export async function agentAddress(reader: Reader, host: string): Promise<AgentAddress | undefined> {
  const [row] = await reader.query<AgentAddress>(
    'SELECT uuid, agent_url, command_key FROM host_run WHERE host = $1 AND alive',
    [host],
  );
  return row;
}
/** Where the agent of a host last was. */
export async function lastAgentAddress(reader: Reader, host: string): Promise<AgentAddress | undefined> {
  const [row] = await reader.query<AgentAddress>(
    'SELECT uuid, agent_url, command_key FROM host_run WHERE host = $1',
    [host],
  );
  return row;
}

/** True for the token of the host, or the secret of its invitation. */
export async function isHostKnown(reader: Reader, uuid: string, hash: string): Promise<boolean> {
  const rows = await reader.query(
    `SELECT 1 FROM host_run WHERE uuid = $1 AND token_hash = $2
       UNION ALL SELECT 1 FROM invitation WHERE host_uuid = $1 AND secret_hash = $2`,
    [uuid, hash],
  );
  return rows.length > 0;
}
/** Of hosts that are off, by uuid and digest of the token: whether each is to come on; null for one that is not known. */
export const wakesOf = (
  reader: Reader,
  hosts: readonly { readonly uuid: string; readonly hash: string }[],
): Promise<{ uuid: string; wake: boolean | null }[]> =>
  reader.query<{ uuid: string; wake: boolean | null }>(
    `SELECT a.uuid, h.wake FROM unnest($1::text[], $2::text[]) AS a(uuid, hash) LEFT JOIN host_run h ON h.uuid = a.uuid AND h.token_hash = a.hash WHERE h.wake IS NOT FALSE`,
    [hosts.map(({ uuid }) => uuid), hosts.map(({ hash }) => hash)],
  );

export interface KnownHost extends Record<string, unknown> {
  readonly host: Ref<'host'>;
  readonly uuid: string;
  readonly token_hash: string;
  readonly hypervisor_boot: string;
  readonly lost: boolean;
}
/** Locked in one order, so that two batches never wait for one another in a circle. */
export const lockHosts = (tx: Tx, uuids: readonly string[]): Promise<KnownHost[]> =>
  tx.query<KnownHost>(
    'SELECT host, uuid, token_hash, hypervisor_boot, lost FROM host_run WHERE uuid = ANY($1) ORDER BY host FOR UPDATE',
    [uuids],
  );

export interface StartedAgent {
  readonly ref: Ref<'host'>;
  readonly agentBoot: string;
  readonly hypervisorBoot: string;
  readonly agentUrl: string;
  readonly commandKey: string;
}
/** Hosts live under new epochs, and what runs there with them; answers the epochs. */
export async function renewEpochs(tx: Tx, agents: readonly StartedAgent[]): Promise<Map<string, number>> {
  const rows = await tx.query<{ host: string; host_epoch: number }>(
    `WITH new AS (
       UPDATE host_run h SET host_epoch = nextval('host_epochs'), alive = true, wake = false, lost = false,
         agent_boot = r.agent_boot, hypervisor_boot = r.hypervisor_boot, agent_url = r.agent_url, command_key = r.command_key
       FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS r(host, agent_boot, hypervisor_boot, agent_url, command_key)
       WHERE h.host = r.host RETURNING h.host, h.host_epoch),
     runs AS (UPDATE vm_run v SET host_epoch = n.host_epoch FROM new n WHERE v.host = n.host AND v.state <> 'H')
     SELECT host, host_epoch FROM new`,
    [
      agents.map(({ ref }) => ref),
      agents.map(({ agentBoot }) => agentBoot),
      agents.map(({ hypervisorBoot }) => hypervisorBoot),
      agents.map(({ agentUrl }) => agentUrl),
      agents.map(({ commandKey }) => commandKey),
    ],
  );
  return new Map(rows.map(({ host, host_epoch }) => [host, host_epoch]));
}

/**
 * How long leases last from now on; sent with the commit. A host that has not booted may still believe in a longer one that it was
 * given before: whoever fences it waits for that.
 */
export function grantLeases(
  tx: Tx,
  hosts: readonly { readonly ref: Ref<'host'>; readonly booted: boolean }[],
  leaseMs: number,
): void {
  tx.leave(
    'UPDATE host_lease SET lease_ms = CASE WHEN host = ANY($2) THEN $3::int ELSE greatest(lease_ms, $3::int) END WHERE host = ANY($1)',
    [hosts.map(({ ref }) => ref), hosts.filter(({ booted }) => booted).map(({ ref }) => ref), leaseMs],
  );
}

/** A host gives its lease back; undefined when that is not its epoch, or not its token. */
export async function endLease(
  tx: Tx,
  uuid: string,
  hostEpoch: number,
  hash: string,
): Promise<string | undefined> {
  const [row] = await tx.query<{ host: string }>(
    'UPDATE host_run SET alive = false, wake = false WHERE uuid = $1 AND host_epoch = $2 AND token_hash = $3 AND alive RETURNING host',
    [uuid, hostEpoch, hash],
  );
  return row?.host;
}

export interface Lease extends Record<string, unknown> {
  readonly host: string;
  readonly host_epoch: number;
  readonly lease_seq: number;
  /** How long the host may believe in it. */
  readonly lease_ms: number;
}
export const liveLeases = (reader: Reader): Promise<Lease[]> =>
  reader.query<Lease>('SELECT host, host_epoch, lease_seq, lease_ms FROM host_lease WHERE alive');
/** True when the lease is still this one; then no renewal can pass any more. The host's row first, as in every other transaction that changes both. */
export async function lockLease(tx: Tx, { host, host_epoch, lease_seq }: Lease): Promise<boolean> {
  await tx.query('SELECT 1 FROM host_run WHERE host = $1 FOR UPDATE', [host]);
  const stale = await tx.query(
    'SELECT 1 FROM host_lease WHERE host = $1 AND host_epoch = $2 AND lease_seq = $3 AND alive FOR UPDATE',
    [host, host_epoch, lease_seq],
  );
  return stale.length > 0;
}
export async function markHostLost(tx: Tx, host: string): Promise<void> {
  await tx.query('UPDATE host_run SET alive = false, lost = true WHERE host = $1', [host]);
}

/** The hosts that joined once, and whether each has registered since. */
export const lockEnrolments = (
  tx: Tx,
  uuids: readonly string[],
): Promise<{ uuid: string; registered: boolean }[]> =>
  tx.query<{ uuid: string; registered: boolean }>(
    `SELECT e.host_uuid AS uuid, coalesce((SELECT hypervisor_boot <> '' FROM host_run WHERE uuid = e.host_uuid), false) AS registered
     FROM enrolment e WHERE e.host_uuid = ANY($1) ORDER BY e.host_uuid FOR UPDATE OF e`,
    [uuids],
  );
export async function insertEnrolments(tx: Tx, uuids: readonly string[]): Promise<void> {
  await tx.query(
    'INSERT INTO enrolment(host_uuid, used_at) SELECT uuid, now() FROM unnest($1::text[]) AS a(uuid) ON CONFLICT (host_uuid) DO UPDATE SET used_at = now()',
    [uuids],
  );
}
export async function removeEnrolment(tx: Tx, uuid: string): Promise<void> {
  await tx.query('DELETE FROM enrolment WHERE host_uuid = $1', [uuid]);
}
/** Of these uuids those that hosts of the pool have. */
export async function knownUuids(tx: Tx, uuids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await tx.query<{ uuid: string }>('SELECT uuid FROM host_run WHERE uuid = ANY($1)', [uuids]);
  return new Set(rows.map(({ uuid }) => uuid));
}
export async function setTokens(
  tx: Tx,
  uuids: readonly string[],
  hashes: readonly string[],
): Promise<void> {
  await tx.query(
    'UPDATE host_run r SET token_hash = t.hash FROM unnest($1::text[], $2::text[]) AS t(uuid, hash) WHERE r.uuid = t.uuid',
    [uuids, hashes],
  );
}
export async function isRegistered(tx: Tx, uuid: string): Promise<boolean> {
  const [row] = await tx.query("SELECT 1 FROM host_run WHERE uuid = $1 AND hypervisor_boot <> ''", [uuid]);
  return row !== undefined;
}
export async function hostOfUuid(tx: Tx, uuid: string): Promise<Ref<'host'> | undefined> {
  const [row] = await tx.query<{ host: Ref<'host'> }>('SELECT host FROM host_run WHERE uuid = $1', [uuid]);
  return row?.host;
}

export interface OnlyHost extends Record<string, unknown> {
  readonly host: Ref<'host'>;
  readonly uuid: string;
  readonly nameLabel: string;
  readonly nameDescription: string;
  readonly accepting: boolean;
  readonly alive: boolean;
}
/** The host of a pool that has one only. */
export async function lockOnlyHost(tx: Tx): Promise<OnlyHost | undefined> {
  const [row] = await tx.query<OnlyHost>(
    `SELECT h.ref AS host, h.uuid, h.name_label AS "nameLabel", h.name_description AS "nameDescription", r.accepting, r.alive FROM host h JOIN host_run r ON r.host = h.ref FOR UPDATE OF r`,
  );
  return row;
}
