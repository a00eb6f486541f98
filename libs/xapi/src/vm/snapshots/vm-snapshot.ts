/** Snapshots of VMs: copies of the record and of every disk, hung into a tree below the VM; and the way back to one. */
import { isNullRef, type Ref, type StoredRecord } from '@xenplane/model';
import type { SavedImage } from '@xenplane/hypervisor';
import { admitVdi } from '../../begin/admission';
import { dateTime, type Context } from '../../core/context';
import type { Tx } from '@xenplane/store';
import { fromMetadata, metadataOf } from './snapshot-metadata';
import { cloneVdi, removeVdi, snapshotVdi } from '../../storage/vdi-clone';
import { copyVgpus, removePassedDevices } from '../../graphics/device-assignment';
import { copyDisks, copyGuest, copyInterfaces, copyRecord, copySuspended, copyVtpm } from '../vm-clone';
import { insertSavedRun, removeRun } from '../../tables/runs/saved-runs';

type Vm = StoredRecord<'VM'>;
type Making = Pick<Context, 'plane' | 'tx'>;
type Row = Vm & { readonly ref: Ref<'VM'> };

export interface SnapshotOf {
  readonly source: Row;
  readonly name: string;
  readonly ignore?: readonly string[];
  /** The memory that a running VM saved, and the disk that holds it. */
  readonly memory?: { readonly vdi: Ref<'VDI'>; readonly saved: SavedImage };
  /** True if the memory of a suspended VM belongs to it. */
  readonly checkpoint?: boolean;
  readonly byVmss?: boolean;
}

export async function takeSnapshot(
  context: Making,
  { source, name, ignore = [], memory, checkpoint = false, byVmss = false }: SnapshotOf,
): Promise<Ref<'VM'>> {
  const { tx, plane } = context;
  const time = dateTime(plane.clock.now());
  const copyDisk = async ({ ref }: { readonly ref: Ref<'VDI'> }): Promise<Ref<'VDI'> | undefined> =>
    ignore.includes(ref) ? undefined : snapshotVdi(context, await admitVdi(context, ref, 'snapshot'));
  const snapshot = await copyRecord(context, checkpoint ? source : { ...source, power_state: 'Halted' }, {
    name,
    copyDisk,
    change: {
      is_a_template: true,
      is_a_snapshot: true,
      snapshot_of: source.ref,
      snapshot_time: time,
      snapshot_info: {
        'power-state-at-snapshot': source.power_state,
        'disk-snapshot-type': 'crash_consistent',
      },
      snapshot_metadata: metadataOf(source),
      parent: source.parent,
      other_config: source.other_config,
      is_vmss_snapshot: byVmss,
      ...(memory ? { suspend_VDI: memory.vdi, power_state: 'Suspended' as const } : {}),
    },
  });
  if (memory) await insertSavedRun(tx, snapshot, memory.saved);
  await tx.update('VM', source.ref, { parent: snapshot });
  return snapshot;
}

/** Gives the VM the disks, interfaces, memory and settings of the snapshot; the VM is halted. */
export async function revertTo(context: Making, snapshot: Row, vm: Row): Promise<void> {
  const { tx } = context;
  await dropDevices(context, snapshot, vm);
  await copyDisks(context, snapshot.ref, vm.ref, (vdi) => restoreDisk(context, vdi));
  await copyInterfaces(context, snapshot.ref, vm.ref, undefined);
  await copyVgpus(tx, snapshot.ref, vm.ref, () => context.plane.ids.uuid());
  await copyVtpm(context, snapshot.ref, vm.ref);
  const suspend_VDI = await copySuspended(context, snapshot, vm.ref);
  const power_state = isNullRef(suspend_VDI) ? 'Halted' : 'Suspended';
  const guest_metrics = await copyGuest(context, snapshot);
  const { settings } = fromMetadata(snapshot);
  await tx.update('VM', vm.ref, {
    ...settings,
    ha_always_run: false,
    parent: snapshot.ref,
    guest_metrics,
    suspend_VDI,
    power_state,
  });
  if (!isNullRef(vm.guest_metrics)) await tx.remove('VM_guest_metrics', vm.guest_metrics);
}

/** A disk from the snapshot's; older snapshots of the disk that it replaces are its own from now on. */
async function restoreDisk(
  context: Making,
  vdi: StoredRecord<'VDI'> & { readonly ref: Ref<'VDI'> },
): Promise<Ref<'VDI'>> {
  const disk = await cloneVdi(context, vdi);
  if (!isNullRef(vdi.snapshot_of))
    await context.tx.query('UPDATE vdi SET snapshot_of = $2 WHERE snapshot_of = $1', [vdi.snapshot_of, disk]);
  return disk;
}

/** Disks of which the snapshot has a copy go; disks added since are only let go of. */
async function dropDevices(context: Making, snapshot: Row, vm: Row): Promise<void> {
  const { tx } = context;
  const copies = await tx.query<{ origin: string }>(
    `SELECT d.snapshot_of AS origin FROM vbd b JOIN vdi d ON d.ref = b."VDI" WHERE b."VM" = $1 AND b.type = 'Disk' AND d.snapshot_of IS NOT NULL`,
    [snapshot.ref],
  );
  const gone = new Set(copies.map((c) => c.origin));
  const disks: Ref<'VDI'>[] = isNullRef(vm.suspend_VDI) ? [] : [vm.suspend_VDI];
  for (const vbd of await tx.find('VBD', { VM: vm.ref })) {
    await tx.remove('VBD', vbd.ref);
    if (vbd.type === 'Disk' && gone.has(vbd.VDI)) disks.push(vbd.VDI);
  }
  for (const vif of await tx.find('VIF', { VM: vm.ref })) await tx.remove('VIF', vif.ref);
  for (const vtpm of await tx.find('VTPM', { VM: vm.ref })) await tx.remove('VTPM', vtpm.ref);
  await removePassedDevices(tx, vm.ref);
  for (const vdi of disks) await dropDisk(context, vdi);
}

/** Removes a disk and gives its space back; one that another VM holds stays. */
export async function dropDisk({ tx }: Pick<Context, 'tx'>, ref: Ref<'VDI'>): Promise<void> {
  const [vdi] = await tx.getMany('VDI', [ref]);
  const [held] = vdi ? await tx.find('VBD', { VDI: ref }) : [];
  if (!vdi || held) return;
  await removeVdi(tx, vdi);
}

/** A VM that was destroyed comes back under its own name and uuid, when only its snapshot is left. */
export async function recreate(context: Making, snapshot: Row): Promise<Ref<'VM'>> {
  const { tx } = context;
  const { uuid, settings } = fromMetadata(snapshot);
  const [other] = uuid === undefined ? [] : await tx.find('VM', { uuid });
  const vm = await copyRecord(
    context,
    { ...snapshot, power_state: 'Halted' },
    {
      name: snapshot.name_label,
      copyDisk: async () => undefined,
      change: {
        ...settings,
        ...(uuid === undefined || other ? {} : { uuid }),
        is_a_template: false,
        parent: snapshot.ref,
      },
    },
  );
  for (const vbd of await tx.find('VBD', { VM: vm })) await tx.remove('VBD', vbd.ref);
  await tx.query('UPDATE vm SET snapshot_of = $2 WHERE snapshot_of = $1 OR ref = $3', [
    snapshot.snapshot_of,
    vm,
    snapshot.ref,
  ]);
  return vm;
}

/** A snapshot and its disks go as they came. */
export async function dropSnapshot(tx: Tx, snapshot: Ref<'VM'>): Promise<void> {
  const record = await tx.lock('VM', snapshot);
  await leaveTree({ tx }, record);
  const vbds = await tx.find('VBD', { VM: snapshot });
  for (const vbd of vbds) await tx.remove('VBD', vbd.ref);
  for (const vbd of vbds) if (vbd.type === 'Disk' && !isNullRef(vbd.VDI)) await dropDisk({ tx }, vbd.VDI);
  for (const vif of await tx.find('VIF', { VM: snapshot })) await tx.remove('VIF', vif.ref);
  if (!isNullRef(record.suspend_VDI)) await dropDisk({ tx }, record.suspend_VDI);
  await removeRun(tx, snapshot);
  await tx.remove('VM', snapshot);
  await tx.query('DELETE FROM vm_metrics WHERE ref = $1', [record.metrics]);
  if (!isNullRef(record.guest_metrics))
    await tx.query('DELETE FROM vm_guest_metrics WHERE ref = $1', [record.guest_metrics]);
}

/** Takes a VM or snapshot out of the tree: what hung below it hangs below its parent. */
export async function leaveTree({ tx }: Pick<Context, 'tx'>, { ref, parent }: Row): Promise<void> {
  await tx.query('UPDATE vm SET parent = $2 WHERE parent = $1', [ref, isNullRef(parent) ? null : parent]);
}
