/** The database as a process holds it: TypeORM's data source, whose pool of connections everything here uses. */
import { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { Initial1795435200000 } from '../../../migrations/0001-initial';
import { Layers1795441200000 } from '../../../migrations/0002-layers';
import { BlobBytes1795435203000 } from '../../../migrations/0003-blob-bytes';
import { HostsHardware1795435204000 } from '../../../migrations/0004-hosts-hardware';
import { HostsPower1795435205000 } from '../../../migrations/0005-hosts-power';
import { PeopleAndAudit1795600000000 } from '../../../migrations/0006-people-and-audit';
import { Transfers1795700000000 } from '../../../migrations/0007-transfers';
import { DatabaseCopies1795900000000 } from '../../../migrations/0009-database-copies';
import { JoinedPools1796000000000 } from '../../../migrations/0010-joined-pools';
import { LongTexts1796100000000 } from '../../../migrations/0011-long-texts';
import { Failover1796200000000 } from '../../../migrations/0012-failover';
import { HostAddresses1796300000000 } from '../../../migrations/0013-host-addresses';
import { DeviceSecrets1796140000000 } from '../../../migrations/0014-device-secrets';
import { DiskChains1796150000000 } from '../../../migrations/0015-disk-chains';
import { GuestsAndDevices1796600000000 } from '../../../migrations/0016-guests-and-devices';
import { HostLeases1797000000000 } from '../../../migrations/0020-host-leases';
import { LeaseLengths1797050000000 } from '../../../migrations/0021-lease-lengths';
import { randomIds, type Ids } from './ids';
import { DatabaseAway, isBroken } from './transaction/failures';
import { Link } from './transaction/link';
import { Tx } from './transaction/objects';
import { ownValues } from './transaction/parsers';
import { statement } from './transaction/statement';
import { entities } from './schema/tables';
import { Bell } from './bell';

export interface StoreOptions {
  /** `postgres://user:password@host:port/database` */
  readonly url: string;
  /** Most connections at once; more than about four a core make Postgres slower. */
  readonly connections?: number;
  /** Seen in `pg_stat_activity`. */
  readonly name?: string;
  readonly ids?: Ids;
  /** From 0 to 1, for the waits between restarts. */
  readonly random?: () => number;
  /** Called with errors after a commit, where nobody waits for them. */
  readonly onError?: (error: unknown) => void;
}
/** Where SQL can be asked outside of a transaction. */
export type Reader = Pick<Store, 'query'>;

const defaultConnections = 8;
/** No statement may hold back other transactions, nor the events of all clients, for longer than this. */
export const limitMs = 30_000;
/**
 * Postgres ends a transaction that nothing is sent in for so long: its process was stopped or cut off, and its row locks and
 * its number keep others waiting. Work inside a transaction waits for nothing but the database, and is done again after this.
 */
export const idleMs = 3_000;
/** The settings of every connection; times come and go in UTC. */
export const connectionSettings = {
  statement_timeout: limitMs,
  idle_in_transaction_session_timeout: idleMs,
  options: '-c TimeZone=UTC -c DateStyle=ISO',
  keepAlive: true,
} as const;
export const pipelined = { pipeline: true } as const;
const commit = statement('COMMIT');
const ignore = (): void => undefined;
/** An error that the driver has for a broken connection does not say of itself what it is about. */
function away(error: unknown): never {
  throw isBroken(error) ? new DatabaseAway(error) : error;
}

function sourceOf({ url, connections = defaultConnections, name = 'xenplane' }: StoreOptions): DataSource {
  return new DataSource({
    type: 'postgres',
    url,
    entities: [...entities],
    migrations: [
      Initial1795435200000,
      BlobBytes1795435203000,
      HostsHardware1795435204000,
      HostsPower1795435205000,
      Layers1795441200000,
      PeopleAndAudit1795600000000,
      Transfers1795700000000,
      DatabaseCopies1795900000000,
      JoinedPools1796000000000,
      LongTexts1796100000000,
      DeviceSecrets1796140000000,
      DiskChains1796150000000,
      Failover1796200000000,
      HostAddresses1796300000000,
      GuestsAndDevices1796600000000,
      HostLeases1797000000000,
      LeaseLengths1797050000000,
    ],
    migrationsTransactionMode: 'each',
    synchronize: false,
    logging: false,
    applicationName: name,
    poolSize: connections,
    // One connection may have several statements under way: that is how BEGIN costs no round trip.
    extra: { ...connectionSettings, ...pipelined, types: ownValues, connectionTimeoutMillis: 5_000 },
  });
}

/** TypeORM knows which pool it uses and does not say of what type. */
function poolOf(source: DataSource): Pool {
  const master: unknown = 'master' in source.driver ? source.driver.master : undefined;
  if (!(master instanceof Pool)) throw new Error('the data source has no pool of pg connections');
  return master;
}

export class Store {
  readonly pool: Pool;
  readonly ids: Ids;
  readonly random: () => number;
  private readonly bell: Bell;
  private readonly complain: (error: unknown) => void;

  private constructor(
    readonly dataSource: DataSource,
    readonly options: StoreOptions,
  ) {
    this.pool = poolOf(dataSource);
    this.ids = options.ids ?? randomIds;
    this.random = options.random ?? Math.random;
    this.complain =
      options.onError ?? ((error) => process.emitWarning(error instanceof Error ? error : String(error)));
    // An idle connection that breaks is replaced when it is needed; the user of a busy one gets the error of the
    // statement that fails. Without a listener either would end the process.
    this.pool.on('error', ignore);
    this.pool.on('acquire', (client) => {
      if (!client.listeners('error').includes(ignore)) client.on('error', ignore);
    });
    this.bell = new Bell(this.pool);
  }

  static async connect(options: StoreOptions): Promise<Store> {
    return new Store(await sourceOf(options).initialize(), options);
  }

  /** One statement in a transaction of its own. */
  async query<R = Readonly<Record<string, unknown>>>(
    sql: string,
    params: readonly unknown[] = [],
  ): Promise<R[]> {
    const { text, name, announced } = statement(sql);
    const config = name === undefined ? { text, values: [...params] } : { text, name, values: [...params] };
    const { rows } = await this.pool.query<R & object>(config).catch(away);
    if (announced) this.wake();
    return rows;
  }

  /** Reads that belong together: all see the database as it was at the first of them, and nothing can be changed. */
  async read<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const client = await this.pool.connect().catch(away),
      link = new Link(client),
      tx = new Tx(link, 'read');
    try {
      return await work(tx).catch(away);
    } finally {
      tx.end();
      // Nothing depends on the end of a transaction that only read: whoever gets the connection next comes behind it.
      if (tx.state.begun) link.objects(commit).catch(() => undefined);
      client.release();
    }
  }

  /** Says to every process that there are changes; many calls in a row make one announcement. */
  wake(): void {
    this.bell.ring();
  }
  /** Called at each `wake` of this process, long before the announcement has been around. */
  onWake(heard: () => void): () => void {
    return this.bell.listen(heard);
  }
  guarded(effect: () => void): void {
    try {
      effect();
    } catch (error) {
      this.complain(error);
    }
  }

  async close(): Promise<void> {
    await this.bell.stop();
    await this.dataSource.destroy();
  }
}
