/** Huffman codes of literals: the table, and the streams that are read by it. */
import { BadZstd } from './bad-zstd';
import { BackwardBits } from './bits';
import { readFseTable, type FseTable } from './fse';

export interface HuffmanTable {
  /** Length of the longest code. */
  readonly log: number;
  /** By the next `log` bits: the symbol, and how long its code is. */
  readonly symbols: Uint8Array;
  readonly lengths: Uint8Array;
}

const longestCode = 11;
const mostWeights = 255;
const logOf = (value: number): number => 31 - Math.clz32(value);

/** The weight of the last symbol is what is missing to a power of two. */
function tableOf(weights: readonly number[]): HuffmanTable {
  const sum = weights.reduce((total, weight) => total + ((1 << weight) >> 1), 0);
  const log = sum > 0 ? logOf(sum) + 1 : 0,
    missing = (1 << log) - sum;
  if (log === 0 || log > longestCode || (missing & (missing - 1)) !== 0)
    throw new BadZstd('code lengths that do not fit together');
  const all = [...weights, logOf(missing) + 1],
    symbols = new Uint8Array(1 << log),
    lengths = new Uint8Array(1 << log);
  let at = 0;
  for (let weight = 1; weight <= log; weight += 1)
    all.forEach((of, symbol) => {
      if (of !== weight) return;
      const end = at + (1 << (weight - 1));
      symbols.fill(symbol, at, end);
      lengths.fill(log + 1 - weight, at, end);
      at = end;
    });
  return { log, symbols, lengths };
}

/** Two states take turns; the one that is left when the bits are used up has the last word. */
function unpackWeights(bits: BackwardBits, { log, symbols, bits: widths, bases }: FseTable): number[] {
  const weights: number[] = [];
  let state = bits.read(log),
    other = bits.read(log);
  while (weights.length < mostWeights) {
    weights.push(symbols[state] ?? 0);
    const next = (bases[state] ?? 0) + bits.read(widths[state] ?? 0);
    if (bits.left < 0) return [...weights, symbols[other] ?? 0];
    [state, other] = [other, next];
  }
  throw new BadZstd('too many code lengths');
}

/** The table in front of literals; answers where it ends. */
export function readHuffmanTable(
  bytes: Uint8Array,
  from: number,
): { readonly table: HuffmanTable; readonly end: number } {
  const head = bytes[from] ?? 0;
  const end = from + 1 + (head < 128 ? head : (head - 126) >> 1);
  if (end > bytes.length) throw new BadZstd('code lengths that are cut off');
  if (head >= 128) {
    const weights = Array.from(
      { length: head - 127 },
      (_, i) => ((bytes[from + 1 + (i >> 1)] ?? 0) >> (i % 2 === 0 ? 4 : 0)) & 15,
    );
    return { table: tableOf(weights), end };
  }
  const packed = readFseTable(bytes.subarray(0, end), from + 1, { log: 6, symbols: longestCode + 2 });
  return { table: tableOf(unpackWeights(new BackwardBits(bytes, packed.end, end), packed.table)), end };
}

function decodeStream(bits: BackwardBits, { log, symbols, lengths }: HuffmanTable, out: Uint8Array): void {
  for (let i = 0; i < out.length; i += 1) {
    const code = bits.peek(log);
    out[i] = symbols[code] ?? 0;
    bits.left -= lengths[code] ?? 0;
  }
  if (bits.left !== 0) throw new BadZstd('literals that do not end where they should');
}

/** One stream for all, or one for each quarter with three lengths in front. */
export function decodeLiterals(
  bytes: Uint8Array,
  table: HuffmanTable,
  out: Uint8Array,
  streams: 1 | 4,
): void {
  if (streams === 1) return decodeStream(new BackwardBits(bytes, 0, bytes.length), table, out);
  if (bytes.length < 6) throw new BadZstd('literals that are cut off');
  const quarter = (out.length + 3) >> 2;
  for (let i = 0, from = 6; i < 4; i += 1) {
    const to = i < 3 ? from + ((bytes[i * 2] ?? 0) | ((bytes[i * 2 + 1] ?? 0) << 8)) : bytes.length;
    if (to > bytes.length || quarter * 3 > out.length) throw new BadZstd('literals that are cut off');
    decodeStream(
      new BackwardBits(bytes, from, to),
      table,
      out.subarray(i * quarter, i < 3 ? (i + 1) * quarter : out.length),
    );
    from = to;
  }
}
