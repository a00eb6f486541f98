/** The connection to Postgres: one pool a process, prepared statements, values in the wire's forms. */
import { createHash } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { types } from 'pg';
import { DataSource } from 'typeorm';
import { migrations } from './migrations';

export interface StoreOptions {
  readonly url: string;
  /** Connections at most; writes gain nothing from more than a few a core. */
  readonly poolSize?: number;
}
export type Params = readonly unknown[];

const int8 = 20,
  timestamptz = 1184;
/** `2026-08-21 10:00:00.5+00` as the wire writes it. */
export const wireDate = (text: string): string => `${text.slice(0, 4)}${text.slice(5, 7)}${text.slice(8, 10)}T${text.slice(11, 19)}Z`;
const parsers = new Map<number, (text: string) => unknown>([
  [int8, Number],
  [timestamptz, wireDate],
]);
const typeParsers = { getTypeParser: (oid: number, format?: 'text' | 'binary') => parsers.get(oid) ?? types.getTypeParser(oid, format) };

/** One name a text: each connection prepares it once. */
const names = new Map<string, string>();
export function statementName(text: string): string {
  const known = names.get(text);
  if (known) return known;
  const name = createHash('sha1').update(text).digest('base64url');
  names.set(text, name);
  return name;
}

const limits = '-c timezone=UTC -c statement_timeout=30000 -c idle_in_transaction_session_timeout=30000';

export class Store {
  private waking = false;
  private again = false;

  private constructor(
    readonly source: DataSource,
    readonly pool: Pool,
    readonly url: string,
  ) {}

  static async connect({ url, poolSize = 16 }: StoreOptions): Promise<Store> {
    const source = new DataSource({
      type: 'postgres',
      url,
      migrations: [...migrations],
      migrationsTableName: 'migration',
      extra: { max: poolSize, types: typeParsers, options: limits, application_name: 'xenplane' },
    });
    await source.initialize();
    const { master } = source.driver as object as { master: Pool };
    master.on('error', () => undefined);
    return new Store(source, master, url);
  }

  /** One statement, a transaction of its own. */
  async query<R extends object = Record<string, unknown>>(text: string, params: Params = []): Promise<R[]> {
    const { rows } = await this.pool.query<R>({ name: statementName(text), text, values: [...params] });
    if (!/^\s*SELECT/i.test(text)) this.wake();
    return rows;
  }

  client(): Promise<PoolClient> {
    return this.pool.connect();
  }

  /**
   * Tells all processes that something was committed. Never inside a writing transaction: a notification holds a lock over
   * the commit and would line all writers up. At most one is under way; more meanwhile make one more.
   */
  wake(): void {
    if (this.waking) {
      this.again = true;
      return;
    }
    this.waking = true;
    void this.pool
      .query("SELECT pg_notify('change', '')")
      .catch(() => undefined)
      .finally(() => {
        this.waking = false;
        if (this.again) {
          this.again = false;
          this.wake();
        }
      });
  }

  async close(): Promise<void> {
    await this.source.destroy();
  }
}
