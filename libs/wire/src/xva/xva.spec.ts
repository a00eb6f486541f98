import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import {
  Bits,
  ByteReader,
  extentsOf,
  MemberReader,
  memberBytes,
  readOva,
  TarReader,
  tarEnd,
  tarHeader,
  tarMember,
  writeMembers,
  writeOva,
  xxh64,
  type DiskSource,
} from '@xenplane/wire';

const checking = {
  sha1: (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex'),
  force: false,
};
async function* inPieces(bytes: Buffer, piece = 10_007): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
}
async function joined(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}
const sourceOf = (disk: Buffer): DiskSource => {
  const bits = new Bits();
  for (let block = 0; block * 65_536 < disk.length; block += 1)
    if (disk.subarray(block * 65_536, (block + 1) * 65_536).some((b) => b !== 0)) bits.set(block);
  return {
    size: disk.length,
    extents: [...extentsOf(bits, disk.length)],
    read: (offset, length) => inPieces(disk.subarray(offset, offset + length), 65_536),
  };
};
const membersOf = (bytes: Buffer, force = false): MemberReader =>
  new MemberReader(new TarReader(new ByteReader(inPieces(bytes))), { ...checking, force });
async function readDisk(reader: MemberReader, prefix: string, size: number): Promise<Buffer> {
  const disk = Buffer.alloc(size);
  for await (const write of reader.disk({ prefix, size }))
    if ('bytes' in write) disk.set(write.bytes, write.offset);
  return disk;
}
const namesIn = async (bytes: Buffer): Promise<string[]> => {
  const tar = new TarReader(new ByteReader(inPieces(bytes)));
  const names: string[] = [];
  for (let entry = await tar.next(); entry; entry = await tar.next()) {
    names.push(entry.name);
    await tar.content(entry, 2 ** 30);
  }
  return names;
};

test('ova.xml begins with its value, and is read with a declaration before it too', () => {
  const version = {
    hostname: 'h',
    date: '',
    product_version: '8.3.0',
    product_brand: 'X',
    build_number: '1',
    xapi_major: 1,
    xapi_minor: 9,
  };
  const bytes = writeOva(version, []);
  expect(new TextDecoder().decode(bytes)).toMatch(/^<value><struct>/);
  for (const before of ['', "<?xml version='1.0'?>", '<?xml version="1.0" encoding="UTF-8"?>\n'])
    expect(readOva(Buffer.concat([Buffer.from(before), bytes])).version).toMatchObject({ hostname: 'h' });
});

test.each([
  ['', 'EF46DB3751D8E999'],
  ['a', 'D24EC4F1A98C6E5B'],
  ['abc', '44BC2CF5AD770999'],
  ['Nobody inspects the spammish repetition', 'FBCEA83C8A378BF1'],
])('XXH64 of %j is %s', async (text, hash) => expect(await xxh64(Buffer.from(text))).toBe(hash));

const part = fc.record({ block: fc.nat(79), count: fc.integer({ min: 1, max: 5 }) });
test('disks go through an archive unchanged, one after another, and most of their zeroes not at all', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          size: fc.integer({ min: 1, max: 5 * memberBytes }),
          parts: fc.array(part, { maxLength: 3 }),
        }),
        { maxLength: 3 },
      ),
      async (disks) => {
        const all = disks.map(({ size, parts }) => {
          const disk = Buffer.alloc(size);
          for (const { block, count } of parts)
            if (block * 65_536 < size) randomBytes(count * 65_536).copy(disk, block * 65_536);
          return disk;
        });
        const archive = Buffer.concat([
          ...(await Promise.all(all.map((disk, i) => joined(writeMembers(`Ref:${i}/`, sourceOf(disk)))))),
          tarEnd(),
        ]);
        const reader = membersOf(archive);
        for (const [i, disk] of all.entries())
          expect((await readDisk(reader, `Ref:${i}/`, disk.length)).equals(disk)).toBe(true);
        await reader.end();
      },
    ),
    { numRuns: 40 },
  );
});

test('of an empty disk the first and last block are written', async () => {
  const bytes = Buffer.concat([
    await joined(writeMembers('Ref:7/', sourceOf(Buffer.alloc(5 * memberBytes)))),
    tarEnd(),
  ]);
  expect(await namesIn(bytes)).toEqual([
    'Ref:7/00000000',
    'Ref:7/00000000.xxhash',
    'Ref:7/00000004',
    'Ref:7/00000004.xxhash',
  ]);
});

const block = randomBytes(memberBytes);
const archive = (...members: [string, Uint8Array][]): Buffer =>
  Buffer.concat([...members.flatMap(([name, bytes]) => [...tarMember(name, bytes)]), tarEnd()]);
const sha1 = Buffer.from(checking.sha1(block));

test('both kinds of checksum are believed, none is needed, and files without bytes say nothing', async () => {
  const bytes = archive(
    ['Ref:1/00000000', new Uint8Array()],
    ['Ref:1/00000000.xxhash', Buffer.from(await xxh64(new Uint8Array()))],
    ['Ref:1/00000000', block],
    ['Ref:1/00000000.checksum', sha1],
    ['Ref:1/00000002', block],
  );
  expect(
    (await readDisk(membersOf(bytes), 'Ref:1/', 3 * memberBytes)).equals(
      Buffer.concat([block, Buffer.alloc(memberBytes), block]),
    ),
  ).toBe(true);
});

test.each<[string, Buffer, string[]]>([
  [
    'a wrong checksum',
    archive(['Ref:1/00000000', block], ['Ref:1/00000000.xxhash', Buffer.from('0'.repeat(16))]),
    ['IMPORT_ERROR_SOME_CHECKSUMS_FAILED'],
  ],
  [
    'a wrong old checksum',
    archive(['Ref:1/00000000', block], ['Ref:1/00000000.checksum', Buffer.from('0'.repeat(40))]),
    ['IMPORT_ERROR_SOME_CHECKSUMS_FAILED'],
  ],
  [
    'another disk',
    archive(['Ref:2/00000000', block]),
    ['IMPORT_ERROR_UNEXPECTED_FILE', 'Ref:1/*', 'Ref:2/00000000'],
  ],
  [
    'a file beyond the end',
    archive(['Ref:1/00000009', block]),
    ['IMPORT_ERROR_UNEXPECTED_FILE', 'Ref:1/ of 1048576 bytes', 'Ref:1/00000009'],
  ],
  ['an archive that ends early', archive(), ['IMPORT_ERROR_PREMATURE_EOF']],
])('%s is refused', async (_what, bytes, description) => {
  await expect(readDisk(membersOf(bytes), 'Ref:1/', memberBytes)).rejects.toMatchObject({ description });
});

test('force takes blocks whose checksums are wrong', async () => {
  const bytes = archive(['Ref:1/00000000', block], ['Ref:1/00000000.xxhash', Buffer.from('0'.repeat(16))]);
  expect((await readDisk(membersOf(bytes, true), 'Ref:1/', memberBytes)).equals(block)).toBe(true);
});

test('a cut stream, a broken header and a link are no archive', async () => {
  await expect(namesIn(archive(['a', block]).subarray(0, 5000))).rejects.toThrow('ended too early');
  const broken = archive(['a', block]);
  broken.writeUInt8(65, 3);
  await expect(namesIn(broken)).rejects.toThrow('checksum');
});

test('names of more than a hundred characters survive, whoever wrote them', async () => {
  const long = `${'d'.repeat(90)}/${'n'.repeat(60)}`,
    pax = Buffer.from(`${String(long.length + 10)} path=${long}\n`);
  const header = Buffer.from(tarHeader('PaxHeader', pax.length));
  header.write('x', 156);
  const sum = header.fill(' ', 148, 156).reduce((a, b) => a + b, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const padded = Buffer.concat([header, pax, Buffer.alloc(512 - pax.length)]);
  expect(
    await namesIn(
      Buffer.concat([
        archive([long, block]).subarray(0, -1024),
        padded,
        ...tarMember('short', block),
        tarEnd(),
      ]),
    ),
  ).toEqual([long, long]);
});

test('a reader that stops stops the writer: nothing is read ahead', async () => {
  let read = 0;
  const size = 256 * memberBytes;
  const source: DiskSource = {
    size,
    extents: [{ offset: 0, length: size }],
    async *read(_offset, length) {
      for (let at = 0; at < length; at += 65_536) {
        read += 65_536;
        yield block.subarray(0, 65_536);
      }
    },
  };
  const writer = writeMembers('Ref:1/', source);
  for (let taken = 0; taken < 3; taken += 1) await writer.next();
  expect(read).toBeLessThanOrEqual(2 * memberBytes);
  await writer.return(undefined);
});

test('a source is told when nobody takes the rest of it', async () => {
  let told = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield Buffer.alloc(10);
    } finally {
      told = true;
    }
  }
  for await (const part of new ByteReader(source()).rest()) if (part.length > 0) break;
  expect(told).toBe(true);
});
