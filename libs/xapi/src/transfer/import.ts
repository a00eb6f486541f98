/**
 * Imports: every record in one transaction, the disks' contents after it, then one transaction more that lets the VMs go. What
 * fails in between takes everything away again.
 */
import { isNullRef, XenError, type ClassName, type Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import type { MemberReader, Ova, OvaObject } from '@xenplane/wire';
import { removeVdi } from '../calls/vdi-clone';
import type { Context, Plane } from '../context';
import { vmOverrides } from '../calls/vm';
import { writeDisk } from './contents';
import { importHost, importSr, importVbd, importVdi } from './import-disks';
import { ImportState, type ImportOptions, type Made } from './import-state';
import {
  importGpuGroup,
  importGuestMetrics,
  importMetrics,
  importNetwork,
  importVgpu,
  importVgpuType,
  importVif,
  importVm,
  importVtpm,
  linkVms,
} from './import-vm';

type Import = (state: ImportState, object: OvaObject) => Promise<void>;
/** In this order, since the later ones name the earlier. */
const imports: readonly (readonly [ClassName, Import])[] = [
  ['host', importHost],
  ['SR', importSr],
  ['VDI', importVdi],
  ['VM_guest_metrics', importGuestMetrics],
  ['VM_metrics', importMetrics],
  ['VM', importVm],
  ['network', importNetwork],
  ['GPU_group', importGpuGroup],
  ['VBD', importVbd],
  ['VIF', importVif],
  ['VGPU_type', importVgpuType],
  ['VGPU', importVgpu],
  ['VTPM', importVtpm],
];

/** Most that one archive may bring; an export of a whole pool has fewer. */
const mostObjects = 500_000;

/** Makes every record. The VMs are busy, under the task of the context, until `endImport`. */
export async function importRecords(context: Context, ova: Ova, options: ImportOptions): Promise<Made> {
  if (ova.objects.length > mostObjects) throw new XenError('IMPORT_ERROR', 'The archive has too many objects');
  const state = new ImportState(context, ova, options);
  for (const [cls, make] of imports) for (const object of ova.objects.filter((o) => o.class === cls)) await make(state, object);
  await linkVms(state);
  if (context.task) await tellCreated(context.tx, context.task);
  return { ...state.made, disks: state.made.disks.toSorted((a, b) => (a.id < b.id ? -1 : 1)) };
}

/** From here on clients can find the VMs, by `import_task`. */
async function tellCreated(tx: Tx, task: Ref<'task'>): Promise<void> {
  await tx.query(`UPDATE task SET other_config = other_config || '{"object_creation": "complete"}' WHERE ref = $1`, [task]);
}

/** The contents of the disks, in the archive's order. */
export async function importContents(plane: Plane, members: MemberReader, { disks }: Made, signal?: AbortSignal): Promise<void> {
  for (const { id, size, ref } of disks) {
    const contents = members.disk({ prefix: `${id}/`, size });
    if (ref) await writeDisk(plane, ref, contents, signal);
    else for await (const _passed of contents);
  }
  await members.end();
}

/** Answers the VMs that are there now, without their snapshots. */
export async function endImport(context: Context, { vms, snapshots, disks, replaced }: Made): Promise<Ref<'VM'>[]> {
  const { tx, task } = context;
  for (const { old, by, uuid } of replaced) {
    if ((await tx.getMany('VM', [old])).length > 0) await vmOverrides.destroy(context, { self: old });
    await tx.update('VM', by, { uuid });
  }
  await tx.query('UPDATE vm SET current_operations = current_operations - $2::text WHERE ref = ANY($1)', [[...vms, ...snapshots].toSorted(), task ?? '']);
  const protectedOnes = disks.flatMap((disk) => (disk.ref && disk.readOnly ? [disk.ref] : []));
  await tx.query('UPDATE vdi SET read_only = true WHERE ref = ANY($1)', [protectedOnes.toSorted()]);
  return [...vms];
}

/** Takes away what an import has made, as far as it is still there. */
export async function undoImport(tx: Tx, { vms, snapshots, disks, networks }: Made): Promise<void> {
  for (const vm of await tx.getMany('VM', [...snapshots, ...vms])) {
    for (const table of ['vbd', 'vif', 'vgpu', 'vtpm', 'console']) await tx.query(`DELETE FROM "${table}" WHERE "VM" = $1`, [vm.ref]);
    await tx.remove('VM', vm.ref);
    if (!isNullRef(vm.metrics)) await tx.query('DELETE FROM vm_metrics WHERE ref = $1', [vm.metrics]);
    if (!isNullRef(vm.guest_metrics)) await tx.query('DELETE FROM vm_guest_metrics WHERE ref = $1', [vm.guest_metrics]);
  }
  for (const vdi of await tx.getMany(
    'VDI',
    disks.flatMap((disk) => disk.ref ?? []),
  ))
    await removeVdi(tx, vdi);
  for (const network of await tx.getMany('network', networks)) await tx.remove('network', network.ref);
}

/** The whole of it, for a request that waits; nothing is left of one that fails. */
export async function importArchive(
  plane: Plane,
  caller: Omit<Context, 'plane' | 'tx'>,
  archive: { readonly ova: Ova; readonly members: MemberReader },
  options: ImportOptions,
): Promise<Ref<'VM'>[]> {
  const within = <T>(work: (context: Context) => Promise<T>): Promise<T> => inTransaction(plane.store, (tx) => work({ ...caller, plane, tx }));
  const made = await within((context) => importRecords(context, archive.ova, options));
  try {
    await importContents(plane, archive.members, made);
    return await within((context) => endImport(context, made));
  } catch (error) {
    await within(({ tx }) => undoImport(tx, made));
    throw error;
  }
}

/** Thrown to take back a transaction that was only tried. */
class Tried extends Error {}

/** Records alone: disks are found where they are. A dry run makes nothing, but says what would be wrong. */
export async function importMetadata(
  plane: Plane,
  caller: Omit<Context, 'plane' | 'tx'>,
  ova: Ova,
  options: ImportOptions & { readonly dryRun: boolean },
): Promise<Ref<'VM'>[]> {
  try {
    return await inTransaction(plane.store, async (tx) => {
      const context = { ...caller, plane, tx };
      const vms = await endImport(context, await importRecords(context, ova, options));
      if (options.dryRun) throw new Tried();
      return vms;
    });
  } catch (error) {
    if (error instanceof Tried) return [];
    throw error;
  }
}
