/** Users and groups of the local directory, whom a session owes its role to, the audit trail, and the pool's files of certificates. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

const statements: readonly string[] = [
  `ALTER TABLE session_state ADD COLUMN subjects text[] NOT NULL DEFAULT '{}'`,
  `CREATE TABLE directory_entry (
  identifier text PRIMARY KEY,
  name text NOT NULL UNIQUE,
  is_group boolean NOT NULL DEFAULT false,
  hash text,
  known jsonb NOT NULL DEFAULT '{}'
)`,
  `CREATE TABLE directory_member (
  group_identifier text NOT NULL REFERENCES directory_entry (identifier) ON DELETE CASCADE,
  member text NOT NULL REFERENCES directory_entry (identifier) ON DELETE CASCADE,
  PRIMARY KEY (group_identifier, member)
)`,
  `CREATE INDEX directory_member_member ON directory_member (member)`,
  `CREATE TABLE audit (
  id bigserial PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now(),
  line text NOT NULL
)`,
  `CREATE INDEX audit_at ON audit (at)`,
  `CREATE TABLE pool_file (
  kind text NOT NULL,
  name text NOT NULL,
  content text NOT NULL,
  PRIMARY KEY (kind, name)
)`,
];

export class PeopleAndAudit1795600000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const sql of statements) await runner.query(sql);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['pool_file', 'audit', 'directory_member', 'directory_entry'])
      await runner.query(`DROP TABLE ${table}`);
    await runner.query('ALTER TABLE session_state DROP COLUMN subjects');
  }
}
