/** A VM that is sent with its disks and interfaces mapped to other storage and networks: what is asked for, and whether it can be. */
import { asRef, isNullRef, nullRef, XenError, type Ref } from '@xenplane/model';
import type { Row, Tx } from '@xenplane/store';
import { copyVdi, removeVdi } from '../../storage/vdi-clone';
import type { Plane } from '../../core/context';
import { growBases } from '../../tables/layers/disk-chains';
import { assertLive } from '../../host/host-use';
import { assertDiskMoves, assertSrMoves } from '../../storage/storage-motion-checks';
import { sessionRef } from '../../api/sessions';
import { attachedTo, type Attached } from '../../runs/domain-spec';
import { isSessionOpen } from '../../tables/sessions/sessions';

export interface MigrateSendParams {
  readonly vm: Ref<'VM'>;
  readonly dest: Readonly<Record<string, string>>;
  readonly live: boolean;
  readonly vdi_map: Readonly<Record<string, Ref<'SR'>>>;
  readonly vif_map: Readonly<Record<string, Ref<'network'>>>;
  readonly options: Readonly<Record<string, string>>;
}
export interface DiskMigrationPlan {
  readonly host: Ref<'host'>;
  /** Disks that go to other storage, each before its snapshots. */
  readonly disks: readonly PlannedDisk[];
}
export interface PlannedDisk {
  readonly vdi: Ref<'VDI'>;
  readonly sr: Ref<'SR'>;
  /** The disk that this is a snapshot of, and goes with. */
  readonly of?: Ref<'VDI'>;
}
/** A disk and its copy elsewhere. */
export interface MovedDisk {
  readonly from: Ref<'VDI'>;
  readonly to: Ref<'VDI'>;
  /** The copy of the disk that this is a snapshot of. */
  readonly of?: Ref<'VDI'>;
}

const destinationKeys = ['host', 'SM', 'xenops', 'session_id', 'master'] as const;

/** The parameters of the migration: the destination, and where each disk goes. */
export async function planDiskMigration(tx: Tx, sent: MigrateSendParams): Promise<DiskMigrationPlan> {
  const host = await destination(tx, sent.dest);
  const vm = await tx.get('VM', sent.vm);
  const srs = new Set((await tx.find('PBD', { host, currently_attached: true })).map((p) => p.SR));
  const disks = await mappedDisks(tx, vm, sent, srs);
  return { host, disks: [...disks, ...(await snapshotsOf(tx, disks))] };
}

/** The checks that xapi makes last: within a pool interfaces stay on their networks, and each moved disk can be moved. */
export async function assertMayMove(
  tx: Tx,
  { vif_map }: Pick<MigrateSendParams, 'vif_map'>,
  { disks }: DiskMigrationPlan,
): Promise<void> {
  if (Object.keys(vif_map).length > 0)
    throw new XenError(
      'OPERATION_NOT_ALLOWED',
      'VIF mapping is not allowed for intra-pool migration -all VIFs must be on the same network',
    );
  const refs = disks.filter((disk) => disk.of === undefined).map((disk) => disk.vdi);
  for (const vdi of await tx.getMany('VDI', refs)) assertDiskMoves(vdi);
}

/** True if the destination is a host of another pool. INVALID_VALUE for a map that names no destination. */
export async function isOtherPool(tx: Tx, { dest }: Pick<MigrateSendParams, 'dest'>): Promise<boolean> {
  const missing = destinationKeys.find((key) => dest[key] === undefined);
  if (missing) throw new XenError('INVALID_VALUE', missing, '');
  return (await tx.getMany('host', [dest['host'] ?? ''])).length === 0;
}

/** A host of this pool, for the owner of a session of it. */
async function destination(tx: Tx, dest: MigrateSendParams['dest']): Promise<Ref<'host'>> {
  const host = asRef<'host'>(dest['host'] ?? '');
  const token = dest['session_id'] ?? '';
  if (!(await isSessionOpen(tx, sessionRef(token)))) throw new XenError('SESSION_INVALID', token);
  await assertLive(tx, host);
  return host;
}

async function mappedDisks(
  tx: Tx,
  vm: Row<'VM'>,
  { vdi_map }: MigrateSendParams,
  srs: ReadonlySet<string>,
): Promise<PlannedDisk[]> {
  const disks: PlannedDisk[] = [];
  for (const vdi of await disksOf(tx, vm)) {
    const sr = vdi_map[vdi.ref] ?? vdi.SR;
    if (!srs.has(sr))
      throw vdi_map[vdi.ref] === undefined
        ? new XenError('VDI_NOT_IN_MAP', vdi.ref)
        : new XenError('VM_REQUIRES_SR', vm.ref, sr);
    if (sr === vdi.SR) continue;
    await assertSrMoves(tx, vdi.SR, sr);
    disks.push({ vdi: vdi.ref, sr });
  }
  return disks;
}

/** Snapshots go where their disk goes; those whose contents were given up have nothing to take along. */
async function snapshotsOf(tx: Tx, disks: readonly PlannedDisk[]): Promise<PlannedDisk[]> {
  const found = await tx.query<{ vdi: Ref<'VDI'>; of: Ref<'VDI'>; sr: Ref<'SR'> }>(
    `SELECT ref AS vdi, snapshot_of AS of, "SR" AS sr FROM vdi WHERE snapshot_of = ANY($1) AND type <> 'cbt_metadata' ORDER BY snapshot_time, ref`,
    [disks.map((disk) => disk.vdi)],
  );
  return found.flatMap(({ vdi, of, sr }) => {
    const place = disks.find((disk) => disk.vdi === of)?.sr;
    return place === undefined || place === sr ? [] : [{ vdi, of, sr: place }];
  });
}

async function disksOf(tx: Tx, vm: Row<'VM'>): Promise<Row<'VDI'>[]> {
  const vbds = (await tx.find('VBD', { VM: vm.ref })).filter((b) => b.type === 'Disk' && !b.empty);
  return tx.getMany('VDI', [
    ...vbds.map((b) => b.VDI),
    ...(isNullRef(vm.suspend_VDI) ? [] : [vm.suspend_VDI]),
  ]);
}

/** Refuses a disk that cannot go to another pool. */
export async function assertCanLeave(tx: Tx, vdi: Row<'VDI'>): Promise<void> {
  await assertSrMoves(tx, vdi.SR);
  assertDiskMoves(vdi);
}

/** The copies, empty until the data has come; their space is taken now. A snapshot's belongs to no disk until it arrives. */
export async function copyDisks(plane: Plane, tx: Tx, diskPlan: DiskMigrationPlan): Promise<MovedDisk[]> {
  const moved: MovedDisk[] = [];
  for (const { vdi, sr, of } of diskPlan.disks) {
    const source = await tx.lock('VDI', vdi);
    const { is_a_snapshot, snapshot_time } = source;
    const to = await copyVdi(
      { plane, tx },
      source,
      sr,
      of === undefined ? {} : { is_a_snapshot, snapshot_time, snapshot_of: nullRef() },
    );
    const leaf = moved.find((one) => one.from === of)?.to;
    moved.push({ from: vdi, to, ...(leaf === undefined ? {} : { of: leaf }) });
  }
  return moved;
}

/** The devices of a VM as they will be when it has arrived. */
export async function attachedAtTarget(
  tx: Tx,
  vm: Ref<'VM'>,
  moved: readonly MovedDisk[],
): Promise<Attached> {
  const { disks, nics, ...rest } = await attachedTo(tx, vm, { attached: true });
  const copies = new Map(
    (
      await tx.getMany(
        'VDI',
        moved.map((m) => m.to),
      )
    ).map((vdi, i) => [moved[i]?.from as string, vdi]),
  );
  return {
    ...rest,
    disks: disks.map((disk) =>
      disk.vdi && copies.has(disk.vdi.ref) ? { ...disk, vdi: copies.get(disk.vdi.ref) ?? disk.vdi } : disk,
    ),
    nics,
  };
}

/** From now on the VM uses the copies, and its snapshots those of theirs. A snapshot that was destroyed meanwhile stays away. */
export async function attachMovedDisks(tx: Tx, vm: Ref<'VM'>, moved: readonly MovedDisk[]): Promise<void> {
  for (const { from, to, of } of moved) {
    if (of === undefined) {
      await tx.query('UPDATE vbd SET "VDI" = $3 WHERE "VM" = $1 AND "VDI" = $2', [vm, from, to]);
      await tx.query('UPDATE vm SET "suspend_VDI" = $3 WHERE ref = $1 AND "suspend_VDI" = $2', [
        vm,
        from,
        to,
      ]);
      await tx.query('UPDATE vdi SET snapshot_of = $2 WHERE snapshot_of = $1', [from, to]);
    } else {
      await tx.query('UPDATE vbd SET "VDI" = $2 WHERE "VDI" = $1', [from, to]);
      await tx.query(
        'UPDATE vdi SET snapshot_of = $3 WHERE ref = $2 AND EXISTS (SELECT 1 FROM vdi WHERE ref = $1)',
        [from, to, of],
      );
    }
  }
}

/** Of each disk and its copy only the one that is in use stays: after an arrival the copy, before it the disk. */
export async function dropUnused(tx: Tx, moved: readonly MovedDisk[]): Promise<void> {
  for (const { from, to } of moved) {
    const [copy] = await tx.query(
      `SELECT 1 AS yes FROM vbd WHERE "VDI" = $1 UNION ALL SELECT 1 FROM vm WHERE "suspend_VDI" = $1 UNION ALL SELECT 1 FROM vdi WHERE ref = $1 AND snapshot_of IS NOT NULL`,
      [to],
    );
    await dropVdi(tx, copy ? from : to);
  }
}
/** After an arrival: what a disk and its snapshots share where they are now is shown, and counted once. */
export async function finishMovedDisks(plane: Plane, tx: Tx, moved: readonly MovedDisk[]): Promise<void> {
  await dropUnused(tx, moved);
  for (const leaf of moved.filter((one) => one.of === undefined)) {
    const family = [leaf, ...moved.filter((one) => one.of === leaf.to)].map((one) => one.to);
    const present = await tx.getMany('VDI', family);
    await growBases(
      tx,
      plane.ids,
      present.map((vdi) => vdi.ref),
    );
  }
}
/** Unless something uses it. */
export async function dropVdi(tx: Tx, ref: Ref<'VDI'>): Promise<void> {
  const [vdi] = await tx.getMany('VDI', [ref]);
  const [used] = await tx.query('SELECT 1 AS yes FROM vbd WHERE "VDI" = $1', [ref]);
  if (!vdi || used) return;
  await removeVdi(tx, vdi);
}
