/**
 * The saved memory of a VM as the contents of its suspend disk, which is how it travels. A disk begins with our own mark and the
 * length of what follows; an image that another hypervisor saved has no such mark, and cannot be loaded here.
 */
import type { SavedImage } from '@xenplane/hypervisor';
import { isNullRef, type Ref, type StoredRecord } from '@xenplane/model';
import { reading, type Tx } from '@xenplane/store';
import { blockBytes, type DiskSource, type OvaObject, type Write } from '@xenplane/wire';
import { removeVdi } from '../storage/vdi-clone';
import type { Plane } from '../core/context';
import { savedImage } from '../tables/runs/vm-run';
import { suspendDiskIn } from '../vm/suspend-disk';
import { recordIn, type ImportState, type Made } from './import-state';
import { insertSavedRun } from '../tables/runs/saved-runs';

const mark = Buffer.from('xenplane memory 1\n');
const headBytes = mark.length + 4;
/** Most that a hypervisor says of an image; the pages themselves stay simulated. */
const mostBytes = blockBytes - headBytes;

export const readMemory = async (plane: Plane, vm: Ref<'VM'>, size: number): Promise<DiskSource> =>
  memoryOf((await reading(plane.store, (tx) => savedImage(tx, vm))) ?? {}, size);

export function memoryOf(saved: SavedImage, size: number): DiskSource {
  const image = asBytes(saved);
  return {
    size,
    extents: [{ offset: 0, length: Math.min(size, blockBytes) }],
    async *read(offset, length) {
      const bytes = Buffer.alloc(length);
      image.copy(bytes, 0, Math.min(offset, image.length));
      yield bytes;
    },
  };
}

function asBytes(saved: SavedImage): Buffer {
  const text = Buffer.from(JSON.stringify(saved));
  if (text.length > mostBytes) throw new Error(`a saved image of ${text.length} bytes does not fit`);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([mark, length, text]);
}

/** Undefined for an image that is not ours. The whole of the disk is read, its beginning is kept. */
export async function savedIn(contents: AsyncIterable<Write>): Promise<SavedImage | undefined> {
  const head = Buffer.alloc(blockBytes);
  for await (const write of contents)
    if ('bytes' in write && write.offset < blockBytes)
      head.set(write.bytes.subarray(0, blockBytes - write.offset), write.offset);
  const length = head.readUInt32BE(mark.length);
  if (!head.subarray(0, mark.length).equals(mark) || length > mostBytes) return undefined;
  try {
    const saved: unknown = JSON.parse(head.toString('utf8', headBytes, headBytes + length));
    return typeof saved === 'object' && saved !== null && !Array.isArray(saved)
      ? (saved as SavedImage)
      : undefined;
  } catch {
    return undefined;
  }
}

/** A disk for the memory of a suspended VM, when the archive brings it. */
export async function importMemory(
  state: ImportState,
  { snapshot }: OvaObject,
  ref: Ref<'VM'>,
): Promise<void> {
  const vm = recordIn<'VM'>(snapshot);
  const { context, options, made } = state;
  const at = made.disks.findIndex((disk) => disk.id === String(vm.suspend_VDI));
  const disk = made.disks[at];
  if (!disk || disk.ref || vm.power_state !== 'Suspended' || options.sr === undefined) return;
  const current_operations: StoredRecord<'VDI'>['current_operations'] = context.task
    ? { [context.task]: 'blocked' }
    : {};
  const vdi = await suspendDiskIn(context.plane, context.tx, options.sr, vm, {
    current_operations,
    ...(options.live ? { physical_utilisation: 0 } : {}),
  });
  made.disks[at] = { ...disk, ref: vdi, memoryOf: ref };
}

/** The saved memory, by the archive's name of the disk. */
export type Memories = Readonly<Record<string, SavedImage>>;

/** VMs whose memory came are suspended with it; those whose memory is of no use here are halted. */
export async function settleMemories(tx: Tx, { disks }: Made, memories: Memories): Promise<void> {
  for (const { id, ref, memoryOf } of disks) {
    if (!ref || !memoryOf || isNullRef(ref)) continue;
    const saved = memories[id];
    if (saved) await suspended(tx, memoryOf, ref, saved);
    else for (const vdi of await tx.getMany('VDI', [ref])) await removeVdi(tx, vdi);
  }
}

async function suspended(tx: Tx, vm: Ref<'VM'>, suspend_VDI: Ref<'VDI'>, saved: SavedImage): Promise<void> {
  await tx.update('VM', vm, { power_state: 'Suspended', suspend_VDI });
  await insertSavedRun(tx, vm, saved);
}
