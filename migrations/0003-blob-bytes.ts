/** Blobs have bytes of their own, beside the records that clients see. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class BlobBytes1795435203000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE blob_bytes (
  blob text PRIMARY KEY REFERENCES blob (ref) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  bytes bytea NOT NULL
)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE blob_bytes');
  }
}
