import type { DiskSource, Write } from '@xenplane/wire';
import { diskBytes, headersOf, readCopy, writesOf } from './write-copies';
import type { Dump } from './dump';

const dump = (text: string, position: number): Dump => ({
  pool: 'the pool',
  position,
  packed: Buffer.from(text),
});

/** Of what was written only the bytes are kept. */
class Disk implements DiskSource {
  readonly size = diskBytes;
  readonly extents = [];
  readonly written: { readonly offset: number; readonly bytes: Buffer }[] = [];

  async take(writes: AsyncIterable<Write>, most = Infinity): Promise<void> {
    let count = 0;
    for await (const write of writes) {
      if ((count += 1) > most) return;
      if ('bytes' in write) this.written.push({ offset: write.offset, bytes: Buffer.from(write.bytes) });
    }
  }
  async *read(offset: number, length: number): AsyncGenerator<Uint8Array> {
    const piece = Buffer.alloc(length);
    for (const { offset: at, bytes } of this.written)
      if (at < offset + length && at + bytes.length > offset)
        bytes.copy(piece, Math.max(0, at - offset), Math.max(0, offset - at));
    yield piece;
  }
}

test('the newest copy is read, each turn in the other place', async () => {
  const disk = new Disk();
  await expect(readCopy(disk)).rejects.toThrow('no whole copy');
  await disk.take(writesOf(dump('one', 10), 1));
  await disk.take(writesOf(dump('two', 20), 2));
  expect((await headersOf(disk)).map((h) => [h.turn, h.position, h.pool])).toEqual([
    [2, 20, 'the pool'],
    [1, 10, 'the pool'],
  ]);
  expect((await readCopy(disk)).packed.toString()).toBe('two');
  await disk.take(writesOf(dump('three', 30), 3));
  expect((await headersOf(disk)).map((h) => h.turn)).toEqual([3, 2]);
  expect(await readCopy(disk)).toEqual(dump('three', 30));
});

test('a copy that was cut short leaves the one before', async () => {
  const disk = new Disk();
  await disk.take(writesOf(dump('one', 10), 1));
  await disk.take(writesOf(dump('two', 20), 2));
  await disk.take(writesOf(dump('a longer third', 30), 3), 1);
  expect((await readCopy(disk)).packed.toString()).toBe('two');
  await disk.take(writesOf(dump('four', 40), 4), 1);
  await expect(readCopy(disk)).rejects.toThrow('no whole copy');
});

test('what is larger than its place is not written', async () => {
  const disk = new Disk();
  const large = { ...dump('', 1), packed: Buffer.alloc(diskBytes / 2) };
  await expect(disk.take(writesOf(large, 1))).rejects.toThrow('more than the disk has room for');
  expect(disk.written).toEqual([]);
});
