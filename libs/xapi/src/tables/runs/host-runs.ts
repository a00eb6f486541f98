/** The table `host_run`: whether a host lives and takes VMs, how its agent is reached, its number and address. */
import type { Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';

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
