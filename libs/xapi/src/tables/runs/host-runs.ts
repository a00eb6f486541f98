/** The table `host_run`: whether a host lives and takes VMs, how its agent is reached, its number and address. */
import type { Ref } from '@xenplane/model';
import type { Reader, Tx } from '@xenplane/store';
import { inUrl } from '../../core/addressing';

/** The lowest numbers that no host of the pool has. Held until the transaction ends, so that no other takes them. */
export async function freeNumbers(tx: Tx, wanted: number): Promise<number[]> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtext('xenplane/host-numbers'))", []);
  const rows = await tx.query<{ n: number }>(
    `SELECT n FROM generate_series(1, (SELECT count(*) FROM host_run) + $1) n WHERE NOT EXISTS (SELECT 1 FROM host_run r WHERE r.number = n) ORDER BY n LIMIT $1`,
    [wanted],
  );
  return rows.map(({ n }) => Number(n));
}

/** The addresses or names that hosts were given by their numbers. */
export async function givenAddresses(
  tx: Tx,
  hosts: readonly Ref<'host'>[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await tx.query<{ host: string; address: string }>(
    'SELECT host, address FROM host_run WHERE host = ANY($1)',
    [hosts],
  );
  return new Map(rows.map(({ host, address }) => [host, address]));
}

export interface NewHostRun {
  readonly host: string;
  readonly uuid: string;
  readonly memoryTotal: number;
  readonly memoryFree: number;
  readonly pcpus: number;
  readonly number: number;
  readonly address: string;
}
export async function insertHostRuns(tx: Tx, hosts: readonly NewHostRun[]): Promise<void> {
  await tx.query(
    `INSERT INTO host_run(host, uuid, host_epoch, alive, agent_boot, hypervisor_boot, agent_url, command_key, token_hash, memory_total, memory_free, vcpus_placed, vms_placed, pcpus, accepting, number, address)
     SELECT host, uuid, 0, false, '', '', '', '', '', total, free, 0, 0, pcpus, true, number, address
     FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::int[], $6::int[], $7::text[]) AS j(host, uuid, total, free, pcpus, number, address)`,
    [
      hosts.map(({ host }) => host),
      hosts.map(({ uuid }) => uuid),
      hosts.map(({ memoryTotal }) => memoryTotal),
      hosts.map(({ memoryFree }) => memoryFree),
      hosts.map(({ pcpus }) => pcpus),
      hosts.map(({ number }) => number),
      hosts.map(({ address }) => address),
    ],
  );
}

/** False also for a host that is not known. */
export async function isHostAlive(reader: Reader, host: string): Promise<boolean> {
  const [row] = await reader.query<{ alive: boolean }>('SELECT alive FROM host_run WHERE host = $1', [host]);
  return row?.alive ?? false;
}
/** The same, and it stays so until the transaction ends. */
export async function lockHostAlive(tx: Tx, host: string): Promise<boolean> {
  const [row] = await tx.query<{ alive: boolean }>('SELECT alive FROM host_run WHERE host = $1 FOR UPDATE', [
    host,
  ]);
  return row?.alive ?? false;
}
export interface HostLife {
  readonly alive: boolean;
  readonly host_epoch: number;
}
export async function hostLife(reader: Reader, host: string): Promise<HostLife | undefined> {
  const [row] = await reader.query<HostLife & Record<string, unknown>>(
    'SELECT alive, host_epoch FROM host_run WHERE host = $1',
    [host],
  );
  return row;
}
/** True when the host lives under another epoch than this one. */
export async function isRegisteredAnew(reader: Reader, host: string, epoch: number): Promise<boolean> {
  const [row] = await reader.query('SELECT 1 FROM host_run WHERE host = $1 AND alive AND host_epoch <> $2', [
    host,
    epoch,
  ]);
  return row !== undefined;
}
/** In the order of their references. */
export const hostsAlive = (tx: Tx): Promise<{ host: Ref<'host'>; uuid: string; alive: boolean }[]> =>
  tx.query('SELECT host, uuid, alive FROM host_run ORDER BY host', []);
export async function firstDeadHost(tx: Tx): Promise<string | undefined> {
  const [row] = await tx.query<{ host: string }>(
    'SELECT host FROM host_run WHERE NOT alive ORDER BY host LIMIT 1',
    [],
  );
  return row?.host;
}
/** Any other host than this one, best one that lives. */
export async function anotherHost(tx: Tx, host: string): Promise<string | undefined> {
  const [row] = await tx.query<{ host: string }>(
    'SELECT host FROM host_run WHERE host <> $1 ORDER BY alive DESC, uuid LIMIT 1',
    [host],
  );
  return row?.host;
}
/** How many hosts live and take VMs. */
export async function countAcceptingHosts(reader: Reader): Promise<number> {
  const [row] = await reader.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM host_run WHERE alive AND accepting',
    [],
  );
  return row?.n ?? 0;
}
export async function freeMemoryOf(tx: Tx, host: string): Promise<number> {
  const [row] = await tx.query<{ memory_free: number }>('SELECT memory_free FROM host_run WHERE host = $1', [
    host,
  ]);
  return row?.memory_free ?? 0;
}
/** Makes the metrics of hosts show the memory that is free; answers how many did not. */
export async function showFreeMemory(tx: Tx): Promise<number> {
  const rows = await tx.query(
    `WITH wrong AS (SELECT m.ref, r.memory_free FROM host_metrics m JOIN host h ON h.metrics = m.ref JOIN host_run r ON r.host = h.ref
                      WHERE m.memory_free <> r.memory_free ORDER BY m.ref FOR UPDATE OF m)
       UPDATE host_metrics m SET memory_free = w.memory_free, last_updated = now() FROM wrong w WHERE m.ref = w.ref RETURNING m.ref`,
    [],
  );
  return rows.length;
}

/** Whether VMs are placed there from now on. */
export async function setAccepting(tx: Tx, host: string, accepting: boolean): Promise<void> {
  await tx.query('UPDATE host_run SET accepting = $2 WHERE host = $1', [host, accepting]);
}
/** The same; `autoEnable`: a boot of the host enables it. */
export async function setAcceptance(
  tx: Tx,
  host: string,
  accepting: boolean,
  autoEnable: boolean,
): Promise<void> {
  await tx.query('UPDATE host_run SET accepting = $2, auto_enable = $3 WHERE host = $1', [
    host,
    accepting,
    autoEnable,
  ]);
}
/** Hosts that were booted take VMs again and are enabled, unless they were disabled for good; what waited for the boot is true now. */
export async function enableBooted(tx: Tx, hosts: readonly string[]): Promise<void> {
  await tx.query(
    `WITH back AS (UPDATE host_run SET accepting = true WHERE host = ANY($1) AND auto_enable RETURNING host)
     UPDATE host SET enabled = enabled OR ref IN (SELECT host FROM back), updates_requiring_reboot = '{}',
       display = CASE display WHEN 'disable_on_reboot' THEN 'disabled' WHEN 'enable_on_reboot' THEN 'enabled' ELSE display END WHERE ref = ANY($1)`,
    [hosts],
  );
}
/** A host that is off is to come on, or to stay off. */
export async function setWake(tx: Tx, host: string, wake: boolean): Promise<void> {
  await tx.query('UPDATE host_run SET wake = $2 WHERE host = $1 AND NOT alive', [host, wake]);
}

export interface NumberedHost {
  readonly host: string;
  readonly number: number;
  readonly address: string;
}
/** Numbers and addresses stay as they are until the transaction ends. */
export async function lockNumberedHosts(tx: Tx): Promise<NumberedHost[]> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtext('xenplane/host-numbers'))", []);
  return tx.query<NumberedHost & Record<string, unknown>>(
    'SELECT host, number, address FROM host_run WHERE number IS NOT NULL ORDER BY host FOR UPDATE',
    [],
  );
}
/** Hosts get these addresses; answers those that show them, which are the ones whose address nobody had set. Their consoles are there too. */
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
