/** Objects that a transfer uses may not change under it: what it reads or writes is busy under its task until it ends. */
import { vdiLifecycle } from '@xenplane/domain';
import { XenError, type Ref } from '@xenplane/model';
import { inTransaction, type Row, type Tx } from '@xenplane/store';
import { admitVm } from '../begin/admission';
import type { Plane } from '../core/context';
import type { HttpTask } from './http-task';
import type { BusyMark } from '../begin/busy-marks';
import { imageKeys } from '../runs/domain-spec';
import { vdiFromTx } from '../begin/lifecycle-subjects';

/** VM_BAD_POWER_STATE, OTHER_OPERATION_IN_PROGRESS and the like at once. */
export async function holdExported(plane: Plane, task: HttpTask, vm: Ref<'VM'>): Promise<void> {
  await inTransaction(plane.store, async (tx) => {
    await admitVm({ tx }, vm, 'export');
    await task.hold(tx, [{ cls: 'VM', ref: vm, op: 'export' }]);
  });
}

/** Any number may read a disk at once; meanwhile nobody writes to it or takes it away. */
export async function holdRead(
  plane: Plane,
  task: HttpTask,
  disks: readonly Ref<'VDI'>[],
  base?: Ref<'VDI'>,
): Promise<void> {
  await inTransaction(plane.store, async (tx) => {
    const marks: BusyMark[] = [];
    for (const ref of [...disks, ...(base ? [base] : [])].toSorted()) {
      await assertReadable(tx, await tx.lock('VDI', ref), ref === base);
      marks.push({ cls: 'VDI', ref, op: 'copy' });
    }
    await task.hold(tx, marks);
  });
}
/** The effect of a boot on the disk does not matter here. Of a base only the changes since are read, which outlive its contents. */
async function assertReadable(tx: Tx, vdi: Row<'VDI'>, asBase: boolean): Promise<void> {
  const subject = await vdiFromTx(tx, vdi);
  const vbds = vdi.sharable ? [] : await awake(tx, await tx.find('VBD', { VDI: vdi.ref }));
  const refused =
    (await beginning(tx, vdi.ref)) ??
    vdiLifecycle.refusal('copy', {
      ...subject,
      vbds,
      vdi: { ...vdi, on_boot: 'persist', type: asBase ? 'user' : vdi.type },
    });
  if (refused) throw refused;
}

/** A VM that is about to run will have attached the disk before the transfer is over. */
async function beginning(tx: Tx, vdi: Ref<'VDI'>): Promise<XenError | undefined> {
  const [found] = await tx.query<{ vm: string; op: string; task: string }>(
    `SELECT v.ref AS vm, o.value AS op, o.key AS task FROM vbd b JOIN vm v ON v.ref = b."VM", jsonb_each_text(v.current_operations) o
     WHERE b."VDI" = $1 AND b.mode = 'RW' AND o.value IN ('start', 'start_on', 'resume', 'resume_on') LIMIT 1`,
    [vdi],
  );
  return found && new XenError('OTHER_OPERATION_IN_PROGRESS', 'VM', found.vm, found.op, found.task);
}

/** The disks of a suspended VM do not change. */
async function awake(tx: Tx, vbds: readonly Row<'VBD'>[]): Promise<Row<'VBD'>[]> {
  const vms = await tx.getMany(
    'VM',
    vbds.map((vbd) => vbd.VM),
  );
  const suspended = new Set(vms.filter((vm) => vm.power_state === 'Suspended').map((vm) => vm.ref));
  return vbds.filter((vbd) => !suspended.has(vbd.VM));
}

/** One alone may write to a disk, and no VM looks at it meanwhile. */
export async function holdWritten(plane: Plane, task: HttpTask, ref: Ref<'VDI'>): Promise<void> {
  await inTransaction(plane.store, async (tx) => {
    const vdi = await tx.lock('VDI', ref);
    await admitWriter(tx, vdi);
    await task.hold(tx, [{ cls: 'VDI', ref, op: 'blocked' }]);
  });
}
/** True if it could be held now. */
export async function assertWritable(plane: Plane, ref: Ref<'VDI'>): Promise<void> {
  await inTransaction(plane.store, async (tx) => admitWriter(tx, await tx.lock('VDI', ref)));
}
async function admitWriter(tx: Tx, vdi: Row<'VDI'>): Promise<void> {
  const subject = await vdiFromTx(tx, vdi);
  // Unlike other operations that make a disk busy, this one waits for copies to end.
  const refused =
    (await beginning(tx, vdi.ref)) ??
    vdiLifecycle.busyWith(vdi.ref, vdi.current_operations) ??
    vdiLifecycle.refusal('blocked', subject);
  if (refused) throw refused;
  if (subject.vbds.some((vbd) => vbd.currently_attached)) throw new XenError('VDI_IN_USE', vdi.ref, 'attach');
  if (vdi.read_only || vdi.type === 'cbt_metadata') throw new XenError('VDI_READONLY', vdi.ref);
  if (vdi.sm_config[imageKeys.digest] !== undefined) throw new XenError('SR_OPERATION_NOT_SUPPORTED', vdi.SR);
}
