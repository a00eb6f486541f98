/** The hardware of hosts is kept, so that it can be looked at again. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class HostsHardware1795435204000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE host_hardware (
  host text PRIMARY KEY REFERENCES host (ref) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  inventory jsonb NOT NULL,
  hidden text[] NOT NULL DEFAULT '{}',
  hidden_next text[] NOT NULL DEFAULT '{}'
)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE host_hardware');
  }
}
