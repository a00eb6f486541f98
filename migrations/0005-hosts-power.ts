/** A host that was disabled for good stays so over its boots; a host that was shut down waits to be switched on. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class HostsPower1795435205000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'ALTER TABLE host_run ADD COLUMN auto_enable boolean NOT NULL DEFAULT true, ADD COLUMN wake boolean NOT NULL DEFAULT false',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE host_run DROP COLUMN auto_enable, DROP COLUMN wake');
  }
}
