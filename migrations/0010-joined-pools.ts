/** Which pool this one's host has gone to, and which hosts of others were asked in. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

const statements: readonly string[] = [
  `CREATE TABLE slave_of (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  address text NOT NULL,
  operation text NOT NULL,
  since timestamptz,
  restarted boolean NOT NULL DEFAULT false
)`,
  `CREATE TABLE invitation (
  host_uuid text PRIMARY KEY,
  inviter text NOT NULL,
  secret_hash text NOT NULL,
  name_label text NOT NULL,
  name_description text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now()
)`,
];

export class JoinedPools1796000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const sql of statements) await runner.query(sql);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['invitation', 'slave_of']) await runner.query(`DROP TABLE ${table}`);
  }
}
