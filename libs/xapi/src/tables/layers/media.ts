/** The tables `medium` and `stray_volume`: storage itself, independent of records: which repositories were made where, and which disks lie in them unrecorded. */
import type { storage } from '@xenplane/domain';
import { asRef, type Ref, type StoredRecord } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { withoutParent } from './disk-chains';
import { claimLayers } from './layers';

export interface StorageMedium extends storage.Repository {
  readonly type: string;
  readonly place: string;
}

/** Which repositories were made where; one that is known has moved or grown. */
export async function insertMedia(tx: Tx, media: readonly StorageMedium[]): Promise<void> {
  await tx.query(
    `INSERT INTO medium(uuid, type, place, bytes, name_label, name_description) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[])
     ON CONFLICT (uuid) DO UPDATE SET place = excluded.place, bytes = excluded.bytes`,
    (['uuid', 'type', 'place', 'bytes', 'label', 'description'] as const).map((field) =>
      media.map((medium) => medium[field]),
    ),
  );
}
export const mediaAt = (tx: Tx, type: string, place: string): Promise<StorageMedium[]> =>
  tx.query<StorageMedium & Record<string, unknown>>(
    'SELECT uuid, type, place, bytes, name_label AS label, name_description AS description FROM medium WHERE place = $1 AND type = $2 ORDER BY uuid',
    [place, type],
  );

export async function eraseMedium(tx: Tx, uuid: string): Promise<void> {
  await tx.query('DELETE FROM stray_volume WHERE sr = $1', [uuid]);
  await tx.query('DELETE FROM medium WHERE uuid = $1', [uuid]);
}

type Vdi = StoredRecord<'VDI'> & { readonly ref: Ref<'VDI'> };
/** Leaves a disk's contents in the repository when its record goes. */
export async function leaveVolume(tx: Tx, sr: string, { ref, ...record }: Vdi): Promise<void> {
  await tx.query(
    `INSERT INTO stray_volume(sr, location, layer, record) SELECT $1, $2, layer, $4 FROM vdi_layer WHERE vdi = $3
     ON CONFLICT (sr, location) DO UPDATE SET layer = excluded.layer, record = excluded.record`,
    [sr, record.location, ref, JSON.stringify({ ...record, sm_config: withoutParent(record.sm_config) })],
  );
}

export interface UnrecordedVolume {
  readonly location: string;
  readonly layer: string;
  readonly record: StoredRecord<'VDI'>;
}
export const unrecordedVolumes = (tx: Tx, sr: string): Promise<UnrecordedVolume[]> =>
  tx.query<UnrecordedVolume & Record<string, unknown>>(
    'SELECT location, layer, record FROM stray_volume WHERE sr = $1 ORDER BY location',
    [sr],
  );

/** Gives a found disk's contents to the record that stands for it now; what they take is counted again. */
export async function claimVolume(tx: Tx, sr: string, location: string, vdi: Ref<'VDI'>): Promise<void> {
  await tx.query(
    `WITH found AS (DELETE FROM stray_volume WHERE sr = $1 AND location = $2 RETURNING layer)
     INSERT INTO vdi_layer(vdi, layer) SELECT $3, layer FROM found`,
    [sr, location, vdi],
  );
  await claimLayers(tx, vdi);
}
export const vdiRef = (uuid: string): Ref<'VDI'> => asRef(`OpaqueRef:${uuid}`);

/** The repositories of the pool that a place holds. */
export const repositoriesAt = (tx: Tx, place: string): Promise<{ uuid: string }[]> =>
  tx.query<{ uuid: string }>('SELECT m.uuid FROM medium m JOIN sr s ON s.uuid = m.uuid WHERE m.place = $1', [
    place,
  ]);
/** Overwrites what a place holds. */
export async function erasePlace(tx: Tx, place: string): Promise<void> {
  await tx.query('DELETE FROM stray_volume v USING medium m WHERE m.place = $1 AND v.sr = m.uuid', [place]);
  await tx.query('DELETE FROM medium WHERE place = $1', [place]);
}

/** Names are kept with the contents, so that a probe shows them. */
export async function renameMedium(
  tx: Tx,
  uuid: string,
  { name_label, name_description }: { readonly name_label: string; readonly name_description: string },
): Promise<void> {
  await tx.query('UPDATE medium SET name_label = $2, name_description = $3 WHERE uuid = $1', [
    uuid,
    name_label,
    name_description,
  ]);
}
