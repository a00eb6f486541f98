/** Passwords in device configurations become secrets, one for each connection; drivers say what those of XCP-ng 8.3 can do. */
import type { MigrationInterface, QueryRunner } from 'typeorm';

const moveSecrets = `WITH plain AS MATERIALIZED (
    SELECT p.ref, e.key, e.value, gen_random_uuid()::text AS uuid FROM pbd p, jsonb_each_text(p.device_config) e WHERE e.key LIKE '%password'),
  made AS (INSERT INTO secret(ref, uuid, value, other_config) SELECT 'OpaqueRef:' || uuid, uuid, value, '{}' FROM plain)
  UPDATE pbd SET device_config = (device_config - c.keys) || c.names
  FROM (SELECT ref, array_agg(key) AS keys, jsonb_object_agg(key || '_secret', uuid) AS names FROM plain GROUP BY ref) c WHERE pbd.ref = c.ref`;

const disk = ['VDI_CREATE', 'VDI_DELETE', 'VDI_ATTACH', 'VDI_DETACH'];
const active = [...disk, 'VDI_ACTIVATE', 'VDI_DEACTIVATE'];
const copies = [
  ...active,
  'SR_PROBE',
  'SR_UPDATE',
  'VDI_CLONE',
  'VDI_SNAPSHOT',
  'VDI_RESIZE',
  'VDI_MIRROR',
  'VDI_CONFIG_CBT',
];
const files = [...copies, 'VDI_GENERATE_CONFIG', 'THIN_PROVISIONING'];
const mounted = [...files, 'VDI_UPDATE', 'VDI_RESET_ON_BOOT', 'VDI_READ_CACHING'];
const volumes = [...copies, 'VDI_UPDATE', 'VDI_RESET_ON_BOOT', 'SR_TRIM'];
const units = [...volumes, 'VDI_GENERATE_CONFIG', 'SR_METADATA'];
const features: Readonly<Record<string, readonly string[]>> = {
  ext: [...mounted, 'SR_SUPPORTS_LOCAL_CACHING'],
  lvm: volumes,
  nfs: [...mounted, 'SR_CACHING'],
  smb: [...mounted, 'SR_CACHING'],
  lvmoiscsi: units,
  lvmohba: units,
  iso: [...disk, 'SR_SCAN', 'SR_ATTACH', 'SR_DETACH'],
  udev: ['VDI_INTRODUCE', 'VDI_ATTACH', 'VDI_DETACH', 'VDI_UPDATE', 'SR_UPDATE'],
  file: files,
  dummy: [...active, 'SR_PROBE', 'VDI_CLONE', 'VDI_SNAPSHOT', 'VDI_RESIZE', 'VDI_INTRODUCE', 'VDI_MIRROR'],
  image: [...disk, 'VDI_CLONE', 'VDI_RESET_ON_BOOT', 'SR_UPDATE'],
};

export class DeviceSecrets1796140000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(moveSecrets);
    for (const [type, names] of Object.entries(features)) {
      const versions = Object.fromEntries(names.map((name) => [name, name === 'VDI_RESET_ON_BOOT' ? 2 : 1]));
      await runner.query('UPDATE sm SET capabilities = $2, features = $3 WHERE type = $1', [
        type,
        JSON.stringify(names),
        JSON.stringify(versions),
      ]);
    }
  }

  /** Earlier versions read secrets by their names too. */
  async down(): Promise<void> {
    await Promise.resolve();
  }
}
