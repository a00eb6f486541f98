/** How long the lease of each host lasts, as its agent was answered: whoever fences waits for that long. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class LeaseLengths1797050000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE host_lease ADD COLUMN lease_ms integer NOT NULL DEFAULT 10000');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE host_lease DROP COLUMN lease_ms');
  }
}
