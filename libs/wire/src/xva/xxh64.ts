/** XXH64 with seed 0, by its specification: the checksum of blocks in exports. */
const p1 = 0x9e37_79b1_85eb_ca87n,
  p2 = 0xc2b2_ae3d_27d4_eb4fn,
  p3 = 0x1656_67b1_9e37_79f9n,
  p4 = 0x85eb_ca77_c2b2_ae63n,
  p5 = 0x27d4_eb2f_1656_67c5n;

const { asUintN } = BigInt;
const u64 = (x: bigint): bigint => asUintN(64, x);
const rotated = (x: bigint, by: bigint): bigint => u64(u64(x << by) | (x >> (64n - by)));
const round = (lane: bigint, input: bigint): bigint => u64(rotated(u64(lane + u64(input * p2)), 31n) * p1);
const merged = (hash: bigint, lane: bigint): bigint => u64(u64((hash ^ round(0n, lane)) * p1) + p4);

/**
 * Stripes of 32 bytes in four lanes; answers where they end. Written out, because only inside one function are these numbers of 64
 * bits kept in registers: a hundredfold of difference.
 */
function stripes(bytes: Uint8Array): { at: number; hash: bigint } {
  if (bytes.length < 32) return { at: 0, hash: p5 };
  const count = Math.floor(bytes.length / 32) * 4;
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  const words = new BigUint64Array(aligned.buffer, aligned.byteOffset, count);
  let a = u64(p1 + p2),
    b = p2,
    c = 0n,
    d = u64(-p1);
  for (let i = 0; i < count; i += 4) {
    a = asUintN(64, a + asUintN(64, (words[i] ?? 0n) * p2));
    a = asUintN(64, (asUintN(64, a << 31n) | (a >> 33n)) * p1);
    b = asUintN(64, b + asUintN(64, (words[i + 1] ?? 0n) * p2));
    b = asUintN(64, (asUintN(64, b << 31n) | (b >> 33n)) * p1);
    c = asUintN(64, c + asUintN(64, (words[i + 2] ?? 0n) * p2));
    c = asUintN(64, (asUintN(64, c << 31n) | (c >> 33n)) * p1);
    d = asUintN(64, d + asUintN(64, (words[i + 3] ?? 0n) * p2));
    d = asUintN(64, (asUintN(64, d << 31n) | (d >> 33n)) * p1);
  }
  const hash = u64(rotated(a, 1n) + rotated(b, 7n) + rotated(c, 12n) + rotated(d, 18n));
  return { at: count * 8, hash: merged(merged(merged(merged(hash, a), b), c), d) };
}

/** As 16 capital hexadecimal digits. */
export function xxh64(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const begun = stripes(bytes);
  let at = begun.at,
    hash = u64(begun.hash + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8) hash = u64(rotated(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * p1 + p4);
  if (at + 4 <= bytes.length) {
    hash = u64(rotated(hash ^ u64(BigInt(view.getUint32(at, true)) * p1), 23n) * p2 + p3);
    at += 4;
  }
  for (; at < bytes.length; at += 1) hash = u64(rotated(hash ^ u64(BigInt(view.getUint8(at)) * p5), 11n) * p1);
  hash = u64((hash ^ (hash >> 33n)) * p2);
  hash = u64((hash ^ (hash >> 29n)) * p3);
  return (hash ^ (hash >> 32n)).toString(16).toUpperCase().padStart(16, '0');
}
