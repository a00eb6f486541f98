/** Brings the database to what this program expects; any number of processes may ask at once. */
import { Client } from 'pg';
import type { Store } from './store';

const lockName = 'xenplane/migrate';

/** Runs the migrations that are missing. The lock is of a connection without time limits: the others wait for as long as it takes. */
export async function migrate(store: Store): Promise<void> {
  const guard = new Client({ connectionString: store.options.url, application_name: 'xenplane migrate' });
  await guard.connect();
  try {
    await guard.query('SELECT pg_advisory_lock(hashtext($1))', [lockName]);
    await store.dataSource.runMigrations({ transaction: 'each' });
  } finally {
    await guard.end();
  }
}
