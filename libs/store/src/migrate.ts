/** Brings the database to the newest migration, by whichever process comes first. */
import type { Store } from './store';

const lock = 7_290_001;

export async function migrate(store: Store): Promise<void> {
  const runner = store.source.createQueryRunner();
  try {
    await runner.query('SELECT pg_advisory_lock($1)', [lock]);
    await store.source.runMigrations({ transaction: 'each' });
  } finally {
    await runner.query('SELECT pg_advisory_unlock($1)', [lock]).catch(() => undefined);
    await runner.release();
  }
}
