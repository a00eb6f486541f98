/** Layers of disks, and what is on storage without being in the records. Every disk that there is begins with an empty layer, or its image. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

const statements: readonly string[] = [
  `CREATE TABLE layer (
  id text PRIMARY KEY,
  parent text REFERENCES layer (id) DEFERRABLE INITIALLY DEFERRED,
  image text,
  bytes bigint NOT NULL DEFAULT 0,
  charge bigint NOT NULL DEFAULT 0,
  opened boolean NOT NULL DEFAULT false,
  sealed boolean NOT NULL DEFAULT false,
  owner text,
  created timestamptz NOT NULL DEFAULT now()
)`,
  'CREATE INDEX layer_parent ON layer (parent) WHERE parent IS NOT NULL',
  'CREATE INDEX layer_owner ON layer (owner) WHERE owner IS NOT NULL',
  `CREATE TABLE vdi_layer (
  vdi text PRIMARY KEY REFERENCES vdi (ref) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  layer text NOT NULL REFERENCES layer (id) DEFERRABLE INITIALLY DEFERRED
)`,
  'CREATE UNIQUE INDEX vdi_layer_layer ON vdi_layer (layer)',
  `CREATE TABLE medium (
  uuid text PRIMARY KEY,
  type text NOT NULL,
  place text NOT NULL,
  bytes bigint NOT NULL,
  name_label text NOT NULL DEFAULT '',
  name_description text NOT NULL DEFAULT ''
)`,
  'CREATE INDEX medium_place ON medium (place)',
  `CREATE TABLE stray_volume (
  sr text NOT NULL,
  location text NOT NULL,
  layer text NOT NULL REFERENCES layer (id),
  record jsonb NOT NULL,
  PRIMARY KEY (sr, location)
)`,
  'CREATE INDEX stray_volume_layer ON stray_volume (layer)',
  `INSERT INTO layer(id, image, bytes, owner) SELECT uuid, sm_config->>'image-sha256', physical_utilisation, ref FROM vdi`,
  `INSERT INTO vdi_layer(vdi, layer) SELECT ref, uuid FROM vdi`,
  `INSERT INTO medium(uuid, type, place, bytes, name_label, name_description)
   SELECT DISTINCT ON (s.uuid) s.uuid, s.type, CASE s.type WHEN 'nfs' THEN 'nfs://' || (p.device_config->>'server') || (p.device_config->>'serverpath')
     ELSE h.uuid || ':' || (p.device_config->>'device') END, s.physical_size, s.name_label, s.name_description
   FROM sr s JOIN pbd p ON p."SR" = s.ref JOIN host h ON h.ref = p.host WHERE s.type IN ('nfs', 'ext')`,
];

export class Layers1795441200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const sql of statements) await runner.query(sql);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['stray_volume', 'medium', 'vdi_layer', 'layer'])
      await runner.query(`DROP TABLE ${table}`);
  }
}
