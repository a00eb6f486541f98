/** The number of each host in its pool, and the address that it was given by it. The addresses of before, at which nobody answered, are replaced at the next start. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

const statements: readonly string[] = [
  `ALTER TABLE host_run ADD COLUMN number integer UNIQUE, ADD COLUMN address text NOT NULL DEFAULT ''`,
  `UPDATE host_run r SET number = n.number, address = CASE WHEN n.address LIKE '169.254.%' THEN n.address ELSE '' END
   FROM (SELECT ref, address, row_number() OVER (ORDER BY length(name_label), name_label, ref) AS number FROM host) n WHERE n.ref = r.host`,
];

export class HostAddresses1796300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const sql of statements) await runner.query(sql);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE host_run DROP COLUMN address, DROP COLUMN number');
  }
}
