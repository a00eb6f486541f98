/** The sequences of a block: so many literals, then a match so long and so far back. */
import { BadZstd } from './bad-zstd';
import { BackwardBits } from './bits';
import { constantTable, fseTable, readFseTable, type FseTable } from './fse';

interface Kind {
  readonly log: number;
  readonly symbols: number;
  readonly preset: FseTable;
}
const kind = (log: number, presetLog: number, counts: readonly number[], symbols = counts.length): Kind => ({
  log,
  symbols,
  preset: fseTable(counts, presetLog),
});
const repeated = (count: number, times: number): number[] => new Array<number>(times).fill(count);
const literalKind = kind(9, 6, [
  4,
  3,
  ...repeated(2, 11),
  1,
  1,
  1,
  ...repeated(2, 9),
  3,
  2,
  ...repeated(1, 5),
  ...repeated(-1, 4),
]);
const offsetKind = kind(8, 5, [...repeated(1, 6), 2, 2, 2, ...repeated(1, 15), ...repeated(-1, 5)], 32);
const matchKind = kind(9, 6, [1, 4, 3, ...repeated(2, 6), ...repeated(1, 37), ...repeated(-1, 7)]);

/** The meaning of a code: a base, and bits that are added to it. */
interface Codes {
  readonly bases: Uint32Array;
  readonly bits: Uint8Array;
}
/** The codes follow one another without a gap. */
function codes(first: number, bits: readonly number[]): Codes {
  let base = first;
  const bases = bits.map((width) => {
    const own = base;
    base += 2 ** width;
    return own;
  });
  return { bases: Uint32Array.from(bases), bits: Uint8Array.from(bits) };
}
const literalCodes = codes(0, [
  ...repeated(0, 16),
  1,
  1,
  1,
  1,
  2,
  2,
  3,
  3,
  4,
  6,
  7,
  8,
  9,
  10,
  11,
  12,
  13,
  14,
  15,
  16,
]);
const matchCodes = codes(3, [
  ...repeated(0, 32),
  1,
  1,
  1,
  1,
  2,
  2,
  3,
  3,
  4,
  4,
  5,
  7,
  8,
  9,
  10,
  11,
  12,
  13,
  14,
  15,
  16,
]);

export interface SequenceTables {
  readonly literals: FseTable;
  readonly offsets: FseTable;
  readonly matches: FseTable;
}
/** Where matches were last; the next may be at one of them. */
export type Recent = [number, number, number];

function readTable(
  bytes: Uint8Array,
  from: number,
  mode: number,
  { log, symbols, preset }: Kind,
  previous: FseTable | undefined,
): { table: FseTable; end: number } {
  if (mode === 0) return { table: preset, end: from };
  if (mode === 2) return readFseTable(bytes, from, { log, symbols });
  if (mode === 3) {
    if (!previous) throw new BadZstd('a table that was not there before');
    return { table: previous, end: from };
  }
  const symbol = bytes[from] ?? symbols;
  if (symbol >= symbols) throw new BadZstd('a code that does not exist');
  return { table: constantTable(symbol), end: from + 1 };
}

function readCount(bytes: Uint8Array, from: number): { count: number; at: number } {
  const [first = 0, second = 0, third = 0] = bytes.subarray(from, from + 3);
  if (first < 128) return { count: first, at: from + 1 };
  if (first < 255) return { count: ((first - 128) << 8) + second, at: from + 2 };
  return { count: second + (third << 8) + 0x7f00, at: from + 3 };
}

export interface Sequences {
  readonly count: number;
  readonly bits: BackwardBits | undefined;
  readonly tables: SequenceTables | undefined;
}

export function readSequences(
  block: Uint8Array,
  from: number,
  previous: SequenceTables | undefined,
): Sequences {
  const { count, at } = readCount(block, from);
  if (from >= block.length || (count === 0 && at !== block.length))
    throw new BadZstd('sequences that are cut off');
  if (count === 0) return { count, bits: undefined, tables: previous };
  const modes = block[at] ?? 0;
  if ((modes & 3) !== 0) throw new BadZstd('a kind of table that does not exist');
  const literals = readTable(block, at + 1, modes >> 6, literalKind, previous?.literals);
  const offsets = readTable(block, literals.end, (modes >> 4) & 3, offsetKind, previous?.offsets);
  const matches = readTable(block, offsets.end, (modes >> 2) & 3, matchKind, previous?.matches);
  const tables = { literals: literals.table, offsets: offsets.table, matches: matches.table };
  return { count, bits: new BackwardBits(block, matches.end, block.length), tables };
}

/** How far back the match is, of the value that was read; what was used moves to the front. */
function offsetOf(value: number, noLiterals: boolean, recent: Recent): number {
  const [first, second, third] = recent,
    nth = value > 3 ? value : value - 1 + (noLiterals ? 1 : 0);
  if (nth === 0) return first;
  recent[1] = first;
  if (nth > 1) recent[2] = second;
  return (recent[0] = value > 3 ? value - 3 : ([second, second, third, first - 1][nth] ?? 0));
}

export type Execute = (literals: number, match: number, offset: number) => void;

export function runSequences({ count, bits, tables }: Sequences, recent: Recent, execute: Execute): void {
  if (!bits || !tables) return;
  const { literals, offsets, matches } = tables;
  let literal = bits.read(literals.log),
    offset = bits.read(offsets.log),
    match = bits.read(matches.log);
  for (let i = 0; i < count; i += 1) {
    const far = offsets.symbols[offset] ?? 0,
      long = matches.symbols[match] ?? 0,
      many = literals.symbols[literal] ?? 0;
    const value = 2 ** far + bits.read(far);
    const length = (matchCodes.bases[long] ?? 0) + bits.read(matchCodes.bits[long] ?? 0);
    const before = (literalCodes.bases[many] ?? 0) + bits.read(literalCodes.bits[many] ?? 0);
    execute(before, length, offsetOf(value, before === 0, recent));
    if (i === count - 1) break;
    literal = (literals.bases[literal] ?? 0) + bits.read(literals.bits[literal] ?? 0);
    match = (matches.bases[match] ?? 0) + bits.read(matches.bits[match] ?? 0);
    offset = (offsets.bases[offset] ?? 0) + bits.read(offsets.bits[offset] ?? 0);
    if (bits.left < 0) throw new BadZstd('sequences that are cut off');
  }
  if (bits.left !== 0) throw new BadZstd('sequences that do not end where they should');
}
