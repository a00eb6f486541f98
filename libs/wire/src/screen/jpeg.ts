/** A picture as a baseline JPEG in shades of grey. */
import { palette, type Picture } from './picture';
import { acTable, dcTable, quantization, zigzag, type HuffmanTable } from './tables/jpeg';

const size = 8;
const area = size * size;
/** Text needs sharp edges: a fifth of the standard's steps. */
const steps = quantization.map((q) => Math.max(1, Math.round(q / 5)));
const grey = palette.map(([r, g, b]) => Math.round(0.299 * r + 0.587 * g + 0.114 * b));

interface Code {
  readonly bits: number;
  readonly length: number;
}
function codesOf({ counts, symbols }: HuffmanTable): ReadonlyMap<number, Code> {
  const codes = new Map<number, Code>();
  let bits = 0,
    next = 0;
  counts.forEach((count, i) => {
    for (let n = 0; n < count; n += 1) codes.set(symbols[next++] ?? 0, { bits: bits++, length: i + 1 });
    bits <<= 1;
  });
  return codes;
}
const dcCodes = codesOf(dcTable);
const acCodes = codesOf(acTable);

class Bits {
  readonly bytes: number[] = [];
  private kept = 0;
  private count = 0;

  write({ bits, length }: Code): void {
    for (let i = length - 1; i >= 0; i -= 1) {
      this.kept = (this.kept << 1) | ((bits >> i) & 1);
      this.count += 1;
      if (this.count === 8) this.flush();
    }
  }
  private flush(): void {
    this.bytes.push(this.kept);
    if (this.kept === 0xff) this.bytes.push(0);
    this.kept = 0;
    this.count = 0;
  }
  /** Fills the last byte with ones. */
  end(): void {
    while (this.count > 0) this.write({ bits: 1, length: 1 });
  }
}

/** How many bits a number needs, and what they are. */
function magnitude(value: number): Code {
  const length = 32 - Math.clz32(Math.abs(value));
  return { length, bits: value < 0 ? value + (1 << length) - 1 : value };
}

const cosines = Float64Array.from({ length: area }, (_, i) => {
  const [u, x] = [i >> 3, i & 7];
  return (u === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * x + 1) * u * Math.PI) / 16);
});
/** The discrete cosine transform of one block, by rows and then by columns. */
function transform(block: Float64Array): Float64Array {
  const once = (from: Float64Array): Float64Array =>
    Float64Array.from({ length: area }, (_, i) => {
      const [u, y] = [i >> 3, i & 7];
      let sum = 0;
      for (let x = 0; x < size; x += 1) sum += (cosines[u * size + x] ?? 0) * (from[y * size + x] ?? 0);
      return sum;
    });
  return once(once(block));
}

/** Quantised, in the order in which they are written. */
function coefficients(block: Float64Array): readonly number[] {
  const transformed = transform(block);
  return zigzag.map((i) => Math.round((transformed[i] ?? 0) / (steps[i] ?? 1)));
}

/** Text has few different blocks, the halves of its letters: each is transformed once. */
class Blocks {
  private readonly known = new Map<string, readonly number[]>();

  constructor(private readonly picture: Picture) {}

  /** The last row and column are repeated beyond the edge. */
  at(left: number, top: number): readonly number[] {
    const { width, height, pixels } = this.picture;
    const dots = Array.from(
      { length: area },
      (_, i) =>
        pixels[Math.min(height - 1, top + (i >> 3)) * width + Math.min(width - 1, left + (i & 7))] ?? 0,
    );
    const name = dots.join('');
    const made =
      this.known.get(name) ?? coefficients(Float64Array.from(dots, (dot) => (grey[dot] ?? 0) - 128));
    this.known.set(name, made);
    return made;
  }
}

/** Answers the block's first coefficient, from which the next block's is counted. */
function writeBlock(out: Bits, values: readonly number[], before: number): number {
  const put = (codes: ReadonlyMap<number, Code>, run: number, value: Code): void => {
    const code = codes.get((run << 4) | value.length);
    if (!code) throw new Error('a coefficient is out of range');
    out.write(code);
    out.write(value);
  };
  const [dc = 0, ...others] = values;
  put(dcCodes, 0, magnitude(dc - before));
  let zeros = 0;
  for (const value of others) {
    if (value === 0) {
      zeros += 1;
      continue;
    }
    for (; zeros > 15; zeros -= 16) put(acCodes, 15, { bits: 0, length: 0 });
    put(acCodes, zeros, magnitude(value));
    zeros = 0;
  }
  if (zeros > 0) put(acCodes, 0, { bits: 0, length: 0 });
  return dc;
}

const word = (n: number): number[] => [n >> 8, n & 0xff];
const segment = (marker: number, body: readonly number[]): number[] => [
  0xff,
  marker,
  ...word(body.length + 2),
  ...body,
];
const huffman = (kind: number, { counts, symbols }: HuffmanTable): number[] =>
  segment(0xc4, [kind, ...counts, ...symbols]);

export function jpegOf(picture: Picture): Uint8Array {
  const { width, height } = picture;
  const out = new Bits(),
    blocks = new Blocks(picture);
  let dc = 0;
  for (let top = 0; top < height; top += size)
    for (let left = 0; left < width; left += size) dc = writeBlock(out, blocks.at(left, top), dc);
  out.end();
  return Uint8Array.from([
    ...[0xff, 0xd8],
    ...segment(0xe0, [...Buffer.from('JFIF\0'), 1, 1, 0, 0, 1, 0, 1, 0, 0]),
    ...segment(0xdb, [0, ...zigzag.map((i) => steps[i] ?? 1)]),
    ...segment(0xc0, [8, ...word(height), ...word(width), 1, 1, 0x11, 0]),
    ...huffman(0x00, dcTable),
    ...huffman(0x10, acTable),
    ...segment(0xda, [1, 1, 0, 0, 63, 0]),
    ...out.bytes,
    ...[0xff, 0xd9],
  ]);
}
