/** Two connections to Postgres that nobody else uses, each statement bounded in time. */
import type { Database } from '@xenplane/leases';
import { Pool } from 'pg';

const connections = 2;
const limitMs = 2_000;

export interface LeaseDatabase extends Database {
  close(): Promise<void>;
}

export function openDatabase(url: string): LeaseDatabase {
  const pool = new Pool({
    connectionString: url,
    max: connections,
    idleTimeoutMillis: 0,
    // On a full disk others may not write: what little room is left is for leases.
    options: '-c default_transaction_read_only=off',
    application_name: 'xenplane leases',
    connectionTimeoutMillis: limitMs,
    statement_timeout: limitMs,
    query_timeout: limitMs + 500,
    keepAlive: true,
  });
  // A connection that breaks while nobody uses it is replaced when it is needed.
  pool.on('error', () => undefined);
  const query = async <R>(text: string, values: readonly unknown[]): Promise<readonly R[]> =>
    (await pool.query<R & object>({ name: nameOf(text), text, values: [...values] })).rows;
  return { query, close: () => pool.end() };
}

const names = new Map<string, string>();
/** Each connection prepares a text once, under its name. */
function nameOf(text: string): string {
  const name = names.get(text) ?? `l${names.size}`;
  names.set(text, name);
  return name;
}
