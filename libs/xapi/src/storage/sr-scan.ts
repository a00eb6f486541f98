/** Makes the records of a repository say what lies in it. */
import { storage } from '@xenplane/domain';
import { type Ref, type StoredRecord } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { seededUuid } from '../core/seeded';
import { countLayers, newLayer } from '../tables/layers/layers';
import { claimVolume, unrecordedVolumes, vdiRef } from '../tables/layers/media';
import { recordWith } from '../core/records';
import { showLatest } from '../tables/database-copies';

/** The sums of a repository are those of its disks; a disk takes what the layers counted for it take. */
export async function sumUp(tx: Tx, sr: Ref<'SR'>): Promise<void> {
  await countLayers(tx, sr);
  await tx.query(
    `UPDATE sr SET virtual_allocation = s.virtual, physical_utilisation = s.physical
     FROM (SELECT coalesce(sum(virtual_size) FILTER (WHERE managed), 0) AS virtual, coalesce(sum(physical_utilisation), 0) AS physical FROM vdi WHERE "SR" = $1) s WHERE ref = $1`,
    [sr],
  );
}

/** Records for the CD images of a directory; the repository of the guest tools has the one that comes with the pool. */
export async function addIsoFiles(tx: Tx, sr: Ref<'SR'>): Promise<void> {
  const { uuid: repository, is_tools_sr } = await tx.get('SR', sr);
  const known = new Set((await tx.find('VDI', { SR: sr })).map((d) => d.location));
  for (const { name, bytes } of (is_tools_sr ? [storage.toolsIso] : storage.isoFiles).filter(
    (f) => !known.has(f.name),
  )) {
    const uuid = seededUuid(repository, 'iso', name);
    await tx.insert('VDI', vdiRef(uuid), { ...isoRecord(sr, uuid, name, bytes), is_tools_iso: is_tools_sr });
    await newLayer(tx, { id: seededUuid(uuid, 'layer'), vdi: vdiRef(uuid), bytes });
  }
  await sumUp(tx, sr);
}
const isoRecord = (SR: Ref<'SR'>, uuid: string, name: string, bytes: number): StoredRecord<'VDI'> =>
  recordWith('VDI', {
    uuid,
    location: name,
    SR,
    name_label: name,
    virtual_size: bytes,
    physical_utilisation: bytes,
    type: 'user',
    read_only: true,
    managed: true,
  });

/** Disks that lie in the repository without a record get theirs back. */
async function addStrays(tx: Tx, sr: Ref<'SR'>, repository: string): Promise<void> {
  const strays = await unrecordedVolumes(tx, repository);
  for (const { location, record } of strays) {
    const ref = vdiRef(record.uuid);
    await tx.insert('VDI', ref, {
      ...record,
      SR: sr,
      current_operations: {},
      allowed_operations: [],
      missing: false,
    });
    await claimVolume(tx, repository, location, ref);
  }
  if (strays.some(({ record }) => record.type === 'metadata')) await showLatest(tx);
}

export async function scan(tx: Tx, sr: Ref<'SR'>): Promise<void> {
  const { uuid, type } = await tx.lock('SR', sr);
  await addStrays(tx, sr, uuid);
  if (storage.driverOf(type)?.holdsIsos) await addIsoFiles(tx, sr);
  else await sumUp(tx, sr);
}
