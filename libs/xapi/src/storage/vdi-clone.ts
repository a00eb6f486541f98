/** Copies of disks inside one storage repository: a record and its share of space, whatever the size. */
import { storage } from '@xenplane/domain';
import { asRef, nullRef, XenError, type Ref, type StoredRecord } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { dateTime, never, type Context } from '../core/context';
import { assertNotTooLong, notedOfCopy } from '../tables/layers/disk-chains';
import { branch, contentBytes, dropLayers } from '../tables/layers/layers';
import { allocatedBytesSql as takenAlready, isThickSql } from './thick-provisioning';

type Row = StoredRecord<'VDI'> & { readonly ref: Ref<'VDI'> };
type Making = Pick<Context, 'plane' | 'tx'>;

export async function assertSrCan(
  context: Pick<Context, 'tx'>,
  sr: Ref<'SR'>,
  feature: string,
): Promise<void> {
  const { type } = await context.tx.get('SR', sr);
  if (!storage.driverOf(type)?.features.includes(feature))
    throw new XenError('SR_OPERATION_NOT_SUPPORTED', sr);
}

/** A disk that begins with what another of the same repository contains. */
export async function cloneVdi(
  context: Making,
  source: Row,
  change: Partial<StoredRecord<'VDI'>> = {},
): Promise<Ref<'VDI'>> {
  await assertSrCan(context, source.SR, 'VDI_CLONE');
  await assertNotTooLong(context.tx, source);
  return insertCopy(context, source, { physical_utilisation: 0, ...change }, true);
}

/** The disk as it is now, kept, and tracked as the disk is; the driver parameters of a backup are noted with it. */
export async function snapshotVdi(
  context: Making,
  vdi: Row,
  driverParams: Readonly<Record<string, string>> = {},
): Promise<Ref<'VDI'>> {
  return cloneVdi(context, vdi, {
    is_a_snapshot: true,
    snapshot_of: vdi.ref,
    snapshot_time: dateTime(context.plane.clock.now()),
    cbt_enabled: vdi.cbt_enabled,
    xenstore_data: { ...vdi.xenstore_data, ...driverParams },
  });
}

/** A disk of its own, which takes the space of all that it contains. */
export async function copyVdi(
  context: Making,
  source: Row,
  sr: Ref<'SR'>,
  change: Partial<StoredRecord<'VDI'>> = {},
): Promise<Ref<'VDI'>> {
  await assertSrCan(context, sr, 'VDI_CREATE');
  return insertCopy(
    context,
    source,
    { SR: sr, physical_utilisation: await contentBytes(context.tx, source.ref), ...change },
    false,
  );
}

/** The record and the contents; what it takes on the medium is what the change says. */
async function insertCopy(
  context: Making,
  { ref: source, ...vdi }: Row,
  change: Partial<StoredRecord<'VDI'>>,
  shown: boolean,
): Promise<Ref<'VDI'>> {
  const { type } = await context.tx.get('SR', change.SR ?? vdi.SR);
  const uuid = context.plane.ids.uuid(),
    ref = asRef<'VDI'>(`OpaqueRef:${uuid}`);
  const copy: StoredRecord<'VDI'> = {
    ...vdi,
    uuid,
    location: uuid,
    sm_config: notedOfCopy(type, vdi.sm_config),
    current_operations: {},
    allowed_operations: [],
    is_a_snapshot: false,
    snapshot_of: nullRef(),
    snapshot_time: never,
    parent: nullRef(),
    storage_lock: false,
    cbt_enabled: false,
    is_tools_iso: false,
    ...change,
  };
  await takeSpace(
    context,
    copy.SR,
    copy.virtual_size,
    copy.physical_utilisation,
    copy.is_a_snapshot ? copy.physical_utilisation : copy.virtual_size,
  );
  await context.tx.insert('VDI', ref, copy);
  await branch(context.tx, context.plane.ids, [source, ref], { charge: copy.physical_utilisation, shown });
  return ref;
}

/** Takes a disk's record, contents and space away. */
export async function removeVdi(
  tx: Tx,
  { ref, SR, virtual_size }: Pick<Row, 'ref' | 'SR' | 'virtual_size'>,
): Promise<void> {
  await dropLayers(tx, ref);
  await takeSpace({ tx }, SR, -virtual_size, 0);
  await tx.remove('VDI', ref);
}

/**
 * Books space of a repository; negative amounts give it back. One statement, so that two takers cannot both have the last byte.
 * Where all that a disk may come to hold is set aside, there must be room for that too; a snapshot keeps no more than it holds.
 */
export async function takeSpace(
  { tx }: Pick<Context, 'tx'>,
  sr: Ref<'SR'>,
  virtual: number,
  physical: number,
  setAside = virtual,
): Promise<void> {
  const [taken] = await tx.query<{ thick: boolean }>(
    `UPDATE sr s SET virtual_allocation = greatest(0, virtual_allocation + $2::bigint), physical_utilisation = greatest(0, physical_utilisation + $3::bigint)
     WHERE ref = $1 AND ($3::bigint <= 0 OR physical_size = 0 OR physical_utilisation + $3::bigint <= physical_size)
     RETURNING ${isThickSql} AS thick`,
    [sr, virtual, physical],
  );
  if (!taken || (taken.thick && setAside > 0 && !(await canSetAside(tx, sr, setAside))))
    throw storage.failure('noSpace');
}

async function canSetAside(tx: Tx, sr: Ref<'SR'>, bytes: number): Promise<boolean> {
  const [room] = await tx.query(
    `SELECT 1 AS yes FROM sr s WHERE s.ref = $1 AND s.physical_size >= $2::bigint + ${takenAlready}`,
    [sr, bytes],
  );
  return room !== undefined;
}
