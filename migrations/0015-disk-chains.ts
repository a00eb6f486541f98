/** Base copies are found by who lies on them. Layers that there are already stay as they are: disks name no parent until their next snapshot. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

const statements: readonly string[] = [
  `CREATE INDEX vdi_vhd_parent ON vdi ((sm_config ->> 'vhd-parent')) WHERE (sm_config ->> 'vhd-parent') IS NOT NULL`,
  'CREATE INDEX vdi_hidden ON vdi (ref) WHERE NOT managed',
];

export class DiskChains1796150000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const sql of statements) await runner.query(sql);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const index of ['vdi_hidden', 'vdi_vhd_parent']) await runner.query(`DROP INDEX ${index}`);
  }
}
