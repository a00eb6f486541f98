import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { ByteReader } from '@xenplane/wire';
import { packZstd, unpackZstd } from './zstd';

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
async function whole(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const out: Uint8Array[] = [];
  for await (const piece of bytes) out.push(piece);
  return Buffer.concat(out);
}
const unpack = (bytes: Uint8Array): AsyncGenerator<Uint8Array> =>
  unpackZstd(new ByteReader(pieces(bytes, 5000)));

test.each([
  ['one byte', Buffer.from('a')],
  ['just a frame of ours', Buffer.alloc(2 ** 18, 'abc')],
  ['a byte more', Buffer.alloc(2 ** 18 + 1, 'abc')],
  ['noise', randomBytes(700_000)],
  ['much of the same', Buffer.alloc(5_000_000, 7)],
])('%s comes back', async (_what, bytes) => {
  const packed = await whole(packZstd(pieces(bytes, 70_000)));
  expect(packed.length).toBeLessThan(bytes.length + 200);
  expect((await whole(unpack(packed))).equals(bytes)).toBe(true);
});

test('two streams at once do not mix', async () => {
  const all = [Buffer.alloc(900_000, 'one'), Buffer.alloc(900_000, 'another')];
  const packed = await Promise.all(all.map((bytes) => whole(packZstd(pieces(bytes, 64_000)))));
  expect(await Promise.all(packed.map((bytes) => whole(unpack(bytes))))).toEqual(all);
});

/** How often others had their turn meanwhile. */
async function turnsDuring(work: () => Promise<void>): Promise<number> {
  let turns = 0,
    working = true;
  const counting = (async () => {
    for (; working; turns += 1) await turn();
  })();
  await work();
  working = false;
  await counting;
  return turns;
}
/** A frame of a kilobyte that says of itself that it is 100 MB: blocks that repeat one byte. */
const bomb = Buffer.concat([
  Buffer.from('28b52ffd0058', 'hex'),
  ...Array.from({ length: 799 }, () => Buffer.from('02001000', 'hex')),
  Buffer.from('03001000', 'hex'),
]);

test('others have their turn between blocks, however much comes of few bytes', async () => {
  let got = 0,
    most = 0;
  const turns = await turnsDuring(async () => {
    for await (const bytes of unpackZstd(new ByteReader(pieces(bomb, 2 ** 20)))) {
      got += bytes.length;
      most = Math.max(most, bytes.length);
    }
  });
  expect(got).toBe(800 * 2 ** 17);
  expect(most).toBeLessThanOrEqual(2 ** 17);
  expect(turns).toBeGreaterThanOrEqual(800);
  const source = pieces(Buffer.alloc(20 * 2 ** 18), 2 ** 22);
  expect(await turnsDuring(async () => void (await whole(packZstd(source))))).toBeGreaterThanOrEqual(20);
});

test('no more is read ahead than a block takes, and the source is told when no more is wanted', async () => {
  const packed = await whole(packZstd(pieces(randomBytes(3_000_000), 2 ** 16)));
  let read = 0,
    closed = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of pieces(packed, 1000)) {
        read += piece.length;
        yield piece;
      }
    } finally {
      closed = true;
    }
  }
  const reader = new ByteReader(source());
  for await (const _first of unpackZstd(reader)) break;
  expect(read).toBeLessThan(2 ** 18 + 2000);
  await reader.close();
  expect(closed).toBe(true);
});
