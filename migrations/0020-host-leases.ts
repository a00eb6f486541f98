/** Leases lie in a table of their own, which nothing but renewals, registrations and fences locks. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

const statements: readonly string[] = [
  `CREATE TABLE host_lease (
  host text PRIMARY KEY REFERENCES host_run (host) ON DELETE CASCADE,
  uuid text NOT NULL UNIQUE,
  host_epoch bigint NOT NULL,
  token_hash text NOT NULL,
  alive boolean NOT NULL,
  lease_seq bigint NOT NULL DEFAULT 0,
  load jsonb NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50)`,
  'INSERT INTO host_lease SELECT host, uuid, host_epoch, token_hash, alive, lease_seq, load FROM host_run',
  `CREATE FUNCTION host_lease_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO host_lease (host, uuid, host_epoch, token_hash, alive) VALUES (NEW.host, NEW.uuid, NEW.host_epoch, NEW.token_hash, NEW.alive)
  ON CONFLICT (host) DO UPDATE SET uuid = NEW.uuid, host_epoch = NEW.host_epoch, token_hash = NEW.token_hash, alive = NEW.alive,
    lease_seq = host_lease.lease_seq + 1;
  RETURN NULL;
END
$$`,
  'CREATE TRIGGER host_lease AFTER INSERT OR UPDATE OF uuid, host_epoch, token_hash, alive ON host_run FOR EACH ROW EXECUTE FUNCTION host_lease_follow()',
  'ALTER TABLE host_run DROP COLUMN lease_seq, DROP COLUMN load',
];

export class HostLeases1797000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const sql of statements) await runner.query(sql);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      "ALTER TABLE host_run ADD COLUMN lease_seq bigint NOT NULL DEFAULT 0, ADD COLUMN load jsonb NOT NULL DEFAULT '{}'",
    );
    await runner.query(
      'UPDATE host_run h SET lease_seq = l.lease_seq, load = l.load FROM host_lease l WHERE l.host = h.host',
    );
    await runner.query('DROP TRIGGER host_lease ON host_run');
    await runner.query('DROP FUNCTION host_lease_follow');
    await runner.query('DROP TABLE host_lease');
  }
}
