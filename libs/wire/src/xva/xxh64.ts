/** XXH64 with seed 0, by its specification: the checksum of blocks in exports. */
import { p1, p2, stripe, takeStripes } from './xxh64-stripes';

const p3 = 0x1656_67b1_9e37_79f9n,
  p4 = 0x85eb_ca77_c2b2_ae63n,
  p5 = 0x27d4_eb2f_1656_67c5n;

const { asUintN } = BigInt;
const u64 = (x: bigint): bigint => asUintN(64, x);
const rotated = (x: bigint, by: bigint): bigint => u64(u64(x << by) | (x >> (64n - by)));
const round = (lane: bigint, input: bigint): bigint => u64(rotated(u64(lane + u64(input * p2)), 31n) * p1);
const merged = (hash: bigint, lane: bigint): bigint => u64(u64((hash ^ round(0n, lane)) * p1) + p4);

const seeds = [u64(p1 + p2), p2, 0n, u64(-p1)];

/** Of bytes that come one after the other. */
export class Xxh64 {
  private readonly lanes = BigUint64Array.from(seeds);
  /** The bytes of a stripe that is not whole yet. */
  private readonly held = new Uint8Array(stripe);
  private length = 0;

  add(bytes: Uint8Array): void {
    const holding = this.length % stripe,
      first = holding === 0 ? 0 : Math.min(bytes.length, stripe - holding);
    this.held.set(bytes.subarray(0, first), holding);
    if (first > 0 && holding + first === stripe) takeStripes(this.lanes, this.held, 1);
    const rest = bytes.subarray(first),
      count = Math.floor(rest.length / stripe);
    if (count > 0) takeStripes(this.lanes, rest, count);
    if (first === 0 || holding + first === stripe) this.held.set(rest.subarray(count * stripe));
    this.length += bytes.length;
  }

  value(): bigint {
    return mixed(withTail(u64(this.begun() + BigInt(this.length)), this.held.subarray(0, this.length % stripe)));
  }

  private begun(): bigint {
    if (this.length < stripe) return p5;
    const [a = 0n, b = 0n, c = 0n, d = 0n] = this.lanes;
    const hash = u64(rotated(a, 1n) + rotated(b, 7n) + rotated(c, 12n) + rotated(d, 18n));
    return merged(merged(merged(merged(hash, a), b), c), d);
  }
}

/** By eight, by four, and one by one. */
function withTail(begun: bigint, bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0,
    hash = begun;
  for (; at + 8 <= bytes.length; at += 8) hash = u64(rotated(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * p1 + p4);
  if (at + 4 <= bytes.length) {
    hash = u64(rotated(hash ^ u64(BigInt(view.getUint32(at, true)) * p1), 23n) * p2 + p3);
    at += 4;
  }
  for (; at < bytes.length; at += 1) hash = u64(rotated(hash ^ u64(BigInt(view.getUint8(at)) * p5), 11n) * p1);
  return hash;
}
function mixed(hash: bigint): bigint {
  const once = u64((hash ^ (hash >> 33n)) * p2),
    twice = u64((once ^ (once >> 29n)) * p3);
  return twice ^ (twice >> 32n);
}

/** As 16 capital hexadecimal digits. */
export function xxh64(bytes: Uint8Array): string {
  const sum = new Xxh64();
  sum.add(bytes);
  return sum.value().toString(16).toUpperCase().padStart(16, '0');
}
