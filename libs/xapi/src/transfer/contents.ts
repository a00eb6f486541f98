/** The contents of a virtual disk: where its layers are, reading them, and writing to the top one. */
import { asRef, isNullRef, XenError, type Ref } from '@xenplane/model';
import { inTransaction, reading, type Row, type Tx } from '@xenplane/store';
import { extentsOf, type DiskSource, type Write } from '@xenplane/wire';
import { createVdi } from '../storage/vdi';
import type { Plane, Session } from '../core/context';
import type { HttpTask } from './http-task';
import { chainOf, reportUtilisation, writableTop } from '../tables/layers/layers';
import { LayerClient } from './layer-client';
import { recount } from './recount';

/** Top first; an image may be the lowest. */
async function layersOf(tx: Tx, vdi: Ref<'VDI'>): Promise<readonly string[]> {
  const chain = await chainOf(tx, vdi);
  const image = chain.at(-1)?.image;
  return [...chain.map((layer) => layer.id), ...(image ? [image.sha256] : [])];
}

/** A disk named by reference or uuid; base copies are the driver's. */
export async function findVdi(plane: Plane, name: string): Promise<Row<'VDI'>> {
  return reading(plane.store, async (tx) => {
    const [byRef] = await tx.getMany('VDI', [name]);
    const [found] = byRef ? [byRef] : await tx.find('VDI', { uuid: name });
    if (!found) throw new XenError('HANDLE_INVALID', 'VDI', name);
    if (!found.managed) throw new XenError('VDI_NOT_MANAGED', found.ref);
    return found;
  });
}

interface How {
  readonly signal: AbortSignal;
  /** Then only what differs from it. */
  readonly base?: Row<'VDI'> | undefined;
}
/** The reader holds the disk. */

export async function readDisk(plane: Plane, vdi: Row<'VDI'>, { signal, base }: How): Promise<DiskSource> {
  const client = new LayerClient(plane.settings);
  const { chain, old } = await reading(plane.store, async (tx) => {
    return { chain: await layersOf(tx, vdi.ref), old: base ? await layersOf(tx, base.ref) : undefined };
  });
  const present = await (old ? client.changed(between(chain, old), signal) : client.present(chain, signal));
  return {
    size: vdi.virtual_size,
    extents: { [Symbol.iterator]: () => extentsOf(present, vdi.virtual_size) },
    read: (offset, length) => client.read(chain, offset, length, signal),
  };
}

/** The layers that only one of two disks has. */
const between = (one: readonly string[], other: readonly string[]): string[] => [
  ...one.filter((id) => !other.includes(id)),
  ...other.filter((id) => !one.includes(id)),
];

/** Writes to a disk that the writer holds alone, and books what it then takes. */
export async function writeDisk(
  plane: Plane,
  ref: Ref<'VDI'>,
  writes: AsyncIterable<Write>,
  signal?: AbortSignal,
): Promise<void> {
  const { size, top, below } = await inTransaction(plane.store, async (tx) => {
    const vdi = await tx.lock('VDI', ref);
    const layer = await writableTop(tx, ref);
    return {
      size: vdi.virtual_size,
      top: layer,
      below: (await layersOf(tx, ref)).filter((id) => id !== layer),
    };
  });
  const utilisation = await new LayerClient(plane.settings)
    .write(top, below, within(writes, size), signal)
    .catch(async (error: unknown) => {
      await recount(plane, ref);
      throw error;
    });
  await inTransaction(plane.store, (tx) => reportUtilisation(tx, top, utilisation));
}

/** A disk ends where it ends. */
async function* within(writes: AsyncIterable<Write>, size: number): AsyncGenerator<Write> {
  for await (const write of writes) {
    if (write.offset + ('zeroes' in write ? write.zeroes : write.bytes.length) > size)
      throw new XenError('VDI_IO_ERROR', 'No space left on device');
    yield write;
  }
}

/** The repository of new disks: by reference, by uuid, or the pool's own; DEFAULT_SR_NOT_FOUND when it has none. */
export async function findSr(plane: Plane, query: URLSearchParams): Promise<Row<'SR'>> {
  const id = query.get('sr_id'),
    uuid = query.get('sr_uuid');
  return reading(plane.store, async (tx) => {
    if (uuid !== null) {
      const [sr] = await tx.find('SR', { uuid });
      if (!sr) throw new XenError('UUID_INVALID', 'SR', uuid);
      return sr;
    }
    if (id !== null) return tx.get('SR', asRef<'SR'>(id));
    return defaultSr(tx);
  });
}

async function defaultSr(tx: Tx): Promise<Row<'SR'>> {
  const [pool] = await tx.find('pool', {});
  const [sr] = pool && !isNullRef(pool.default_SR) ? await tx.getMany('SR', [pool.default_SR]) : [];
  if (!sr) throw new XenError('DEFAULT_SR_NOT_FOUND', pool?.default_SR ?? 'OpaqueRef:NULL');
  return sr;
}

/** A new disk for a file that comes. It is busy with it, and goes again when the file does not come whole. */
export async function createDisk(
  plane: Plane,
  { session, task }: { session: Session; task: HttpTask },
  SR: Ref<'SR'>,
  size: number,
): Promise<Ref<'VDI'>> {
  const given = {
    SR,
    virtual_size: size,
    name_label: 'Imported disk',
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
  } as const;
  return inTransaction(plane.store, async (tx) => {
    const ref = await createVdi({ plane, session, tx, task: undefined }, given);
    await task.keep(tx, {
      vms: [],
      snapshots: [],
      disks: [{ id: '', size, ref, readOnly: false }],
      networks: [],
      replaced: [],
    });
    await task.hold(tx, [{ cls: 'VDI', ref, op: 'blocked' }]);
    return ref;
  });
}
