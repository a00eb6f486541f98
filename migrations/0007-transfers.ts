/** Transfers over HTTP that are under way, so that what a dead process began can be ended; and what becomes of layers whose contents are given up. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

const statements: readonly string[] = [
  `CREATE TABLE transfer (
  id text PRIMARY KEY,
  task text NOT NULL,
  beat bigint NOT NULL DEFAULT 0,
  marks jsonb NOT NULL DEFAULT '[]',
  made jsonb
) WITH (fillfactor = 60)`,
  `ALTER TABLE layer ADD COLUMN ghost boolean NOT NULL DEFAULT false, ADD COLUMN traced boolean NOT NULL DEFAULT false, ADD COLUMN folding boolean NOT NULL DEFAULT false`,
  'CREATE INDEX layer_ghost ON layer (parent) WHERE ghost',
  `UPDATE layer SET ghost = true FROM vdi_layer v JOIN vdi d ON d.ref = v.vdi WHERE layer.id = v.layer AND d.type = 'cbt_metadata'`,
];

export class Transfers1795700000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const sql of statements) await runner.query(sql);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE layer DROP COLUMN ghost, DROP COLUMN traced, DROP COLUMN folding');
    await runner.query('DROP TABLE transfer');
  }
}
