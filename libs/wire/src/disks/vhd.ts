/** VHD files (Microsoft's format specification) of growing and of differencing disks: tables first, then blocks of 2 MiB under bitmaps of their sectors. */
import { XenError } from '@xenplane/model';
import { blockBytes, type Extent, type Write } from './blocks';
import type { ByteReader } from './byte-reader';
import { unitNumbers, unitsOf, type DiskSource } from './disk-source';
import { BadDisk } from './qcow2';

const sectorBytes = 512;
const vhdBlockBytes = 2 ** 21;
const tableAt = 3 * sectorBytes;
const unused = 0xffff_ffff;
const text = new TextEncoder();
const latin = new TextDecoder('latin1');
/** The largest disk that the sector numbers of the table can reach. */
const largestBytes = 2040 * 2 ** 30;

export interface VhdNames {
  readonly uuid: string;
  /** Then the file holds only the difference from the disk with this uuid. */
  readonly base?: string | undefined;
}

const uuidBytes = (uuid: string): Uint8Array =>
  Uint8Array.from(uuid.replaceAll('-', '').match(/../g) ?? [], (hex) => parseInt(hex, 16));

function sealed(bytes: Uint8Array, at: number): Uint8Array {
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  new DataView(bytes.buffer).setUint32(at, ~sum >>> 0);
  return bytes;
}

/** Cylinders, heads and sectors as old BIOSes want them, by the specification's own recipe. */
function geometry(size: number): { cylinders: number; heads: number; sectors: number } {
  const total = Math.min(Math.floor(size / sectorBytes), 65_535 * 16 * 255);
  if (total >= 65_535 * 16 * 63) return { cylinders: Math.floor(total / 255 / 16), heads: 16, sectors: 255 };
  let sectors = 17,
    tracks = Math.floor(total / 17),
    heads = Math.max(4, Math.floor((tracks + 1023) / 1024));
  if (tracks >= heads * 1024 || heads > 16) [sectors, heads, tracks] = [31, 16, Math.floor(total / 31)];
  if (tracks >= heads * 1024) [sectors, heads, tracks] = [63, 16, Math.floor(total / 63)];
  return { cylinders: Math.floor(tracks / heads), heads, sectors };
}

function footer(size: number, { uuid, base }: VhdNames): Uint8Array {
  const bytes = new Uint8Array(sectorBytes),
    view = new DataView(bytes.buffer);
  const { cylinders, heads, sectors } = geometry(size);
  bytes.set(text.encode('conectix'));
  view.setUint32(8, 2);
  view.setUint32(12, 0x0001_0000);
  view.setBigUint64(16, BigInt(sectorBytes));
  // Readers take the size, not the geometry, for files of this creator.
  bytes.set(text.encode('tap\0'), 28);
  view.setUint32(32, 0x0001_0003);
  view.setBigUint64(40, BigInt(size));
  view.setBigUint64(48, BigInt(size));
  view.setUint16(56, cylinders);
  view.setUint8(58, heads);
  view.setUint8(59, sectors);
  view.setUint32(60, base === undefined ? 3 : 4);
  bytes.set(uuidBytes(uuid), 68);
  return sealed(bytes, 64);
}

function header(entries: number, { base }: VhdNames): Uint8Array {
  const bytes = new Uint8Array(2 * sectorBytes),
    view = new DataView(bytes.buffer);
  bytes.set(text.encode('cxsparse'));
  view.setBigUint64(8, 2n ** 64n - 1n);
  view.setBigUint64(16, BigInt(tableAt));
  view.setUint32(24, 0x0001_0000);
  view.setUint32(28, entries);
  view.setUint32(32, vhdBlockBytes);
  if (base !== undefined) {
    bytes.set(uuidBytes(base), 40);
    [...`${base}.vhd`].forEach((c, i) => view.setUint16(64 + 2 * i, c.charCodeAt(0)));
  }
  return sealed(bytes, 36);
}

const bitmapBytes = (block: number): number => Math.ceil(block / sectorBytes / 8 / sectorBytes) * sectorBytes;

export async function* writeVhd(source: DiskSource, names: VhdNames): AsyncGenerator<Uint8Array> {
  if (source.size > largestBytes)
    throw new XenError('VDI_TOO_LARGE', String(source.size), String(largestBytes));
  const end = footer(source.size, names);
  const entries = Math.ceil(source.size / vhdBlockBytes);
  const table = new Uint8Array(Math.ceil((entries * 4) / sectorBytes) * sectorBytes).fill(0xff);
  const view = new DataView(table.buffer);
  let at = (tableAt + table.length) / sectorBytes;
  for (const index of unitNumbers(source, vhdBlockBytes)) {
    view.setUint32(index * 4, at);
    at += (bitmapBytes(vhdBlockBytes) + vhdBlockBytes) / sectorBytes;
  }
  yield end;
  yield header(entries, names);
  yield table;
  const extents = new Sectors(source.extents);
  for await (const { index, bytes } of unitsOf(source, vhdBlockBytes)) {
    yield extents.bitmap(index);
    yield bytes;
    if (bytes.length < vhdBlockBytes) yield new Uint8Array(vhdBlockBytes - bytes.length);
  }
  yield end;
}

/** Which sectors of each block are present; asked in order. */
class Sectors {
  private readonly extents: Iterator<Extent>;
  private next: Extent | undefined;

  constructor(extents: Iterable<Extent>) {
    this.extents = extents[Symbol.iterator]();
    this.step();
  }

  bitmap(index: number): Uint8Array {
    const bytes = new Uint8Array(bitmapBytes(vhdBlockBytes));
    const start = index * vhdBlockBytes,
      end = start + vhdBlockBytes;
    while (this.next && this.next.offset < end) {
      const from = Math.max(start, this.next.offset),
        to = Math.min(end, this.next.offset + this.next.length);
      // Extents begin and end at blocks of 64 KiB, which are 16 bytes of this map.
      if (from < to)
        bytes.fill(
          0xff,
          (from - start) / sectorBytes / 8,
          Math.ceil((to - start) / blockBytes) * (blockBytes / sectorBytes / 8),
        );
      if (this.next.offset + this.next.length > end) break;
      this.step();
    }
    return bytes;
  }
  private step(): void {
    const { done, value } = this.extents.next();
    this.next = done ? undefined : value;
  }
}

const largestTable = 64 * 2 ** 20;

/** The blocks of the file, in the file's order; absent places are left out. */
export async function* readVhd(reader: ByteReader): AsyncGenerator<Write> {
  const view = await checked(reader, sectorBytes, 'conectix');
  const size = Number(view.getBigUint64(48)),
    type = view.getUint32(60);
  if (type !== 3 && type !== 4) throw new BadDisk(`a VHD of type ${type}`);
  await forward(reader, Number(view.getBigUint64(16)));
  const about = await checked(reader, 2 * sectorBytes, 'cxsparse');
  const entries = about.getUint32(28),
    block = about.getUint32(32);
  if (block < 4096 || block > 2 ** 28 || (block & (block - 1)) !== 0 || entries * 4 > largestTable)
    throw new BadDisk('a VHD with a strange table');
  await forward(reader, Number(about.getBigUint64(16)));
  const table = new DataView((await reader.exactly(entries * 4)).buffer);
  const places = Array.from({ length: entries }, (_, index) => ({
    index,
    sector: table.getUint32(index * 4),
  })).filter(({ sector }) => sector !== unused);
  for (const { index, sector } of places.sort((a, b) => a.sector - b.sector)) {
    await forward(reader, sector * sectorBytes);
    yield* readBlock(reader, { at: index * block, block, size });
  }
}

async function checked(reader: ByteReader, length: number, cookie: string): Promise<DataView> {
  const bytes = await reader.exactly(length);
  if (latin.decode(bytes.subarray(0, 8)) !== cookie) throw new BadDisk('not a VHD of a growing disk');
  return new DataView(bytes.buffer);
}

async function forward(reader: ByteReader, to: number): Promise<void> {
  if (to < reader.position) throw new BadDisk('a VHD whose parts lie over one another');
  await reader.skip(to - reader.position);
}

async function* readBlock(
  reader: ByteReader,
  { at, block, size }: { at: number; block: number; size: number },
): AsyncGenerator<Write> {
  const map = await reader.exactly(bitmapBytes(block));
  const has = (sector: number): boolean => ((map[sector >> 3] ?? 0) & (0x80 >> (sector & 7))) !== 0;
  const sectors = block / sectorBytes;
  for (let first = 0; first < sectors;) {
    let end = first + 1;
    while (end < sectors && has(end) === has(first)) end += 1;
    let offset = at + first * sectorBytes;
    for await (const bytes of reader.through((end - first) * sectorBytes)) {
      const inside = bytes.subarray(0, Math.max(0, size - offset));
      if (has(first) && inside.length > 0) yield { offset, bytes: inside };
      offset += bytes.length;
    }
    first = end;
  }
}
