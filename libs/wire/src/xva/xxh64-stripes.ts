/**
 * The four lanes of XXH64 over whole stripes of 32 bytes, as a function of WebAssembly that is put together here. It knows numbers
 * of 64 bits; as BigInts they take five times the bytes that are summed on the heap, and V8 11 can fail to compile them.
 */
export const stripe = 32;

export const p1 = 0x9e37_79b1_85eb_ca87n,
  p2 = 0xc2b2_ae3d_27d4_eb4fn;

/** Instructions; the numbers of memory.* are the alignment and where the bytes are. */
const i64 = { load: 0x29, store: 0x37, const: 0x42, add: 0x7c, mul: 0x7e, rotl: 0x89 };
const i32 = { const: 0x41, add: 0x6a, lessUnsigned: 0x49, type: 0x7f };
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const loop = 0x03,
  again = [0x0d, 0],
  end = 0x0b,
  nothing = 0x40,
  words = 3; // aligned at 2 ** 3 bytes

/** Whole numbers as the format has them: seven bits a byte, the lowest first, the last with the sign. */
function leb(value: bigint): number[] {
  const low = Number(BigInt.asUintN(7, value)),
    rest = value >> 7n;
  return rest === (low & 0x40 ? -1n : 0n) ? [low] : [low | 0x80, ...leb(rest)];
}
const number = (value: bigint): number[] => [i64.const, ...leb(BigInt.asIntN(64, value))];
const section = (id: number, ...content: number[]): number[] => [id, ...leb(BigInt(content.length)), ...content];
const named = (name: string): number[] => [name.length, ...new TextEncoder().encode(name)];

const pageBytes = 65_536;
/** The lanes lie in the first page, the stripes in the second. */
const stripesAt = pageBytes;
const lanes = [0, 1, 2, 3];
/** Locals: where the stripes end, which is the parameter, the lanes, and where the next stripe is. */
const endAt = 0,
  next = 5;
const laneOf = (lane: number): number => 1 + lane;

const load = (lane: number): number[] => [i32.const, 0, i64.load, words, 8 * lane, ...set(laneOf(lane))];
const store = (lane: number): number[] => [i32.const, 0, ...get(laneOf(lane)), i64.store, words, 8 * lane];
/** lane = rotl(lane + word * p2, 31) * p1 */
const round = (lane: number): number[] => [
  ...[...get(laneOf(lane)), ...get(next), i64.load, words, 8 * lane, ...number(p2), i64.mul, i64.add],
  ...[...number(31n), i64.rotl, ...number(p1), i64.mul, ...set(laneOf(lane))],
];
const code = [
  ...[...lanes.flatMap(load), i32.const, ...leb(BigInt(stripesAt)), ...set(next)],
  ...[loop, nothing, ...lanes.flatMap(round), ...get(next), i32.const, ...leb(BigInt(stripe)), i32.add, ...set(next)],
  ...[...get(next), ...get(endAt), i32.lessUnsigned, ...again, end, ...lanes.flatMap(store), end],
];
const locals = [2, lanes.length, 0x7e, 1, i32.type];
const body = [...locals, ...code];

const program = [
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // its mark and version
  ...section(1, 1, 0x60, 1, i32.type, 0), // one type: of a number, to nothing
  ...section(3, 1, 0), // one function of it
  ...section(5, 1, 0, 2), // a memory of two pages
  ...section(7, 2, ...named('memory'), 2, 0, ...named('take'), 0, 0), // both are exported
  ...section(10, 1, ...leb(BigInt(body.length)), ...body),
];

/** The types that are loaded here do not have it. */
declare const WebAssembly: {
  readonly Module: new (program: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: { readonly memory: { readonly buffer: ArrayBuffer }; readonly take: (end: number) => void } };
};
function assembled() {
  const { memory, take } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(program))).exports;
  return { lanes: new BigUint64Array(memory.buffer, 0, lanes.length), stripes: new Uint8Array(memory.buffer, stripesAt, pageBytes), take };
}
let made: ReturnType<typeof assembled> | undefined;

/** So many whole stripes, at least one. */
export function takeStripes(of: BigUint64Array, bytes: Uint8Array, count: number): void {
  made ??= assembled();
  made.lanes.set(of);
  for (let at = 0; at < count * stripe; at += pageBytes) {
    const part = bytes.subarray(at, Math.min(count * stripe, at + pageBytes));
    made.stripes.set(part);
    made.take(stripesAt + part.length);
  }
  of.set(made.lanes);
}
