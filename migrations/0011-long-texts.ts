/**
 * Texts that clients choose may be longer than what fits into an index of Postgres, and then could not be written. Nothing looks
 * for objects by their labels here: that is answered from memory. Places of storage are looked for by their hash.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

const labelled: readonly string[] = [
  'role',
  'task',
  'pool',
  'pool_patch',
  'pool_update',
  'vm',
  'vmpp',
  'vmss',
  'vm_appliance',
  'host',
  'host_patch',
  'network',
  'sm',
  'sr',
  'vdi',
  'blob',
  'gpu_group',
  'pvs_site',
  'feature',
  'usb_group',
  'repository',
  'observer',
  'vm_group',
  'caller',
  'rate_limit',
];

export class LongTexts1796100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const table of labelled) await runner.query(`DROP INDEX "${table}_name_label_idx"`);
    await runner.query('DROP INDEX medium_place');
    await runner.query('CREATE INDEX medium_place ON medium USING hash (place)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX medium_place');
    await runner.query('CREATE INDEX medium_place ON medium (place)');
    for (const table of labelled)
      await runner.query(`CREATE INDEX "${table}_name_label_idx" ON "${table}" ("name_label")`);
  }
}
