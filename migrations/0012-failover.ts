/** Runs on hosts that were lost, and the API processes that live. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

const statements: readonly string[] = [
  `CREATE TABLE lost_vm (
  vm text PRIMARY KEY REFERENCES vm (ref) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  host text NOT NULL REFERENCES host (ref) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  restart boolean NOT NULL DEFAULT true,
  at timestamptz NOT NULL DEFAULT now()
)`,
  'CREATE INDEX lost_vm_host ON lost_vm (host)',
  'ALTER TABLE host_run ADD COLUMN lost boolean NOT NULL DEFAULT false',
  'CREATE TABLE api (url text PRIMARY KEY, seen timestamptz NOT NULL DEFAULT now())',
];

export class Failover1796200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const sql of statements) await runner.query(sql);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE host_run DROP COLUMN lost');
    for (const table of ['api', 'lost_vm']) await runner.query(`DROP TABLE ${table}`);
  }
}
