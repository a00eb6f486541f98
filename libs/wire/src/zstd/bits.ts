/** Bits of a stream that is read from its end: the last set bit marks where it begins. Before its first byte there are only zeroes. */
import { BadZstd } from './bad-zstd';

/** Fewer bits than this are read at once. */
const halfBits = 16;

export class BackwardBits {
  /** How many bits are left; below zero when more were read than there are. */
  left: number;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly from: number,
    to: number,
  ) {
    const last = to > from ? (bytes[to - 1] ?? 0) : 0;
    if (last === 0) throw new BadZstd('a stream of bits without an end');
    this.left = (to - from) * 8 - 1 - Math.clz32(last << 24);
  }

  read(count: number): number {
    if (count > halfBits) return this.read(count - halfBits) * 2 ** halfBits + this.read(halfBits);
    this.left -= count;
    return this.at(this.left, count);
  }
  /** The same without taking them. */
  peek(count: number): number {
    return this.at(this.left - count, count);
  }

  /** Three bytes hold any 16 bits. */
  private at(bit: number, count: number): number {
    if (bit < 0) return bit + count <= 0 ? 0 : this.at(0, bit + count) << -bit;
    const { bytes } = this,
      at = this.from + (bit >> 3);
    return (
      (((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16)) >> (bit & 7)) &
      ((1 << count) - 1)
    );
  }
}
