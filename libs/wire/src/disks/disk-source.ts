/** The source and sink of all disk formats. */
import { blockBytes, isZero, type Extent, type Write } from './blocks';
import { ByteReader } from './byte-reader';

/** A disk to be written out: outside its extents it is zero, or for a difference, as its base. */
export interface DiskSource {
  readonly size: number;
  /** In order, at whole blocks of 64 KiB. */
  readonly extents: Iterable<Extent>;
  read(offset: number, length: number): AsyncIterable<Uint8Array>;
}

/** Each unit of the disk that has something, in order, with its bytes: `unit` of them, fewer at the end of the disk. */
export async function* unitsOf(
  source: DiskSource,
  unit: number,
  also: readonly number[] = [],
): AsyncGenerator<{ readonly index: number; readonly bytes: Uint8Array }> {
  for (const { first, end } of runsOf(unitNumbers(source, unit, also))) {
    const length = Math.min(end * unit, source.size) - first * unit;
    const reader = new ByteReader(source.read(first * unit, length));
    for (let index = first; index < end; index += 1)
      yield { index, bytes: await reader.exactly(Math.min(unit, source.size - index * unit)) };
    await reader.close();
  }
}

/** The numbers of those units, in order. */
export function* unitNumbers(
  { extents, size }: DiskSource,
  unit: number,
  also: readonly number[] = [],
): Generator<number> {
  const more = [...new Set(also)].filter((index) => index * unit < size).sort((a, b) => a - b);
  let next = 0;
  for (const { offset, length } of extents) {
    const last = Math.floor((offset + length - 1) / unit);
    for (let index = Math.max(next, Math.floor(offset / unit)); index <= last; index += 1) {
      while ((more[0] ?? Infinity) < index) yield more.shift() ?? 0;
      if (more[0] === index) more.shift();
      yield index;
      next = index + 1;
    }
  }
  yield* more.filter((index) => index >= next);
}

function* runsOf(numbers: Iterable<number>): Generator<{ first: number; end: number }> {
  let first = -1,
    end = -1;
  for (const number of numbers) {
    if (number !== end) {
      if (first >= 0) yield { first, end };
      first = number;
    }
    end = number + 1;
  }
  if (first >= 0) yield { first, end };
}

/** The whole disk, byte by byte. */
export const writeRaw = (source: DiskSource): AsyncIterable<Uint8Array> => source.read(0, source.size);

/** A raw disk as it comes. */
export async function* readRaw(reader: ByteReader): AsyncGenerator<Write> {
  for (;;) {
    const offset = reader.position;
    const bytes = await reader.upTo(blockBytes);
    if (bytes.length === 0) return;
    yield isZero(bytes) ? { offset, zeroes: bytes.length } : { offset, bytes };
  }
}

const chunkHeaderBytes = 12;
/** xapi's own framing of sparse disks: offset and length, little endian, then the bytes; both zero at the end. */
export async function* readChunked(reader: ByteReader): AsyncGenerator<Write> {
  for (;;) {
    const header = new DataView((await reader.exactly(chunkHeaderBytes)).buffer);
    let offset = Number(header.getBigUint64(0, true));
    const length = header.getUint32(8, true);
    if (offset === 0 && length === 0) return;
    for await (const bytes of reader.through(length)) {
      yield { offset, bytes };
      offset += bytes.length;
    }
  }
}

const chunkBytes = 2 ** 20;
function* chunksOf({ extents }: DiskSource): Generator<Extent> {
  for (const { offset, length } of extents)
    for (let at = 0; at < length; at += chunkBytes)
      yield { offset: offset + at, length: Math.min(chunkBytes, length - at) };
}
function chunkHeader({ offset, length }: Extent): Uint8Array {
  const header = new DataView(new ArrayBuffer(chunkHeaderBytes));
  header.setBigUint64(0, BigInt(offset), true);
  header.setUint32(8, length, true);
  return new Uint8Array(header.buffer);
}
/** The same framing of what a disk has. */
export async function* writeChunked(source: DiskSource): AsyncGenerator<Uint8Array> {
  for (const chunk of chunksOf(source)) {
    yield chunkHeader(chunk);
    yield* source.read(chunk.offset, chunk.length);
  }
  yield chunkHeader({ offset: 0, length: 0 });
}
export function chunkedLength(source: DiskSource): number {
  let length = chunkHeaderBytes;
  for (const chunk of chunksOf(source)) length += chunkHeaderBytes + chunk.length;
  return length;
}
