/** Brings the database to what this program expects; any number of processes may ask at once. */
import { Client } from 'pg';
import { idleMs, type Store } from './store';

const lockName = 'xenplane/migrate';

/**
 * Whoever else writes into this database as our role, by hand say, holds up everybody's events and writes as one of our own
 * processes would that is stopped: the same limit, unless that connection sets another.
 */
const limitIdleSql = `DO $$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase JOIN pg_roles r ON r.oid = s.setrole
                 WHERE d.datname = current_database() AND r.rolname = current_user AND 'idle_in_transaction_session_timeout=${idleMs}ms' = ANY (s.setconfig)) THEN
    EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I SET idle_in_transaction_session_timeout = ''${idleMs}ms''', current_database());
  END IF;
END $$`;

/** Runs the migrations that are missing. The lock is of a connection without time limits: the others wait for as long as it takes. */
export async function migrate(store: Store): Promise<void> {
  const guard = new Client({ connectionString: store.options.url, application_name: 'xenplane migrate' });
  await guard.connect();
  try {
    await guard.query('SELECT pg_advisory_lock(hashtext($1))', [lockName]);
    await store.dataSource.runMigrations({ transaction: 'each' });
    await guard.query(limitIdleSql);
  } finally {
    await guard.end();
  }
}
