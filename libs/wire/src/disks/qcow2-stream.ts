/** qcow2 files that arrive as a stream: read on the way where all tables come first, else from where they were put aside. */
import type { Write } from './blocks';
import { EndOfStream, type ByteReader } from './byte-reader';
import { BadDisk, Qcow2, type Inflate, type Place, type RandomAccess } from './qcow2';

/** So much is held to look for tables in. */
const headBytes = 8 * 2 ** 20;
const sectorBytes = 512;

export interface Aside extends RandomAccess {
  readonly size: number;
  close(): Promise<void>;
}
export interface Qcow2Reading {
  readonly inflate: Inflate;
  /** Keeps a whole file while it is read. */
  readonly putAside: (bytes: AsyncIterable<Uint8Array>) => Promise<Aside>;
}

/** The tables are not all in what is held. */
class Beyond extends Error {}

/** The blocks of the file; absent places are left out. */
export async function* readQcow2(
  reader: ByteReader,
  { inflate, putAside }: Qcow2Reading,
): AsyncGenerator<Write> {
  const head = await reader.upTo(headBytes);
  const whole = head.length < headBytes;
  const held: RandomAccess = { read: async (offset, length) => heldPart(head, offset, length, whole) };
  const early = await Qcow2.open(held, inflate).catch((error: unknown) => {
    if (error instanceof Beyond) return undefined;
    throw error;
  });
  if (early && whole) return yield* inOrder(early);
  const sorted = early && (await streamable(early));
  if (early && sorted) return yield* onTheWay(early, sorted, head, reader);
  reader.unread(head);
  const aside = await putAside(reader.rest());
  try {
    yield* inOrder(
      await Qcow2.open(
        { read: (offset, length) => whenThere(aside.size, offset, length) ?? aside.read(offset, length) },
        inflate,
      ),
    );
  } finally {
    await aside.close();
  }
}

/** Nothing is wrong unless the file ends before; a compressed cluster is said to go on to the end of its sector, and may not. */
function whenThere(size: number, offset: number, length: number): undefined {
  if (offset + length >= size + sectorBytes) throw new EndOfStream(Math.max(0, size - offset));
}

function heldPart(head: Uint8Array, offset: number, length: number, whole: boolean): Uint8Array {
  if (!whole && offset + length > head.length) throw new Beyond();
  if (whole) whenThere(head.length, offset, length);
  const bytes = new Uint8Array(length);
  bytes.set(head.subarray(offset, offset + length));
  return bytes;
}

async function* inOrder(image: Qcow2): AsyncGenerator<Write> {
  for await (const [cluster, place] of image.places()) {
    const offset = cluster * image.clusterBytes,
      length = Math.min(image.clusterBytes, image.size - offset);
    if (length <= 0) throw new BadDisk('a cluster beyond the end of the disk');
    yield place.kind === 'zero'
      ? { offset, zeroes: length }
      : { offset, bytes: await image.read(offset, length) };
  }
}

interface Stored {
  readonly cluster: number;
  readonly at: number;
}
/** Clusters by their place in the file; undefined when they cannot be read one after another. */
async function streamable(
  image: Qcow2,
): Promise<{ stored: readonly Stored[]; zeroes: readonly number[] } | undefined> {
  const stored: Stored[] = [],
    zeroes: number[] = [];
  for await (const [cluster, place] of image.places()) {
    if (place.kind === 'compressed') return undefined;
    if (place.kind === 'zero') zeroes.push(cluster);
    else stored.push({ cluster, at: storedAt(place) });
  }
  stored.sort((a, b) => a.at - b.at);
  const apart = stored.every(({ at }, i) => i === 0 || at >= (stored[i - 1]?.at ?? 0) + image.clusterBytes);
  return apart ? { stored, zeroes } : undefined;
}
const storedAt = (place: Place): number => (place.kind === 'stored' ? place.offset : 0);

async function* onTheWay(
  image: Qcow2,
  { stored, zeroes }: { stored: readonly Stored[]; zeroes: readonly number[] },
  head: Uint8Array,
  reader: ByteReader,
): AsyncGenerator<Write> {
  const start = (cluster: number): number => cluster * image.clusterBytes;
  const length = (cluster: number): number => Math.min(image.clusterBytes, image.size - start(cluster));
  for (const cluster of zeroes) yield { offset: start(cluster), zeroes: length(cluster) };
  reader.unread(head);
  for (const { cluster, at } of stored) {
    if (length(cluster) <= 0) throw new BadDisk('a cluster beyond the end of the disk');
    await reader.skip(at - reader.position);
    yield { offset: start(cluster), bytes: await reader.exactly(length(cluster)) };
  }
}
