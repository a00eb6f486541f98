/** The bzip2 format, written: sorted blocks, moved to front, in Huffman codes. For reports, which some clients want in it and in nothing else. */

const blockBytes = 99_000;
const groupSize = 50;
const longestCode = 17;
/** Coded in one turn. */
const symbolsAtOnce = 25_000;

const crcTable = Array.from({ length: 256 }, (_, i) => {
  let c = i << 24;
  for (let k = 0; k < 8; k += 1) c = c & 0x80000000 ? (c << 1) ^ 0x04c11db7 : c << 1;
  return c >>> 0;
});
const crcStep = (crc: number, byte: number): number =>
  ((crc << 8) ^ (crcTable[((crc >>> 24) ^ byte) & 255] ?? 0)) >>> 0;

class Bits {
  private bytes: number[] = [];
  private held = 0;
  private count = 0;

  put(value: number, width: number): void {
    for (let i = width - 1; i >= 0; i -= 1) {
      this.held = (this.held << 1) | ((value >>> i) & 1);
      if ((this.count += 1) === 8) this.flush();
    }
  }
  /** The whole bytes so far. */
  take(): Uint8Array {
    const out = Uint8Array.from(this.bytes);
    this.bytes = [];
    return out;
  }
  end(): Uint8Array {
    while (this.count > 0) this.put(0, 1);
    return this.take();
  }
  private flush(): void {
    this.bytes.push(this.held);
    this.held = 0;
    this.count = 0;
  }
}

/** Lets others have their turn: a block takes too long to be sorted and coded in one. */
export type Pause = () => Promise<void>;

/** The numbers of `order` by rank, and among equals as they came. */
function byRank(order: Int32Array, rank: Int32Array, ranks: number): Int32Array {
  const places = new Int32Array(ranks + 1),
    sorted = new Int32Array(order.length);
  for (const r of rank) places[r + 1] = (places[r + 1] ?? 0) + 1;
  for (let r = 1; r < ranks; r += 1) places[r] = (places[r] ?? 0) + (places[r - 1] ?? 0);
  for (const i of order) {
    const r = rank[i] ?? 0,
      place = places[r] ?? 0;
    sorted[place] = i;
    places[r] = place + 1;
  }
  return sorted;
}

/** Ranks of so many bytes from those of half as many: how many different ones there are, too. */
function ranked(order: Int32Array, rank: Int32Array, step: number): { rank: Int32Array; ranks: number } {
  const n = order.length,
    next = new Int32Array(n);
  let ranks = 1;
  for (let i = 1; i < n; i += 1) {
    const a = order[i] ?? 0,
      b = order[i - 1] ?? 0;
    if (rank[a] !== rank[b] || rank[(a + step) % n] !== rank[(b + step) % n]) ranks += 1;
    next[a] = ranks - 1;
  }
  return { rank: next, ranks };
}

/** Order of all rotations: first by one byte, then by twice as many at each turn. */
async function sortRotations(
  block: Uint8Array,
  pause: Pause,
): Promise<{ order: Int32Array; rank: Int32Array }> {
  const n = block.length;
  let rank: Int32Array = Int32Array.from(block),
    ranks = 256,
    order = byRank(Int32Array.from(block.keys()), rank, ranks);
  for (let step = 1; ; step *= 2) {
    const shifted = order.map((i) => (i + n - (step % n)) % n);
    order = byRank(shifted, rank, ranks);
    ({ rank, ranks } = ranked(order, rank, step));
    await pause();
    if (ranks === n || step >= n) return { order, rank };
  }
}

/** The last column of the sorted rotations, and the row in which the block itself stands, the first of them where several are equal. */
async function transformed(block: Uint8Array, pause: Pause): Promise<{ column: Uint8Array; origin: number }> {
  const { order, rank } = await sortRotations(block, pause);
  const column = Uint8Array.from(order, (at) => block[(at + block.length - 1) % block.length] ?? 0);
  return { column, origin: order.findIndex((at) => rank[at] === rank[0]) };
}

/** Places in a list whose last used comes first; runs of the first place as numbers of two digits, 0 and 1. The end has a symbol of its own. */
function symbolsOf(column: Uint8Array, used: readonly number[]): number[] {
  const list = Uint8Array.from(used),
    symbols: number[] = [];
  let run = 0;
  const endRun = (): void => {
    for (; run > 0; run = (run - 1) >> 1) symbols.push((run - 1) & 1);
  };
  for (const byte of column) {
    const place = list.indexOf(byte);
    if (place === 0) {
      run += 1;
      continue;
    }
    endRun();
    list.copyWithin(1, 0, place);
    list[0] = byte;
    symbols.push(place + 1);
  }
  endRun();
  symbols.push(used.length + 1);
  return symbols;
}

/** Lengths of a prefix code, none too long: when one is, frequencies are brought nearer to one another. */
function codeLengths(frequencies: readonly number[]): number[] {
  for (let weights = frequencies.map((f) => Math.max(1, f)); ; weights = weights.map((w) => (w >> 1) + 1)) {
    const lengths = depths(weights);
    if (Math.max(...lengths) <= longestCode) return lengths;
  }
}
function depths(weights: readonly number[]): number[] {
  const lengths = weights.map(() => 0);
  const trees = weights.map((weight, i) => ({ weight, leaves: [i] }));
  while (trees.length > 1) {
    trees.sort((a, b) => b.weight - a.weight);
    const [a, b] = [trees.pop(), trees.pop()];
    if (!a || !b) break;
    const leaves = [...a.leaves, ...b.leaves];
    for (const leaf of leaves) lengths[leaf] = (lengths[leaf] ?? 0) + 1;
    trees.push({ weight: a.weight + b.weight, leaves });
  }
  return lengths;
}
function codesOf(lengths: readonly number[]): number[] {
  const codes = lengths.map(() => 0);
  let code = 0;
  for (let length = 1; length <= longestCode; length += 1, code <<= 1)
    lengths.forEach((l, symbol) => {
      if (l === length) codes[symbol] = code++;
    });
  return codes;
}

function putUsed(bits: Bits, used: readonly number[]): void {
  const has = new Set(used);
  const rows = Array.from({ length: 16 }, (_, row) =>
    Array.from({ length: 16 }, (_v, i) => (has.has(row * 16 + i) ? 1 : 0)),
  );
  for (const row of rows) bits.put(row.includes(1) ? 1 : 0, 1);
  for (const row of rows.filter((r) => r.includes(1))) for (const bit of row) bits.put(bit, 1);
}

/** The format wants two tables at least: here both are the same. */
function putTables(bits: Bits, lengths: readonly number[], groups: number): void {
  bits.put(2, 3);
  bits.put(groups, 15);
  for (let i = 0; i < groups; i += 1) bits.put(0, 1);
  for (let table = 0; table < 2; table += 1) {
    let length = lengths[0] ?? 0;
    bits.put(length, 5);
    for (const wanted of lengths) {
      for (; length < wanted; length += 1) bits.put(0b10, 2);
      for (; length > wanted; length -= 1) bits.put(0b11, 2);
      bits.put(0, 1);
    }
  }
}

async function putBlock(bits: Bits, block: Uint8Array, crc: number, pause: Pause): Promise<void> {
  const { column, origin } = await transformed(block, pause);
  const used = [...new Set(block)].sort((a, b) => a - b);
  const symbols = symbolsOf(column, used);
  const frequencies = Array.from({ length: used.length + 2 }, () => 0);
  for (const symbol of symbols) frequencies[symbol] = (frequencies[symbol] ?? 0) + 1;
  const lengths = codeLengths(frequencies),
    codes = codesOf(lengths);
  bits.put(0x314159, 24);
  bits.put(0x265359, 24);
  bits.put(crc, 32);
  bits.put(0, 1);
  bits.put(origin, 24);
  putUsed(bits, used);
  putTables(bits, lengths, Math.ceil(symbols.length / groupSize));
  for (let at = 0; at < symbols.length; at += symbolsAtOnce) {
    await pause();
    for (const symbol of symbols.slice(at, at + symbolsAtOnce))
      bits.put(codes[symbol] ?? 0, lengths[symbol] ?? 0);
  }
}

/** A block as it fills: four equal bytes in a row are followed by the number of more of them. */
class Filling {
  private readonly bytes = new Uint8Array(blockBytes + 8);
  private size = 0;
  private last = -1;
  private run = 0;
  private crc = 0xffffffff;

  get full(): boolean {
    return this.size >= blockBytes;
  }
  get empty(): boolean {
    return this.size === 0 && this.run === 0;
  }
  add(byte: number): void {
    this.crc = crcStep(this.crc, byte);
    if (byte !== this.last || this.run === 259) this.endRun();
    this.last = byte;
    if ((this.run += 1) <= 4) this.bytes[this.size++] = byte;
  }
  finish(): { block: Uint8Array; crc: number } {
    this.endRun();
    return { block: this.bytes.subarray(0, this.size), crc: ~this.crc >>> 0 };
  }
  private endRun(): void {
    if (this.run >= 4) this.bytes[this.size++] = this.run - 4;
    this.run = 0;
  }
}

/** One block is held at a time. */
export async function* bzip2(source: AsyncIterable<Uint8Array>, pause: Pause): AsyncGenerator<Uint8Array> {
  const bits = new Bits();
  bits.put(0x425a6831, 32);
  let whole = 0,
    filling = new Filling();
  const close = async (): Promise<Uint8Array> => {
    const { block, crc } = filling.finish();
    whole = (((whole << 1) | (whole >>> 31)) ^ crc) >>> 0;
    await putBlock(bits, block, crc, pause);
    filling = new Filling();
    return bits.take();
  };
  for await (const bytes of source)
    for (const byte of bytes) {
      filling.add(byte);
      if (filling.full) yield await close();
    }
  if (!filling.empty) yield await close();
  bits.put(0x177245, 24);
  bits.put(0x385090, 24);
  bits.put(whole, 32);
  yield bits.end();
}
