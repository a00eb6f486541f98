import { randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import {
  Bits,
  ByteReader,
  chunkedLength,
  extentsOf,
  gathered,
  isZero,
  readChunked,
  readFrames,
  readQcow2,
  readRaw,
  readTarDisk,
  readVhd,
  writeChunked,
  writeFrames,
  writeQcow2,
  writeRaw,
  writeTarDisk,
  writeVhd,
  type Aside,
  type DiskSource,
  type Write,
} from '@xenplane/wire';

const block = 65_536;
async function* inPieces(bytes: Uint8Array, piece: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
}
async function joined(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(Uint8Array.from(part));
  return Buffer.concat(parts);
}
async function applied(writes: AsyncIterable<Write>, disk: Buffer): Promise<Buffer> {
  for await (const write of writes) {
    if ('zeroes' in write) disk.fill(0, write.offset, write.offset + write.zeroes);
    else disk.set(write.bytes, write.offset);
  }
  return disk;
}
const sourceOf = (disk: Buffer, blocks?: readonly number[]): DiskSource => {
  const bits = new Bits();
  for (let i = 0; i * block < disk.length; i += 1)
    if (blocks ? blocks.includes(i) : !isZero(disk.subarray(i * block, (i + 1) * block))) bits.set(i);
  return {
    size: disk.length,
    extents: [...extentsOf(bits, disk.length)],
    read: (offset, length) => inPieces(disk.subarray(offset, offset + length), 100_003),
  };
};
const checking = { sha1: () => '', force: false };
let putAsides = 0;
const reading = {
  inflate: (bytes: Uint8Array, length: number) => inflateRawSync(bytes, { maxOutputLength: length }),
  putAside: async (bytes: AsyncIterable<Uint8Array>): Promise<Aside> => {
    putAsides += 1;
    const file = await joined(bytes);
    return {
      size: file.length,
      read: async (offset, length) => Buffer.concat([file.subarray(offset, offset + length)], length),
      close: async () => undefined,
    };
  },
};
const uuid = '01234567-89ab-4def-8123-456789abcdef';
type Format = readonly [
  string,
  (source: DiskSource) => AsyncIterable<Uint8Array>,
  (reader: ByteReader, size: number) => AsyncIterable<Write>,
];
const formats: readonly Format[] = [
  ['raw', writeRaw, readRaw],
  ['chunks', writeChunked, readChunked],
  ['vhd', (source) => writeVhd(source, { uuid }), readVhd],
  ['qcow2', writeQcow2, (reader) => readQcow2(reader, reading)],
  ['tar', writeTarDisk, (reader, size) => readTarDisk(reader, size, checking)],
];
const disks = fc.record({
  sectors: fc.integer({ min: 1, max: 12_000 }),
  blocks: fc.array(fc.nat(95), { maxLength: 6 }),
  piece: fc.constantFrom(511, 65_536, 1_000_003),
});
const diskOf = ({ sectors, blocks }: { sectors: number; blocks: readonly number[] }): Buffer => {
  const disk = Buffer.alloc(sectors * 512);
  for (const at of blocks) if (at * block < disk.length) randomBytes(block).copy(disk, at * block);
  return disk;
};

test.each(formats)(
  'a disk goes through %s unchanged, in whatever pieces it comes',
  async (_name, write, read) => {
    await fc.assert(
      fc.asyncProperty(disks, async (shape) => {
        const disk = diskOf(shape);
        const file = await joined(write(sourceOf(disk)));
        expect(
          (
            await applied(
              read(new ByteReader(inPieces(file, shape.piece)), disk.length),
              Buffer.alloc(disk.length),
            )
          ).equals(disk),
        ).toBe(true);
      }),
      { numRuns: 25 },
    );
  },
);

test('a difference holds only what differs, down to the block', async () => {
  const base = randomBytes(5 * 2 ** 20),
    disk = Buffer.from(base);
  randomBytes(block).copy(disk, 33 * block);
  const file = await joined(writeVhd(sourceOf(disk, [33]), { uuid, base: uuid.replace('0', 'f') }));
  const seen: number[] = [];
  async function* watched(): AsyncGenerator<Write> {
    for await (const write of readVhd(new ByteReader(inPieces(file, 65_536)))) {
      seen.push(write.offset);
      yield write;
    }
  }
  expect((await applied(watched(), Buffer.from(base))).equals(disk)).toBe(true);
  expect(seen.every((offset) => Math.floor(offset / block) === 33)).toBe(true);
  expect([
    file.readUInt32BE(60),
    file.subarray(512 + 40, 512 + 44).toString('hex'),
    file.subarray(512 + 64, 512 + 72).toString('latin1'),
  ]).toEqual([4, 'f1234567', '\0f\x001\x002\x003']);
});

test('a VHD is what its format says: cookies, sizes, checksums that are the complement of the sum', async () => {
  const file = await joined(writeVhd(sourceOf(Buffer.alloc(3 * 2 ** 20)), { uuid }));
  const sum = (from: number, length: number, at: number): number => {
    const bytes = Buffer.from(file.subarray(from, from + length));
    bytes.writeUInt32BE(0, at);
    return ~bytes.reduce((a, b) => a + b, 0) >>> 0;
  };
  expect([
    file.toString('latin1', 0, 8),
    file.toString('latin1', 512, 520),
    file.toString('latin1', file.length - 512, file.length - 504),
  ]).toEqual(['conectix', 'cxsparse', 'conectix']);
  expect([file.readBigUInt64BE(48), file.readUInt32BE(64), file.readUInt32BE(512 + 36)]).toEqual([
    3n * 2n ** 20n,
    sum(0, 512, 64),
    sum(512, 1024, 36),
  ]);
  expect([file.readUInt32BE(512 + 28), file.readUInt32BE(512 + 32), file.readUInt32BE(1536)]).toEqual([
    2,
    2 ** 21,
    0xffffffff,
  ]);
  await expect(joined(writeVhd({ ...sourceOf(Buffer.alloc(0)), size: 2 ** 42 }, { uuid }))).rejects.toThrow(
    'VDI_TOO_LARGE',
  );
});

test('a qcow2 file counts every cluster once, and no more', async () => {
  const file = await joined(writeQcow2(sourceOf(randomBytes(40 * block))));
  const clusters = file.length / block;
  const table = Number(file.readBigUInt64BE(Number(file.readBigUInt64BE(48))));
  const counts = Array.from({ length: clusters + 5 }, (_, i) => file.readUInt16BE(table + i * 2));
  expect(counts).toEqual([...Array<number>(clusters).fill(1), 0, 0, 0, 0, 0]);
});

/** As other programs write them: a table of the second kind after the clusters that it maps, one of them compressed, one said to be zero. */
function foreign(disk: Buffer): Buffer {
  const file = Buffer.alloc(3 * block);
  file.write('QFI\xfb', 'latin1');
  file.writeUInt32BE(3, 4);
  file.writeUInt32BE(16, 20);
  file.writeBigUInt64BE(BigInt(disk.length), 24);
  file.writeUInt32BE(1, 36);
  file.writeBigUInt64BE(BigInt(block), 40);
  file.writeUInt32BE(104, 100);
  const packed = deflateRawSync(disk.subarray(0, block));
  const filler = Buffer.alloc(130 * block);
  const data = Buffer.concat([
    packed,
    Buffer.alloc(2 * block - packed.length),
    disk.subarray(block, 2 * block),
  ]);
  const l2 = Buffer.alloc(block);
  l2.writeBigUInt64BE((1n << 62n) | (BigInt(Math.ceil(packed.length / 512)) << 54n) | BigInt(file.length), 0);
  l2.writeBigUInt64BE(BigInt(file.length + 2 * block), 8);
  l2.writeBigUInt64BE(1n, 16);
  file.writeBigUInt64BE(BigInt(file.length + data.length + filler.length), block);
  return Buffer.concat([file, data, filler, l2]);
}
test('a qcow2 file whose tables come late is put aside, and read', async () => {
  const disk = Buffer.concat([
    Buffer.alloc(block, 'compressible '),
    randomBytes(block),
    Buffer.alloc(2 * block),
  ]);
  const before = putAsides;
  const read = await applied(
    readQcow2(new ByteReader(inPieces(foreign(disk), 65_536)), reading),
    Buffer.concat([Buffer.alloc(3 * block, 1), Buffer.alloc(block)]),
  );
  expect([read.equals(disk), putAsides - before]).toEqual([true, 1]);
});
test('a large qcow2 file of ours is read on the way', async () => {
  const disk = randomBytes(140 * block);
  const before = putAsides;
  const read = await applied(
    readQcow2(new ByteReader(inPieces(await joined(writeQcow2(sourceOf(disk))), 65_536)), reading),
    Buffer.alloc(disk.length),
  );
  expect([read.equals(disk), putAsides - before]).toEqual([true, 0]);
});

test.each<[string, (file: Buffer) => void, (reader: ByteReader) => AsyncIterable<Write>]>([
  ['qcow2 with a backing file', (f) => f.writeBigUInt64BE(100n, 8), (r) => readQcow2(r, reading)],
  ['qcow2 of features to come', (f) => f.writeBigUInt64BE(1n << 40n, 72), (r) => readQcow2(r, reading)],
  [
    'qcow2 with two tables at one place',
    (f) => f.writeBigUInt64BE(f.readBigUInt64BE(block), block + 8),
    (r) => readQcow2(r, reading),
  ],
  ['VHD', () => undefined, readVhd],
])('%s is refused', async (_what, change, read) => {
  const file = await joined(writeQcow2({ ...sourceOf(randomBytes(block)), size: 2 ** 31 }));
  change(file);
  await expect(
    applied(read(new ByteReader(inPieces(file, 4096))), Buffer.alloc(block)),
  ).rejects.toMatchObject({ name: 'BadDisk' });
});

test.each(formats.filter(([name]) => name !== 'raw'))(
  '%s that is cut is no disk',
  async (_name, write, read) => {
    const disk = randomBytes(3 * 2 ** 20);
    const file = await joined(write(sourceOf(disk)));
    const cut = file.subarray(0, file.length - 2 ** 20);
    await expect(
      applied(read(new ByteReader(inPieces(cut, 65_536)), disk.length), Buffer.alloc(disk.length)),
    ).rejects.toThrow('too early');
  },
);

test('frames carry writes, and a stream without its end is no whole one', async () => {
  const disk = randomBytes(200_000);
  async function* writes(): AsyncGenerator<Write> {
    yield { offset: 5, bytes: disk.subarray(5, 100_000) };
    yield { offset: 100_000, zeroes: 1000 };
  }
  const bytes = await joined(writeFrames(writes()));
  const want = Buffer.alloc(200_000, 7);
  disk.copy(want, 5, 5, 100_000);
  want.fill(0, 100_000, 101_000);
  expect((await applied(readFrames(inPieces(bytes, 999)), Buffer.alloc(200_000, 7))).equals(want)).toBe(true);
  await expect(
    applied(readFrames(inPieces(bytes.subarray(0, -17), 999)), Buffer.alloc(200_000)),
  ).rejects.toThrow('too early');
});

test('gathered pieces end at whole MiB and are the same writes', async () => {
  const disk = randomBytes(3 * 2 ** 20);
  async function* writes(): AsyncGenerator<Write> {
    for (let at = 777; at < disk.length; at += 10_000)
      yield { offset: at, bytes: disk.subarray(at, at + 10_000) };
  }
  const ends: number[] = [];
  async function* watched(): AsyncGenerator<Write> {
    for await (const write of gathered(writes())) {
      if ('bytes' in write) ends.push(write.offset + write.bytes.length);
      yield write;
    }
  }
  const read = await applied(watched(), Buffer.alloc(disk.length));
  expect(read.subarray(777).equals(disk.subarray(777))).toBe(true);
  expect(ends).toEqual([2 ** 20, 2 ** 21, 3 * 2 ** 20]);
});

test('chunks of xapi are read to their end', async () => {
  const header = Buffer.alloc(12);
  header.writeBigUInt64LE(3n);
  header.writeUInt32LE(4, 8);
  const read = await applied(
    readChunked(new ByteReader(inPieces(Buffer.concat([header, Buffer.from('abcd'), Buffer.alloc(12)]), 5))),
    Buffer.alloc(8, '.'),
  );
  expect(read.toString()).toBe('...abcd.');
});

test('the length of what is sent in chunks is known before', async () => {
  for (const blocks of [[], [0], [1, 2, 3, 40], Array.from({ length: 40 }, (_, i) => i)]) {
    const source = sourceOf(randomBytes(40 * block + 3), blocks);
    expect((await joined(writeChunked(source))).length).toBe(chunkedLength(source));
  }
});
