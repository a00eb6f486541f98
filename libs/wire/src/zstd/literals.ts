/** The literals of a block: bytes that its sequences copy one after the other. */
import { BadZstd } from './bad-zstd';
import { decodeLiterals, readHuffmanTable, type HuffmanTable } from './huffman';

export interface Literals {
  readonly bytes: Uint8Array;
  /** For blocks that bring none of their own. */
  readonly table: HuffmanTable | undefined;
  readonly end: number;
}

const wordAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) +
  (bytes[at + 1] ?? 0) * 2 ** 8 +
  (bytes[at + 2] ?? 0) * 2 ** 16 +
  (bytes[at + 3] ?? 0) * 2 ** 24 +
  (bytes[at + 4] ?? 0) * 2 ** 32;
const bitsOf = (word: number, from: number, count: number): number =>
  Math.floor(word / 2 ** from) % 2 ** count;

export function readLiterals(block: Uint8Array, most: number, previous: HuffmanTable | undefined): Literals {
  const head = block[0] ?? 0;
  const literals =
    (head & 3) < 2 ? plainLiterals(block, most, previous) : packedLiterals(block, most, previous);
  if (literals.end > block.length) throw new BadZstd('literals that are cut off');
  return literals;
}

const plainSizes = [
  { from: 3, bits: 5, bytes: 1 },
  { from: 4, bits: 12, bytes: 2 },
  { from: 3, bits: 5, bytes: 1 },
  { from: 4, bits: 20, bytes: 3 },
] as const;
/** As they are, or one byte that is repeated. */
function plainLiterals(block: Uint8Array, most: number, table: HuffmanTable | undefined): Literals {
  const head = block[0] ?? 0,
    form = plainSizes[((head >> 2) & 3) as 0 | 1 | 2 | 3];
  const size = bitsOf(wordAt(block, 0), form.from, form.bits);
  if (size > most) throw new BadZstd('more literals than a block may have');
  const repeated = (head & 3) === 1,
    end = form.bytes + (repeated ? 1 : size);
  return {
    bytes: repeated ? new Uint8Array(size).fill(block[form.bytes] ?? 0) : block.subarray(form.bytes, end),
    table,
    end,
  };
}

const packedSizes = [
  { streams: 1, bits: 10, bytes: 3 },
  { streams: 4, bits: 10, bytes: 3 },
  { streams: 4, bits: 14, bytes: 4 },
  { streams: 4, bits: 18, bytes: 5 },
] as const;
function packedLiterals(block: Uint8Array, most: number, previous: HuffmanTable | undefined): Literals {
  const head = block[0] ?? 0,
    form = packedSizes[((head >> 2) & 3) as 0 | 1 | 2 | 3],
    word = wordAt(block, 0);
  const size = bitsOf(word, 4, form.bits),
    end = form.bytes + bitsOf(word, 4 + form.bits, form.bits);
  if (size > most) throw new BadZstd('more literals than a block may have');
  const section = block.subarray(0, end),
    own = (head & 3) === 2 ? readHuffmanTable(section, form.bytes) : undefined,
    table = own?.table ?? previous;
  if (!table) throw new BadZstd('literals without a table');
  const bytes = new Uint8Array(size);
  decodeLiterals(section.subarray(own?.end ?? form.bytes), table, bytes, form.streams);
  return { bytes, table, end };
}
