/** The compared facts of a host that joins and of the pool that it joins, of which the coordinator is looked at. */
import { XenError, type ClassName, type XenRecord } from '@xenplane/model';
import type { Row, Tx } from '@xenplane/store';
import type { OtherPool } from './other-pool';

type Compared<N extends ClassName> = Pick<Row<N>, keyof Row<N> & keyof XenRecord<N>>;
export type Records<N extends ClassName> = ReadonlyMap<string, Compared<N>>;
export interface Side {
  readonly pool: Compared<'pool'>;
  readonly host: Compared<'host'>;
  readonly hostRef: string;
  readonly hosts: Records<'host'>;
  readonly management: Compared<'PIF'> | undefined;
  readonly pifs: Records<'PIF'>;
  readonly networks: Records<'network'>;
  readonly bonds: Records<'Bond'>;
  readonly clusters: Records<'Cluster'>;
  readonly clusterHosts: Records<'Cluster_host'>;
  readonly controllers: Records<'SDN_controller'>;
  readonly certificates: Records<'Certificate'>;
  readonly drivers: Records<'SM'>;
  readonly updates: Records<'pool_update'>;
}
type All = <N extends ClassName>(cls: N) => Promise<Records<N>>;

/** None for a pool without a host. */
async function sideOf(all: All): Promise<Side | undefined> {
  const [pools, hosts] = await Promise.all([all('pool'), all('host')]);
  const [pool] = pools.values(),
    host = pool && hosts.get(pool.master);
  if (!pool || !host) return undefined;
  const [pifs, networks, bonds, clusters, clusterHosts] = await Promise.all([
    all('PIF'),
    all('network'),
    all('Bond'),
    all('Cluster'),
    all('Cluster_host'),
  ]);
  const [controllers, certificates, drivers, updates] = await Promise.all([
    all('SDN_controller'),
    all('Certificate'),
    all('SM'),
    all('pool_update'),
  ]);
  const management = [...pifs.values()].find((pif) => pif.management && pif.host === pool.master);
  const network = { management, pifs, networks, bonds, clusters, clusterHosts, controllers };
  return { pool, host, hostRef: pool.master, hosts, ...network, certificates, drivers, updates };
}

export async function ourSide(tx: Tx): Promise<Side> {
  const side = await sideOf(
    async <N extends ClassName>(cls: N) => new Map((await tx.find(cls, {})).map((row) => [row.ref, row])),
  );
  if (!side) throw new XenError('INTERNAL_ERROR', 'This pool has no host that could join another');
  return side;
}
export async function otherSide(other: OtherPool): Promise<Side> {
  const side = await sideOf(
    async <N extends ClassName>(cls: N) =>
      new Map(Object.entries(await other.call<Record<string, Compared<N>>>(`${cls}.get_all_records`))),
  );
  if (!side) throw new XenError('JOINING_HOST_SERVICE_FAILED');
  return side;
}
