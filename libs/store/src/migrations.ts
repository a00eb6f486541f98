/** What was done to the database since the first version, in order. */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { schema } from './ddl';

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
