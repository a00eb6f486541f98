/** A VM that goes to another pool: which disks and interfaces come where, and whether they can. */
import { filters } from '@xenplane/domain';
import { asRef, errorFrom, isNullRef, XenError, type Ref } from '@xenplane/model';
import type { Row, Tx } from '@xenplane/store';
import type { Plane } from '../../core/context';
import { assertCanLeave, type MigrateSendParams } from '../within-pool/disk-migration';
import { assertMoves } from '../../storage/storage-motion-checks';
import { movingGuest } from '../../placement/guests';
import type { RemoteSide } from './remote-choices';

export interface MigratedDisk {
  readonly vdi: Ref<'VDI'>;
  readonly uuid: string;
  /** A reference of the other pool. */
  readonly sr: string;
}
/** Plain values: the journal of an operation keeps them. */
export interface MigrationPlan {
  readonly vm: Ref<'VM'>;
  /** The VM's name there. */
  readonly uuid: string;
  readonly copy: boolean;
  readonly running: boolean;
  readonly snapshots: readonly Ref<'VM'>[];
  readonly disks: readonly MigratedDisk[];
  /** Networks of the other pool, by interface. */
  readonly nics: Readonly<Record<string, string>>;
  readonly memorySr: string;
  /** Operations that its owner has blocked. */
  readonly blocked: Readonly<Record<string, string>>;
}

/** Checked in xapi's order: its disks, the VM, its interfaces, then what the other host can take. */
export async function planMigration(
  { ids }: Pick<Plane, 'ids'>,
  tx: Tx,
  sent: MigrateSendParams,
  remoteSide: RemoteSide,
): Promise<MigrationPlan> {
  const vm = await tx.get('VM', sent.vm);
  const copy = sent.options['copy'] === 'true';
  const snapshots = copy ? [] : await tx.find('VM', { snapshot_of: sent.vm });
  const disks = await mapped(tx, vm, snapshots, sent, remoteSide);
  if (copy && vm.power_state !== 'Halted')
    throw new XenError('VM_BAD_POWER_STATE', sent.vm, 'halted', vm.power_state.toLowerCase());
  const nics = await mappedNics(tx, vm, snapshots, sent);
  const memorySr = sent.vdi_map[asRef<'VDI'>(vm.suspend_VDI)] ?? disks[0]?.sr ?? remoteSide.memorySr;
  const asleep = vm.power_state === 'Suspended' || snapshots.some((s) => s.power_state === 'Suspended');
  if ((asleep || vm.power_state === 'Running') && memorySr === '')
    throw new XenError('VM_NO_SUSPEND_SR', sent.vm);
  const running = vm.power_state === 'Running';
  if (running) assertRunsThere(vm, remoteSide);
  if (!copy && remoteSide.present) throw new XenError('DUPLICATE_VM', vm.uuid);
  const blocked = vm.blocked_operations;
  return {
    vm: sent.vm,
    uuid: copy ? ids.uuid() : vm.uuid,
    copy,
    running,
    snapshots: snapshots.map((s) => s.ref),
    disks,
    nics,
    memorySr,
    blocked,
  };
}

/** Of the other host its CPU and its memory are known here; the other pool asks for the rest when the VM comes. */
function assertRunsThere(vm: Row<'VM'>, { host, cpu_info, freeBytes }: RemoteSide): void {
  const guest = movingGuest(vm);
  const reason =
    filters.cpu(guest, { ref: host, cpu: cpu_info }) ?? filters.memory(guest, { memoryFree: freeBytes });
  if (reason) throw errorFrom(reason);
}

/** Every disk must be given a place; those of snapshots go where the disk went that they were taken of. */
async function mapped(
  tx: Tx,
  vm: Row<'VM'>,
  snapshots: readonly Row<'VM'>[],
  { vdi_map }: MigrateSendParams,
  { srs, features }: RemoteSide,
): Promise<MigratedDisk[]> {
  const disks: MigratedDisk[] = [];
  const place = (vdi: Row<'VDI'>, sr: string | undefined): void => {
    if (sr === undefined) throw new XenError('VDI_NOT_IN_MAP', vdi.ref);
    if (!srs.includes(sr)) throw new XenError('VM_REQUIRES_SR', vm.ref, sr);
    const able = features[sr];
    if (able) assertMoves(sr, able, 'to');
    if (!disks.some((disk) => disk.vdi === vdi.ref)) disks.push({ vdi: vdi.ref, uuid: vdi.uuid, sr });
  };
  for (const vdi of await disksOf(tx, vm.ref)) {
    await assertCanLeave(tx, vdi);
    place(vdi, vdi_map[vdi.ref]);
  }
  for (const snapshot of snapshots)
    for (const vdi of await disksOf(tx, snapshot.ref))
      place(vdi, vdi_map[vdi.ref] ?? vdi_map[asRef<'VDI'>(vdi.snapshot_of)] ?? disks[0]?.sr);
  return disks;
}

async function disksOf(tx: Tx, vm: Ref<'VM'>): Promise<Row<'VDI'>[]> {
  const vbds = await tx.find('VBD', { VM: vm });
  return tx.getMany(
    'VDI',
    vbds.filter((b) => b.type !== 'CD' && !b.empty && !isNullRef(b.VDI)).map((b) => b.VDI),
  );
}

/** The interfaces of snapshots follow those of the VM. */
async function mappedNics(
  tx: Tx,
  vm: Row<'VM'>,
  snapshots: readonly Row<'VM'>[],
  { vif_map }: MigrateSendParams,
): Promise<Record<string, string>> {
  const nics: Record<string, string> = {};
  const devices = new Map<string, string>();
  for (const vif of await tx.find('VIF', { VM: vm.ref })) {
    const network = vif_map[vif.ref];
    if (network === undefined) throw new XenError('VIF_NOT_IN_MAP', vif.ref);
    nics[vif.ref] = network;
    devices.set(vif.device, network);
  }
  const [any] = devices.values();
  for (const snapshot of snapshots)
    for (const vif of await tx.find('VIF', { VM: snapshot.ref })) {
      const network = vif_map[vif.ref] ?? devices.get(vif.device) ?? any;
      if (network === undefined) throw new XenError('VIF_NOT_IN_MAP', vif.ref);
      nics[vif.ref] = network;
    }
  return nics;
}
