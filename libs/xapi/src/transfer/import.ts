/**
 * Imports: every record in one transaction, the disks' contents after it, then one transaction more that lets the VMs go. What
 * fails in between takes everything away again.
 */
import type { SavedImage } from '@xenplane/hypervisor';
import { XenError, type ClassName, type Ref } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import { encodeTaskResult, type MemberReader, type Ova, type OvaObject } from '@xenplane/wire';
import type { Context, Plane, Session } from '../core/context';
import type { HttpTask } from './http-task';
import { vmOverrides } from '../vm/vm';
import { writeDisk } from './contents';
import { importHost, importSr, importVbd, importVdi } from './import-disks';
import { ImportState, type ImportOptions, type Made } from './import-state';
import { savedIn, settleMemories, type Memories } from './memory';
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
  if (ova.objects.length > mostObjects)
    throw new XenError('IMPORT_ERROR', 'The archive has too many objects');
  const state = new ImportState(context, ova, options);
  for (const [cls, make] of imports)
    for (const object of ova.objects.filter((o) => o.class === cls)) await make(state, object);
  await linkVms(state);
  if (context.task) await tellCreated(context.tx, context.task);
  return { ...state.made, disks: state.made.disks.toSorted((a, b) => (a.id < b.id ? -1 : 1)) };
}

/** From here on clients can find the VMs, by `import_task`. */
async function tellCreated(tx: Tx, task: Ref<'task'>): Promise<void> {
  await tx.query(
    `UPDATE task SET other_config = other_config || '{"object_creation": "complete"}' WHERE ref = $1`,
    [task],
  );
}

/** The contents of the disks, in the archive's order. Answers the memories among them. */
export async function importContents(
  plane: Plane,
  members: MemberReader,
  { disks }: Made,
  signal?: AbortSignal,
): Promise<Memories> {
  const memories: Record<string, SavedImage> = {};
  for (const { id, size, ref, memoryOf } of disks) {
    const contents = members.disk({ prefix: `${id}/`, size });
    if (memoryOf) {
      const saved = await savedIn(contents);
      if (saved) memories[id] = saved;
    } else if (ref) await writeDisk(plane, ref, contents, signal);
    else for await (const _passed of contents);
  }
  await members.end();
  return memories;
}

/** Answers the VMs that are there now, without their snapshots. */
export async function endImport(context: Context, made: Made, memories: Memories): Promise<Ref<'VM'>[]> {
  const { tx, task } = context;
  const { vms, snapshots, disks, replaced } = made;
  await settleMemories(tx, made, memories);
  for (const { old, by, uuid } of replaced) {
    if ((await tx.getMany('VM', [old])).length > 0) await vmOverrides.destroy(context, { self: old });
    await tx.update('VM', by, { uuid });
  }
  await tx.query('UPDATE vm SET current_operations = current_operations - $2::text WHERE ref = ANY($1)', [
    [...vms, ...snapshots].toSorted(),
    task ?? '',
  ]);
  const refs = disks.flatMap((disk) => disk.ref ?? []).toSorted();
  await tx.query('UPDATE vdi SET current_operations = current_operations - $2::text WHERE ref = ANY($1)', [
    refs,
    task ?? '',
  ]);
  const protectedOnes = disks.flatMap((disk) => (disk.ref && disk.readOnly ? [disk.ref] : []));
  await tx.query('UPDATE vdi SET read_only = true WHERE ref = ANY($1)', [protectedOnes.toSorted()]);
  return [...vms];
}

export interface Importer {
  readonly session: Session;
  readonly task: HttpTask;
}
const vmsResult = (vms: readonly Ref<'VM'>[]): string =>
  encodeTaskResult({ kind: 'set', of: { kind: 'ref', cls: 'VM' } }, vms);
const contextOf = (plane: Plane, tx: Tx, { session, task }: Importer): Context => ({
  plane,
  session,
  tx,
  task: task.ref,
});

/** The whole of it, for a request that waits. Until the task has succeeded, all that was made hangs on it. */
export async function importArchive(
  plane: Plane,
  caller: Importer,
  archive: { readonly ova: Ova; readonly members: MemberReader },
  options: ImportOptions,
): Promise<void> {
  const made = await inTransaction(plane.store, async (tx) => {
    const records = await importRecords(contextOf(plane, tx, caller), archive.ova, options);
    await caller.task.keep(tx, records);
    return records;
  });
  const memories = await importContents(plane, archive.members, made);
  await caller.task.conclude(async (tx) =>
    vmsResult(await endImport(contextOf(plane, tx, caller), made, memories)),
  );
}

/** Records alone: disks are found where they are. */
export async function importMetadata(
  plane: Plane,
  caller: Importer,
  ova: Ova,
  options: ImportOptions,
): Promise<void> {
  await caller.task.conclude(async (tx) =>
    vmsResult(await metadata(contextOf(plane, tx, caller), ova, options)),
  );
}
const metadata = async (context: Context, ova: Ova, options: ImportOptions): Promise<Ref<'VM'>[]> =>
  endImport(context, await importRecords(context, ova, options), {});

/** Thrown to take back a transaction that was only tried. */
class Tried extends Error {}

/** Makes nothing, but says what would be wrong. */
export async function tryImport(
  plane: Plane,
  caller: Importer,
  ova: Ova,
  options: ImportOptions,
): Promise<void> {
  const tried = inTransaction(plane.store, async (tx) => {
    await metadata(contextOf(plane, tx, caller), ova, options);
    throw new Tried();
  });
  await tried.catch((error: unknown) => {
    if (!(error instanceof Tried)) throw error;
  });
  await caller.task.succeed(vmsResult([]));
}
