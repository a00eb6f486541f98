/** Reads qcow2 files (QEMU's interop document): which places of the disk are stored where, two tables deep. */
import { Bits, blockBytes } from './blocks';

/** A file that can be read anywhere; beyond its end it reads as zeroes. */
export interface RandomAccess {
  read(offset: number, length: number): Promise<Uint8Array>;
}
export type Inflate = (bytes: Uint8Array, length: number) => Uint8Array;

/** The file is none that we read. */
export class BadDisk extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'BadDisk';
  }
}

export interface Qcow2Header {
  readonly size: number;
  readonly clusterBits: number;
  readonly l1Offset: number;
  readonly l1Size: number;
}
export const qcow2HeaderBytes = 112;
const largest = 64n * 2n ** 40n;
/** Incompatible features that can be read: a dirty mark, deflate said explicitly. */
const readable = 0b1001n;

export function readQcow2Header(bytes: Uint8Array): Qcow2Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(0) !== 0x514649fb) throw new BadDisk('not a qcow2 file');
  const version = view.getUint32(4),
    clusterBits = view.getUint32(20),
    size = view.getBigUint64(24);
  if (version !== 2 && version !== 3) throw new BadDisk(`qcow2 version ${version}`);
  if (view.getBigUint64(8) !== 0n) throw new BadDisk('a file with a backing file');
  if (clusterBits < 9 || clusterBits > 21) throw new BadDisk(`clusters of 2^${clusterBits} bytes`);
  if (size > largest) throw new BadDisk(`a disk of ${size} bytes`);
  if (view.getUint32(32) !== 0) throw new BadDisk('an encrypted file');
  if (version === 3 && (view.getBigUint64(72) & ~readable) !== 0n)
    throw new BadDisk('features that are not known');
  if (version === 3 && view.getUint32(100) > 104 && view.getUint8(104) !== 0)
    throw new BadDisk('a compression that is not known');
  const l1Size = view.getUint32(36);
  if (l1Size > 2 ** 25 / 8) throw new BadDisk('a table that is too large');
  return { size: Number(size), clusterBits, l1Offset: Number(view.getBigUint64(40)), l1Size };
}

/** Where a cluster is; zero when it is said to be without being stored. */
export type Place =
  | { readonly kind: 'stored'; readonly offset: number }
  | { readonly kind: 'compressed'; readonly offset: number; readonly length: number }
  | { readonly kind: 'zero' };

const offsetMask = 0x00ff_ffff_ffff_fe00n;
function placeOf(entry: bigint, clusterBits: number): Place | undefined {
  if ((entry >> 62n) & 1n) {
    const shift = BigInt(62 - (clusterBits - 8));
    const offset = Number(entry & ((1n << shift) - 1n));
    const sectors = Number((entry & ((1n << 62n) - 1n)) >> shift) + 1;
    return { kind: 'compressed', offset, length: sectors * 512 - (offset % 512) };
  }
  if (entry & 1n) return { kind: 'zero' };
  const offset = Number(entry & offsetMask);
  return offset === 0 ? undefined : { kind: 'stored', offset };
}

/** How many second tables are kept. */
const keptTables = 32;

export class Qcow2 {
  readonly present = new Bits();
  private readonly kept = new Map<number, DataView>();

  private constructor(
    private readonly file: RandomAccess,
    private readonly inflate: Inflate,
    private readonly header: Qcow2Header,
    private readonly tables: readonly number[],
  ) {}

  static async open(file: RandomAccess, inflate: Inflate): Promise<Qcow2> {
    const header = readQcow2Header(await file.read(0, qcow2HeaderBytes));
    const image = new Qcow2(file, inflate, header, await tablesOf(file, header));
    for await (const [cluster, place] of image.places()) if (place.kind !== 'zero') image.show(cluster);
    return image;
  }

  get size(): number {
    return this.header.size;
  }
  get clusterBytes(): number {
    return 2 ** this.header.clusterBits;
  }

  /** Every cluster that is mapped, in the disk's order. */
  async *places(): AsyncGenerator<readonly [cluster: number, place: Place]> {
    for (let table = 0; table < this.tables.length; table += 1) {
      const entries = await this.table(table);
      for (let i = 0; entries && i < this.perTable; i += 1) {
        const place = placeOf(entries.getBigUint64(i * 8), this.header.clusterBits);
        if (place) yield [table * this.perTable + i, place];
      }
    }
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const out = new Uint8Array(length);
    for (let at = offset; at < offset + length;) {
      const start = at % this.clusterBytes;
      const count = Math.min(offset + length - at, this.clusterBytes - start);
      const place = await this.placeAt(Math.floor(at / this.clusterBytes));
      if (place && place.kind !== 'zero') out.set(await this.part(place, start, count), at - offset);
      at += count;
    }
    return out;
  }

  private get perTable(): number {
    return this.clusterBytes / 8;
  }

  private show(cluster: number): void {
    const last = Math.floor(((cluster + 1) * this.clusterBytes - 1) / blockBytes);
    for (let block = Math.floor((cluster * this.clusterBytes) / blockBytes); block <= last; block += 1)
      this.present.set(block);
  }

  private async placeAt(cluster: number): Promise<Place | undefined> {
    const entries = await this.table(Math.floor(cluster / this.perTable));
    return entries && placeOf(entries.getBigUint64((cluster % this.perTable) * 8), this.header.clusterBits);
  }

  private async table(number: number): Promise<DataView | undefined> {
    const offset = this.tables[number] ?? 0;
    if (offset === 0) return undefined;
    const known = this.kept.get(number);
    if (known) return known;
    const bytes = await this.file.read(offset, this.clusterBytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.kept.set(number, view);
    const [oldest] = this.kept.keys();
    if (this.kept.size > keptTables && oldest !== undefined) this.kept.delete(oldest);
    return view;
  }

  private async part(
    place: Exclude<Place, { kind: 'zero' }>,
    start: number,
    count: number,
  ): Promise<Uint8Array> {
    if (place.kind === 'stored') return this.file.read(place.offset + start, count);
    return this.inflate(await this.file.read(place.offset, place.length), this.clusterBytes).subarray(
      start,
      start + count,
    );
  }
}

/** Where the second tables are. Two at one place would let a small file stand for an endless one. */
async function tablesOf(
  file: RandomAccess,
  { size, clusterBits, l1Offset, l1Size }: Qcow2Header,
): Promise<number[]> {
  const needed = Math.min(l1Size, Math.ceil(size / (2 ** clusterBits * (2 ** clusterBits / 8))));
  const bytes = await file.read(l1Offset, needed * 8);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const tables = Array.from({ length: needed }, (_, i) => Number(view.getBigUint64(i * 8) & offsetMask));
  const used = tables.filter((offset) => offset !== 0);
  if (new Set(used).size < used.length) throw new BadDisk('two tables at one place');
  return tables;
}
