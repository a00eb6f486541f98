/** Brings the database to the newest migration, by whichever process comes first. */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { schema } from './ddl';
import type { Store } from './store';

/** The first one is the model itself; from the second on, each is the difference that a person has read. */
export class Initial1790000000000 implements MigrationInterface {
  readonly name = 'Initial1790000000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of schema()) await runner.query(statement);
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP SCHEMA public CASCADE');
    await runner.query('CREATE SCHEMA public');
  }
}

export const migrations: readonly (new () => MigrationInterface)[] = [Initial1790000000000];
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
