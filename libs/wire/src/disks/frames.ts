/**
 * Writes to a disk as a stream of frames: kind, offset and length, then the bytes of those that have any. Zeroes go by their
 * length, and an end of its own distinguishes a whole stream from one that was cut.
 */
import { ByteReader } from './byte-reader';
import type { Write } from './blocks';

export const framesType = 'application/x-disk-writes';
const headerBytes = 17;
const kinds = { data: 1, zeroes: 2, end: 3 } as const;

function header(kind: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(headerBytes),
    view = new DataView(bytes.buffer);
  view.setUint8(0, kind);
  view.setBigUint64(1, BigInt(offset));
  view.setBigUint64(9, BigInt(length));
  return bytes;
}

export async function* writeFrames(writes: AsyncIterable<Write>): AsyncGenerator<Uint8Array> {
  for await (const write of writes) {
    if ('zeroes' in write) yield header(kinds.zeroes, write.offset, write.zeroes);
    else {
      yield header(kinds.data, write.offset, write.bytes.length);
      yield write.bytes;
    }
  }
  yield header(kinds.end, 0, 0);
}

/** The stream holds something else than frames. */
export class BadFrame extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'BadFrame';
  }
}

/** Throws EndOfStream when the stream is cut. */
export async function* readFrames(source: AsyncIterable<Uint8Array>): AsyncGenerator<Write> {
  const reader = new ByteReader(source);
  for (;;) {
    const bytes = await reader.exactly(headerBytes);
    const view = new DataView(bytes.buffer);
    const kind = view.getUint8(0),
      start = Number(view.getBigUint64(1)),
      length = Number(view.getBigUint64(9));
    if (kind === kinds.end) return;
    if (!Number.isSafeInteger(start + length)) throw new BadFrame(`a frame that ends at ${start + length}`);
    if (kind === kinds.zeroes) yield { offset: start, zeroes: length };
    else if (kind === kinds.data) yield* pieces(reader, start, length);
    else throw new BadFrame(`a frame of kind ${kind}`);
  }
}

async function* pieces(reader: ByteReader, start: number, length: number): AsyncGenerator<Write> {
  let offset = start;
  for await (const bytes of reader.through(length)) {
    yield { offset, bytes };
    offset += bytes.length;
  }
}
