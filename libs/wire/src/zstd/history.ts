/** The last unpacked bytes, as far back as matches may reach. It grows as it fills, and moves down when it is full. */
import { BadZstd } from './bad-zstd';

const leastBytes = 2 ** 18;
/** A loop copies so many faster than a call does. */
const shortBytes = 48;

export class History {
  private bytes: Uint8Array;
  private end = 0;
  private readonly mostBytes: number;

  constructor(private readonly window: number) {
    // With room for an eighth more it moves after each eighth of its length, not after each block.
    this.mostBytes = Math.max(window + (window >> 3), window + leastBytes);
    this.bytes = new Uint8Array(Math.min(this.mostBytes, leastBytes));
  }

  get position(): number {
    return this.end;
  }
  /** Makes room for a block; positions from before are not valid any more. */
  reserve(count: number): void {
    if (this.end + count <= this.bytes.length) return;
    if (this.bytes.length < this.mostBytes) {
      const larger = new Uint8Array(
        Math.min(this.mostBytes, Math.max(this.bytes.length * 2, this.end + count)),
      );
      larger.set(this.bytes.subarray(0, this.end));
      this.bytes = larger;
      return this.reserve(count);
    }
    this.bytes.copyWithin(0, this.end - this.window, this.end);
    this.end = this.window;
  }

  append(source: Uint8Array, from: number, to: number): void {
    const { bytes, end } = this,
      count = to - from;
    if (count > shortBytes) bytes.set(source.subarray(from, to), end);
    else for (let i = 0; i < count; i += 1) bytes[end + i] = source[from + i] ?? 0;
    this.end += count;
  }
  fill(byte: number, count: number): void {
    this.bytes.fill(byte, this.end, this.end + count);
    this.end += count;
  }
  /** A match may reach into what it writes, and then repeats it. */
  repeat(offset: number, count: number): void {
    const { bytes, end } = this,
      from = end - offset;
    if (offset <= 0 || from < 0 || offset > this.window) throw new BadZstd('a match of what was not there');
    if (offset >= count && count > shortBytes) bytes.copyWithin(end, from, from + count);
    else for (let i = 0; i < count; i += 1) bytes[end + i] = bytes[from + i] ?? 0;
    this.end += count;
  }
  /** A copy of what was written since then. */
  since(position: number): Uint8Array {
    return this.bytes.slice(position, this.end);
  }
}
