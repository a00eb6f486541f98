/** VMs come back from the records that one database has of them, onto disks that the pool of a session sees. */
import { asRef, isNullRef, XenError, type Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import type { Context, Plane, Session } from '../core/context';
import type { Readable } from '../core/implied-calls';
import { exportRecords } from '../transfer/export-records';
import { endImport, importRecords } from '../transfer/import';

export interface Missing {
  readonly vm: Ref<'VM'>;
  readonly sr: Ref<'SR'>;
}

/** Storage that a VM and its snapshots have disks in. */
function storageOf(from: Readable, vm: Ref<'VM'>): readonly Ref<'SR'>[] {
  const all = [vm, ...(from.record('VM', vm)?.snapshots ?? [])];
  const devices = all
    .flatMap((ref) => from.record('VM', ref)?.VBDs ?? [])
    .map((ref) => from.record('VBD', ref));
  const disks = devices.flatMap((vbd) =>
    vbd && vbd.type !== 'CD' ? (from.record('VDI', vbd.VDI) ?? []) : [],
  );
  return [...new Set(disks.map((vdi) => vdi.SR))].sort();
}

/** True if the pool has this very repository, and some host has it plugged. */
function isInReach(pool: Readable, from: Readable, sr: Ref<'SR'>): boolean {
  const own = pool.byUuid('SR', from.record('SR', sr)?.uuid ?? '');
  return (
    (own && pool.record('SR', own)?.PBDs.some((pbd) => pool.record('PBD', pbd)?.currently_attached)) ?? false
  );
}

export const missingStorage = (pool: Readable, from: Readable, vms: readonly Ref<'VM'>[]): Missing[] =>
  vms.flatMap((vm) =>
    storageOf(from, vm)
      .filter((sr) => !isInReach(pool, from, sr))
      .map((sr) => ({ vm, sr })),
  );

export function assertStoragePresent(pool: Readable, from: Readable, vms: readonly Ref<'VM'>[]): void {
  const [first] = missingStorage(pool, from, vms);
  if (first) throw new XenError('VM_REQUIRES_SR', first.vm, first.sr);
}

interface Recovery {
  readonly plane: Plane;
  readonly from: Readable;
  /** In whose name the VMs are made. */
  readonly to: Session;
  readonly vms: readonly Ref<'VM'>[];
  readonly force: boolean;
  readonly appliance?: Ref<'VM_appliance'>;
}

/** All of it or nothing: the VMs with their snapshots, under their own uuids, and the appliance that they belong to. */
export async function recover({ plane, from, to, vms, force, appliance }: Recovery): Promise<void> {
  const { objects } = exportRecords(from, vms, { snapshots: true });
  await inTransaction(plane.store, async (tx) => {
    // The VMs are busy under this name until they are whole.
    const context: Context = { plane, session: to, tx, task: asRef(`OpaqueRef:${plane.ids.uuid()}`) };
    const recovered = await endImport(
      context,
      await importRecords(context, { version: {}, objects }, { restore: true, force }),
      {},
    );
    const group = appliance && (await applianceLike(context, from, appliance));
    await tx.query('UPDATE vm SET version = version + 1, appliance = $2 WHERE ref = ANY($1)', [
      recovered.toSorted(),
      group ?? null,
    ]);
    await keepStorage(tx, recovered);
  });
}

/** Storage that was brought in to look for VMs stays now that it has some. */
async function keepStorage(tx: Tx, vms: readonly string[]): Promise<void> {
  await tx.query(
    `UPDATE sr SET introduced_by = NULL WHERE introduced_by IS NOT NULL
       AND ref IN (SELECT d."SR" FROM vbd b JOIN vdi d ON d.ref = b."VDI" WHERE b."VM" = ANY($1))`,
    [[...vms]],
  );
}

/** The one with its uuid, or a new one that is like it. */
async function applianceLike(
  { tx, plane }: Context,
  from: Readable,
  ref: Ref<'VM_appliance'>,
): Promise<Ref<'VM_appliance'>> {
  const record = from.record('VM_appliance', ref);
  if (!record) throw new XenError('HANDLE_INVALID', 'VM_appliance', ref);
  const { uuid, name_label, name_description } = record;
  const [present] = await tx.find('VM_appliance', { uuid });
  if (present) return present.ref;
  const made = asRef<'VM_appliance'>(`OpaqueRef:${plane.ids.uuid()}`);
  await tx.insert('VM_appliance', made, {
    uuid,
    name_label,
    name_description,
    allowed_operations: [],
    current_operations: {},
  });
  return made;
}

/** The VMs of an appliance come together. */
export function assertOnItsOwn(from: Readable, vm: Ref<'VM'>): void {
  const record = from.record('VM', vm);
  if (!record) throw new XenError('HANDLE_INVALID', 'VM', vm);
  if (!isNullRef(record.appliance)) throw new XenError('VM_IS_PART_OF_AN_APPLIANCE', vm, record.appliance);
}

/** In the order in which they are started. */
export function vmsOfAppliance(from: Readable, appliance: Ref<'VM_appliance'>): Ref<'VM'>[] {
  const record = from.record('VM_appliance', appliance);
  if (!record) throw new XenError('HANDLE_INVALID', 'VM_appliance', appliance);
  const order = (vm: Ref<'VM'>): number => from.record('VM', vm)?.order ?? 0;
  return record.VMs.toSorted((a, b) => order(a) - order(b));
}
