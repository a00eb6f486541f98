/** Disks as sets of 64 KiB blocks: which are present, in a bitmap whose first block is the highest bit of the first byte. */

export const blockBytes = 65_536;
/** Bytes at a place of a disk. */
export interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}
/** Bytes that are zero, without being sent. */
export interface Zeroes {
  readonly offset: number;
  readonly zeroes: number;
}
export type Write = Piece | Zeroes;
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

/** Bits that grow as they are set; beyond the end all are clear. */
export class Bits {
  constructor(private bytes: Uint8Array = new Uint8Array()) {}

  has(bit: number): boolean {
    return ((this.bytes[Math.floor(bit / 8)] ?? 0) & (0x80 >> (bit % 8))) !== 0;
  }
  set(bit: number): void {
    const at = Math.floor(bit / 8);
    if (at >= this.bytes.length) this.grow(at + 1);
    this.bytes[at] = (this.bytes[at] ?? 0) | (0x80 >> (bit % 8));
  }
  clear(bit: number): void {
    const at = Math.floor(bit / 8);
    if (at < this.bytes.length) this.bytes[at] = (this.bytes[at] ?? 0) & ~(0x80 >> (bit % 8));
  }
  /** Sets whatever the other has. */
  add({ bytes }: Bits): void {
    if (bytes.length > this.bytes.length) this.grow(bytes.length);
    for (let i = 0; i < bytes.length; i += 1) this.bytes[i] = (this.bytes[i] ?? 0) | (bytes[i] ?? 0);
  }
  /** How many are set. */
  get count(): number {
    let n = 0;
    for (const byte of this.bytes) for (let rest = byte; rest !== 0; rest &= rest - 1) n += 1;
    return n;
  }
  /** One above the highest that may be set. */
  get end(): number {
    return this.bytes.length * 8;
  }
  /** The bytes of this many bits, or of all. */
  raw(bits = this.end): Uint8Array {
    const out = new Uint8Array(Math.ceil(bits / 8));
    out.set(this.bytes.subarray(0, out.length));
    if (bits % 8 !== 0 && out.length > 0)
      out[out.length - 1] = (out[out.length - 1] ?? 0) & (0xff << (8 - (bits % 8)));
    return out;
  }
  /** Runs of set bits, first and count, in order. */
  *runs(): Generator<{ readonly first: number; readonly count: number }> {
    let first = -1;
    for (let bit = 0; bit <= this.end; bit += 1) {
      if (first < 0 && this.skips(bit)) bit += 7;
      else if (this.has(bit)) first = first < 0 ? bit : first;
      else if (first >= 0) {
        yield { first, count: bit - first };
        first = -1;
      }
    }
  }
  private skips(bit: number): boolean {
    return bit % 8 === 0 && this.bytes[bit / 8] === 0;
  }
  private grow(length: number): void {
    const grown = new Uint8Array(
      Math.max(length, Math.min(this.bytes.length * 2, this.bytes.length + 65_536)),
    );
    grown.set(this.bytes);
    this.bytes = grown;
  }
}

/** The parts of a disk of this size whose blocks are present. */
export function* extentsOf(present: Bits, size: number): Generator<Extent> {
  for (const { first, count } of present.runs()) {
    const offset = first * blockBytes;
    if (offset >= size) return;
    yield { offset, length: Math.min(count * blockBytes, size - offset) };
  }
}

/** True if all bytes are zero: words first, since most of a disk is looked at. */
export function isZero(bytes: Uint8Array): boolean {
  const lead = Math.min(bytes.length, (4 - (bytes.byteOffset % 4)) % 4);
  const words = Math.floor((bytes.length - lead) / 4);
  const whole = new Int32Array(bytes.buffer, bytes.byteOffset + (words > 0 ? lead : 0), words);
  for (let i = 0; i < lead; i += 1) if (bytes[i] !== 0) return false;
  for (let i = 0; i < words; i += 1) if (whole[i] !== 0) return false;
  for (let i = lead + words * 4; i < bytes.length; i += 1) if (bytes[i] !== 0) return false;
  return true;
}
