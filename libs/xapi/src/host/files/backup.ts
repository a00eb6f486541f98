/** A backup of a host: what has been set on it, with the pool's database beside it. Brought back, the host is set up as it was. */
import { isNullRef, XenError, type Ref, type StoredRecord } from '@xenplane/model';
import { inTransaction, reading, type Tx } from '@xenplane/store';
import type { Plane } from '../../core/context';
import { databaseXml } from '../../database-file/dump';
import { inParts, jsonFile, type HostFile } from './file';

const format = 1;
const texts = ['name_label', 'name_description', 'hostname', 'timezone'] as const;
const maps = ['other_config', 'logging', 'guest_VCPUs_params', 'license_server'] as const;
const lists = ['tags', 'ntp_custom_servers'] as const;
const storages = ['suspend_image_sr', 'crash_dump_sr'] as const;
const kept = [...texts, ...maps, ...lists, ...storages] as const;
type Kept = Pick<StoredRecord<'host'>, (typeof kept)[number]>;

export const backupNames = { manifest: 'manifest.json', host: 'host.json' } as const;

export async function* backupFiles(plane: Plane, ref: Ref<'host'>): AsyncGenerator<HostFile> {
  const host = await reading(plane.store, (tx) => tx.get('host', ref));
  const { product_version = '' } = host.software_version;
  yield jsonFile(backupNames.manifest, {
    format,
    product_version,
    host: host.uuid,
    made: plane.clock.now().toISOString(),
  });
  yield jsonFile(backupNames.host, Object.fromEntries(kept.map((name) => [name, host[name]])));
  yield* inParts('database.xml', databaseXml(plane));
}

export interface Backup {
  readonly manifest: unknown;
  readonly host: unknown;
}
type Loose = Readonly<Record<string, unknown>>;
const isRecord = (value: unknown): value is Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const isMap = (value: unknown): boolean => isRecord(value) && Object.values(value).every(isText);
const isList = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

function isKept(host: unknown): host is Kept {
  if (!isRecord(host)) return false;
  const names: readonly string[] = kept;
  return (
    Object.keys(host).every((name) => names.includes(name)) &&
    [...texts, ...storages].every((name) => isText(host[name])) &&
    maps.every((name) => isMap(host[name])) &&
    lists.every((name) => isList(host[name]))
  );
}

/** Whole or not at all; only a backup of the very host, by the software that it runs. */
export async function restoreHost(plane: Plane, ref: Ref<'host'>, { manifest, host }: Backup): Promise<void> {
  if (!isRecord(manifest) || !isKept(host))
    throw new XenError('RESTORE_SCRIPT_FAILED', 'This is no backup of a host');
  await inTransaction(plane.store, async (tx) => {
    const present = await tx.lock('host', ref);
    if (
      manifest['format'] !== format ||
      manifest['product_version'] !== (present.software_version['product_version'] ?? '')
    )
      throw new XenError('RESTORE_INCOMPATIBLE_VERSION');
    if (manifest['host'] !== present.uuid)
      throw new XenError(
        'RESTORE_SCRIPT_FAILED',
        `The backup is of another host, ${String(manifest['host'])}`,
      );
    await assertStorage(tx, host);
    await tx.update('host', ref, host);
  });
}

async function assertStorage(tx: Tx, host: Kept): Promise<void> {
  for (const name of storages) if (!isNullRef(host[name])) await tx.get('SR', host[name]);
}
