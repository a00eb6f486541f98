/** The table `host_run`: capacity of hosts, whether they live, and under which epoch. What placements and runs take of it lies with them. */
import { asRef, type Ref } from '@xenplane/model';
import type { Reader, Tx } from '@xenplane/store';
import { inUrl } from '../core/addressing';

export interface HostLife {
  readonly alive: boolean;
  readonly host_epoch: number;
}
/** Of a host that has no row: it does not live. */
export async function hostLife(reader: Reader, host: string): Promise<HostLife> {
  const [row] = await reader.query<HostLife & Record<string, unknown>>(
    'SELECT alive, host_epoch FROM host_run WHERE host = $1',
    [host],
  );
  return row ?? { alive: false, host_epoch: 0 };
}
export const isHostAlive = async (reader: Reader, host: string): Promise<boolean> =>
  (await hostLife(reader, host)).alive;
/** The same, and nobody changes it before the transaction ends. */
export async function lockHostLife(tx: Tx, host: Ref<'host'>): Promise<boolean> {
  const [row] = await tx.query<{ alive: boolean }>('SELECT alive FROM host_run WHERE host = $1 FOR UPDATE', [
    host,
  ]);
  return row?.alive ?? false;
}

export interface HostLiveness {
  readonly host: Ref<'host'>;
  readonly uuid: string;
  readonly alive: boolean;
}
/** All hosts, by reference. */
export const hostLiveness = (reader: Reader): Promise<HostLiveness[]> =>
  reader.query<HostLiveness & Record<string, unknown>>(
    'SELECT host, uuid, alive FROM host_run ORDER BY host',
    [],
  );
/** How many hosts take VMs. */
export async function countAccepting(reader: Reader): Promise<number> {
  const [row] = await reader.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM host_run WHERE alive AND accepting',
    [],
  );
  return row?.n ?? 0;
}
/** Another host than this one, one that lives if there is one. */
export async function anotherHost(tx: Tx, host: Ref<'host'>): Promise<Ref<'host'> | undefined> {
  const [row] = await tx.query<{ host: string }>(
    'SELECT host FROM host_run WHERE host <> $1 ORDER BY alive DESC, uuid LIMIT 1',
    [host],
  );
  return row && asRef<'host'>(row.host);
}
/** The host of this uuid; only one that has registered, if so asked. */
export async function hostByUuid(
  tx: Tx,
  uuid: string,
  { registered = false } = {},
): Promise<Ref<'host'> | undefined> {
  const [row] = await tx.query<{ host: string }>(
    "SELECT host FROM host_run WHERE uuid = $1 AND (NOT $2 OR hypervisor_boot <> '')",
    [uuid, registered],
  );
  return row && asRef<'host'>(row.host);
}
export async function freeMemoryOf(tx: Tx, host: Ref<'host'>): Promise<number> {
  const [row] = await tx.query<{ memory_free: number }>('SELECT memory_free FROM host_run WHERE host = $1', [
    host,
  ]);
  return row?.memory_free ?? 0;
}

export async function setAccepting(tx: Tx, host: Ref<'host'>, accepting: boolean): Promise<void> {
  await tx.query('UPDATE host_run SET accepting = $2 WHERE host = $1', [host, accepting]);
}
/** Besides, whether the next boot of the host enables it. */
export async function setEnabling(
  tx: Tx,
  host: Ref<'host'>,
  { accepting, autoEnable }: { readonly accepting: boolean; readonly autoEnable: boolean },
): Promise<void> {
  await tx.query('UPDATE host_run SET accepting = $2, auto_enable = $3 WHERE host = $1', [
    host,
    accepting,
    autoEnable,
  ]);
}
/** A host that does not live is to be switched on, or is not any more. */
export async function setWake(tx: Tx, host: Ref<'host'>, wake: boolean): Promise<void> {
  await tx.query('UPDATE host_run SET wake = $2 WHERE host = $1 AND NOT alive', [host, wake]);
}
/** The host of an agent that says that it goes down; undefined when it is not that host's present agent. */
export async function endHostLife(
  tx: Tx,
  { uuid, hostEpoch, tokenHash }: { readonly uuid: string; readonly hostEpoch: number; readonly tokenHash: string },
): Promise<string | undefined> {
  const [row] = await tx.query<{ host: string }>(
    'UPDATE host_run SET alive = false, wake = false WHERE uuid = $1 AND host_epoch = $2 AND token_hash = $3 AND alive RETURNING host',
    [uuid, hostEpoch, tokenHash],
  );
  return row?.host;
}
/** Which of these are to be switched on; null for a host that nobody knows by this token. Those that are not are left out. */
export const wakesOf = (
  reader: Reader,
  hosts: readonly { readonly uuid: string; readonly tokenHash: string }[],
): Promise<{ readonly uuid: string; readonly wake: boolean | null }[]> =>
  reader.query<{ uuid: string; wake: boolean | null }>(
    `SELECT a.uuid, h.wake FROM unnest($1::text[], $2::text[]) AS a(uuid, hash) LEFT JOIN host_run h ON h.uuid = a.uuid AND h.token_hash = a.hash WHERE h.wake IS NOT FALSE`,
    [hosts.map(({ uuid }) => uuid), hosts.map(({ tokenHash }) => tokenHash)],
  );

/** Numbers in the pool: no two hosts get the same while this transaction goes on. */
const lockNumbers = (tx: Tx): Promise<unknown> =>
  tx.query("SELECT pg_advisory_xact_lock(hashtext('xenplane/host-numbers'))", []);
/** The lowest numbers that no host has. */
export async function freeNumbers(tx: Tx, wanted: number): Promise<number[]> {
  await lockNumbers(tx);
  const rows = await tx.query<{ n: number }>(
    `SELECT n FROM generate_series(1, (SELECT count(*) FROM host_run) + $1) n WHERE NOT EXISTS (SELECT 1 FROM host_run r WHERE r.number = n) ORDER BY n LIMIT $1`,
    [wanted],
  );
  return rows.map(({ n }) => Number(n));
}
export interface NumberedHost {
  readonly host: Ref<'host'>;
  readonly number: number;
  readonly address: string;
}
/** All hosts that have a number, locked. */
export async function lockNumbered(tx: Tx): Promise<NumberedHost[]> {
  await lockNumbers(tx);
  return tx.query<NumberedHost & Record<string, unknown>>(
    'SELECT host, number, address FROM host_run WHERE number IS NOT NULL ORDER BY host FOR UPDATE',
    [],
  );
}
/** The addresses that follow from the numbers of these hosts. */
export async function givenAddresses(tx: Tx, hosts: readonly Ref<'host'>[]): Promise<ReadonlyMap<string, string>> {
  const rows = await tx.query<{ host: string; address: string }>(
    'SELECT host, address FROM host_run WHERE host = ANY($1)',
    [hosts],
  );
  return new Map(rows.map(({ host, address }) => [host, address]));
}
/** Hosts get these addresses, and so do those that show the one that they had, with their consoles: answers which. */
export async function giveAddresses(
  tx: Tx,
  given: readonly Pick<NumberedHost, 'host' | 'address'>[],
): Promise<string[]> {
  const rows = await tx.query<{ ref: string }>(
    `WITH given AS (SELECT * FROM unnest($1::text[], $2::text[]) AS g(host, address)),
          kept AS (UPDATE host_run r SET address = g.address FROM given g WHERE r.host = g.host),
          shown AS (UPDATE host h SET address = g.address FROM given g, host_run r WHERE h.ref = g.host AND r.host = h.ref AND h.address = r.address RETURNING h.ref, h.address),
          seen AS (UPDATE console c SET location = 'https://' || ${inUrl('s.address')} || '/console?uuid=' || c.uuid FROM vm v, shown s WHERE v.ref = c."VM" AND v.resident_on = s.ref)
     SELECT ref FROM shown ORDER BY ref`,
    [given.map(({ host }) => host), given.map(({ address }) => address)],
  );
  return rows.map(({ ref }) => ref);
}


/** The one host of a pool that has no other, locked. */
export interface OnlyHost {
  readonly host: Ref<'host'>;
  readonly uuid: string;
  readonly nameLabel: string;
  readonly nameDescription: string;
  readonly accepting: boolean;
  readonly alive: boolean;
}
export async function lockOnlyHost(tx: Tx): Promise<OnlyHost | undefined> {
  const [found] = await tx.query<OnlyHost & Record<string, unknown>>(
    `SELECT h.ref AS host, h.uuid, h.name_label AS "nameLabel", h.name_description AS "nameDescription", r.accepting, r.alive FROM host h JOIN host_run r ON r.host = h.ref FOR UPDATE OF r`,
    [],
  );
  return found;
}
