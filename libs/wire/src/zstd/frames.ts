/** The frames of a zstd stream as they come, in pieces of at most one block: what is read ahead does not depend on what a frame claims. */
import type { ByteReader } from '../disks/byte-reader';
import { BadZstd } from './bad-zstd';

/** The window that the `zstd` program accepts by default. */
const largestWindow = 2 ** 27;
export const largestBlock = 2 ** 17;

export interface Block {
  /** With its header. */
  readonly bytes: Uint8Array;
  readonly type: 'raw' | 'repeated' | 'packed';
  /** Without the header; of a repeated byte how often. */
  readonly size: number;
}
export interface Frame {
  readonly header: Uint8Array;
  readonly window: number;
  /** Most bytes that a block may give. */
  readonly blockBytes: number;
  /** Four bytes behind the last block say what the content must be. */
  readonly checked: boolean;
  blocks(): AsyncGenerator<Block>;
}

const numberOf = (bytes: Uint8Array): number =>
  bytes.reduce((sum, byte, at) => sum + byte * 2 ** (8 * at), 0);
const magic = 0xfd2fb528;
export const isZstd = (head: Uint8Array): boolean =>
  head.length >= 4 && isMagic(numberOf(head.subarray(0, 4)));
const isMagic = (word: number): boolean => word === magic || isSkippable(word);
/** Frames of others, to be passed over. */
const isSkippable = (word: number): boolean => word >= 0x184d2a50 && word <= 0x184d2a5f;

async function readHeader(reader: ByteReader): Promise<Frame> {
  const first = await reader.exactly(1),
    flags = first[0] ?? 0,
    single = (flags & 0x20) !== 0;
  if ((flags & 0x08) !== 0) throw new BadZstd('a frame of a later version');
  const dictionary = [0, 1, 2, 4][flags & 3] ?? 0,
    sized = [single ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  const rest = await reader.exactly((single ? 0 : 1) + dictionary + sized),
    at = single ? 0 : 1;
  if (numberOf(rest.subarray(at, at + dictionary)) !== 0)
    throw new BadZstd('a frame that needs a dictionary');
  const content = numberOf(rest.subarray(at + dictionary)) + (sized === 2 ? 256 : 0),
    base = 2 ** (10 + ((rest[0] ?? 0) >> 3));
  const window = single ? content : base + (base / 8) * ((rest[0] ?? 0) & 7);
  if (window > largestWindow) throw new BadZstd('a frame that needs too much memory');
  const header = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, ...first, ...rest);
  return {
    header,
    window,
    blockBytes: Math.min(window, largestBlock),
    checked: (flags & 0x04) !== 0,
    blocks: () => readBlocks(reader, Math.min(window, largestBlock)),
  };
}

const types = ['raw', 'repeated', 'packed'] as const;
async function* readBlocks(reader: ByteReader, most: number): AsyncGenerator<Block> {
  for (;;) {
    const head = await reader.exactly(3),
      word = numberOf(head),
      type = types[(word >> 1) & 3],
      size = word >> 3;
    if (!type) throw new BadZstd('a kind of block that does not exist');
    if (size > most) throw new BadZstd('a block that is too long');
    const content = await reader.exactly(type === 'repeated' ? 1 : size),
      bytes = new Uint8Array(3 + content.length);
    bytes.set(head);
    bytes.set(content, 3);
    yield { bytes, type, size };
    if ((word & 1) === 1) return;
  }
}

/** A frame has to be read to its end before the next is asked for. */
export async function* zstdFrames(reader: ByteReader): AsyncGenerator<Frame> {
  for (;;) {
    const head = await reader.upTo(1);
    if (head.length === 0) return;
    const word = numberOf(Uint8Array.of(...head, ...(await reader.exactly(3))));
    if (word === magic) yield await readHeader(reader);
    else if (isSkippable(word)) await reader.skip(numberOf(await reader.exactly(4)));
    else throw new BadZstd('something else than a frame');
  }
}
