/** Tables of finite state entropy: each state stands for a symbol, and says how many bits lead to the next state. */
import { BadZstd } from './bad-zstd';

export interface FseTable {
  readonly log: number;
  readonly symbols: Uint8Array;
  readonly bits: Uint8Array;
  readonly bases: Uint16Array;
}

/** A table of one state, that of a symbol which alone occurs. */
export const constantTable = (symbol: number): FseTable => ({
  log: 0,
  symbols: Uint8Array.of(symbol),
  bits: new Uint8Array(1),
  bases: new Uint16Array(1),
});

const logOf = (value: number): number => 31 - Math.clz32(value);

/** Symbols that are rarer than one state have the last states; the others are spread over the rest. */
function spread(counts: readonly number[], log: number): Uint8Array {
  const size = 1 << log,
    symbols = new Uint8Array(size),
    step = (size >> 1) + (size >> 3) + 3;
  let high = size - 1,
    at = 0;
  counts.forEach((count, symbol) => {
    if (count === -1) symbols[high--] = symbol;
  });
  counts.forEach((count, symbol) => {
    for (let i = 0; i < count; i += 1) {
      symbols[at] = symbol;
      do at = (at + step) & (size - 1);
      while (at > high);
    }
  });
  if (at !== 0) throw new BadZstd('a table of states that does not come out even');
  return symbols;
}

/** From how many of the states stand for each symbol. */
export function fseTable(counts: readonly number[], log: number): FseTable {
  const symbols = spread(counts, log),
    bits = new Uint8Array(1 << log),
    bases = new Uint16Array(1 << log),
    next = counts.map(Math.abs);
  symbols.forEach((symbol, state) => {
    const nth = next[symbol] ?? 0;
    next[symbol] = nth + 1;
    const width = log - logOf(nth);
    bits[state] = width;
    bases[state] = (nth << width) - (1 << log);
  });
  return { log, symbols, bits, bases };
}

export interface Limits {
  readonly log: number;
  readonly symbols: number;
}

/** Bits from the front, lowest first. */
class ForwardBits {
  at: number;
  constructor(
    private readonly bytes: Uint8Array,
    from: number,
  ) {
    this.at = from * 8;
  }
  read(count: number): number {
    const { bytes } = this,
      byte = this.at >> 3;
    const word = (bytes[byte] ?? 0) | ((bytes[byte + 1] ?? 0) << 8) | ((bytes[byte + 2] ?? 0) << 16);
    const value = (word >> (this.at & 7)) & ((1 << count) - 1);
    this.at += count;
    return value;
  }
}

/** The next count: small values take one bit less than large ones, since no more than what remains can come. */
function readCount(bits: ForwardBits, remaining: number): number {
  const width = logOf(remaining + 1) + 1,
    low = (1 << (width - 1)) - 1,
    short = (1 << width) - 2 - remaining;
  const value = bits.read(width);
  if ((value & low) < short) {
    bits.at -= 1;
    return (value & low) - 1;
  }
  return (value > low ? value - short : value) - 1;
}

/** A table as it is written in front of what it packs; answers where it ends. */
export function readFseTable(
  bytes: Uint8Array,
  from: number,
  limits: Limits,
): { readonly table: FseTable; readonly end: number } {
  const bits = new ForwardBits(bytes, from),
    log = bits.read(4) + 5,
    counts: number[] = [];
  if (log > limits.log) throw new BadZstd('a table with too many states');
  for (let remaining = 1 << log; remaining > 0;) {
    const count = readCount(bits, remaining);
    remaining -= Math.abs(count);
    counts.push(count);
    if (count === 0)
      for (let more = 3; more === 3;) {
        more = bits.read(2);
        for (let i = 0; i < more; i += 1) counts.push(0);
      }
    if (counts.length > limits.symbols || remaining < 0) throw new BadZstd('a table with too many symbols');
  }
  const end = (bits.at + 7) >> 3;
  if (end > bytes.length) throw new BadZstd('a table that is cut off');
  return { table: fseTable(counts, log), end };
}
