/** Copies of the pool's database on disks: which disk has which, and what a session reads that opened one. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

const statements: readonly string[] = [
  `CREATE TABLE database_copy (
  id bigserial PRIMARY KEY,
  layer text UNIQUE REFERENCES layer (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  pool text NOT NULL,
  turn bigint NOT NULL DEFAULT 0,
  position bigint NOT NULL DEFAULT 0,
  busy_until timestamptz NOT NULL DEFAULT '-infinity',
  vdi text UNIQUE REFERENCES vdi (ref) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
)`,
  `INSERT INTO database_copy(layer, pool, vdi)
   SELECT l.layer, p.uuid, v.ref FROM vdi v JOIN vdi_layer l ON l.vdi = v.ref JOIN pool p ON p.ref = v.metadata_of_pool WHERE v.type = 'metadata'`,
  `CREATE TABLE opened_database (
  session text PRIMARY KEY REFERENCES session (ref) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  dump bytea NOT NULL
)`,
];

export class DatabaseCopies1795900000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const sql of statements) await runner.query(sql);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['opened_database', 'database_copy']) await runner.query(`DROP TABLE ${table}`);
  }
}
