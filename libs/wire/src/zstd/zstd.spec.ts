/** Files in `golden/` were made by the `zstd` program (1.5.4), of what `contents` makes. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { ByteReader, EndOfStream } from '../disks';
import { BadZstd, unpackFrame, zstdFrames } from '.';

/** Of a fixed seed, so that a test says which bytes are meant without keeping them. */
function* numbers(): Generator<number> {
  for (let state = 1; ;) yield (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8;
}
function noise(count: number): Buffer {
  const source = numbers();
  return Buffer.from(Array.from({ length: count }, () => (source.next().value ?? 0) & 255));
}
function words(count: number): Buffer {
  const source = numbers();
  const next = (): number => source.next().value ?? 0;
  const known = Array.from({ length: 300 }, () =>
    Array.from({ length: 2 + (next() % 8) }, () => String.fromCharCode(97 + (next() % 26))).join(''),
  );
  return Buffer.from(
    Array.from({ length: count }, () => known[Math.min(next() % 300, next() % 300)]).join(' '),
  );
}
const contents = {
  nothing: Buffer.alloc(0),
  short: Buffer.from('hello hello hello, hello'),
  words: words(9_000),
  mixed: Buffer.concat([
    words(4_000),
    noise(3_000),
    Buffer.alloc(400_000),
    words(4_000),
    noise(3_000),
    Buffer.alloc(70_000, 7),
    words(6_000),
  ]),
} as const;

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
async function unpacked(bytes: Uint8Array, piece = 1000): Promise<Buffer> {
  const reader = new ByteReader(inPieces(bytes, piece)),
    out: Uint8Array[] = [];
  for await (const frame of zstdFrames(reader))
    for await (const part of unpackFrame(frame, reader)) out.push(part);
  return Buffer.concat(out);
}
const golden = (name: string): Buffer => readFileSync(path.join(__dirname, 'golden', `${name}.zst`));

test.each<[string, keyof typeof contents]>([
  ['nothing', 'nothing'],
  ['short', 'short'],
  ['words-fast', 'words'],
  ['words-19', 'words'],
  ['words-small-window', 'words'],
  ['mixed-1', 'mixed'],
  ['mixed-3', 'mixed'],
  ['mixed-22', 'mixed'],
  ['mixed-unchecked', 'mixed'],
])('%s.zst is what the zstd program packed', async (name, content) => {
  expect((await unpacked(golden(name))).equals(contents[content])).toBe(true);
  expect((await unpacked(golden(name), 1)).equals(contents[content])).toBe(true);
});

test('frames follow one another, and those of others are passed over', async () => {
  const skipped = Buffer.from('532a4d1803000000616263', 'hex');
  const all = Buffer.concat([
    skipped,
    golden('short'),
    golden('nothing'),
    skipped,
    golden('words-19'),
    skipped,
  ]);
  expect((await unpacked(all)).equals(Buffer.concat([contents.short, contents.words]))).toBe(true);
});

test.each([
  ['something else than a frame', Buffer.from('no archive')],
  ['something else than a frame', Buffer.concat([golden('short'), Buffer.from('more')])],
  ['too much memory', Buffer.from('28b52ffd0090', 'hex')],
  ['too much memory', Buffer.from('28b52ffde0ffffffffffffffff', 'hex')],
  ['a dictionary', Buffer.from('28b52ffd010007', 'hex')],
  ['a later version', Buffer.from('28b52ffd0800', 'hex')],
  ['a kind of block that does not exist', Buffer.from('28b52ffd0000070000', 'hex')],
  ['a block that is too long', Buffer.from('28b52ffd0000082000', 'hex')],
])('%s: refused', async (why, bytes) => {
  await expect(unpacked(bytes)).rejects.toThrow(why);
  await expect(unpacked(bytes)).rejects.toBeInstanceOf(BadZstd);
});

test('wherever a stream ends too early, it is told', async () => {
  const whole = golden('mixed-3');
  for (let at = 1; at < whole.length; at += 97)
    await expect(unpacked(whole.subarray(0, at))).rejects.toBeInstanceOf(EndOfStream);
});

test('whichever bit is wrong, what was packed does not come out as if it were right', async () => {
  const whole = golden('words-19');
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length * 8 - 1), async (bit) => {
      const broken = Buffer.from(whole);
      broken.writeUInt8(broken.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const outcome = await unpacked(broken).catch((error: unknown) => error);
      // The frame's header, but for its content, may be wrong without harm.
      if (outcome instanceof Buffer) expect(outcome.equals(contents.words)).toBe(true);
      else expect(outcome instanceof BadZstd || outcome instanceof EndOfStream).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test('nothing but bytes: no stream does worse than fail', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(3), async (bytes, mode) => {
      const size = bytes.length;
      const block = Buffer.from([1 | (2 << 1) | ((size << 3) & 255), (size >> 5) & 255, size >> 13]);
      if (bytes.length > 0 && mode < 2) bytes[0] = (bytes[0] ?? 0) & 0xf3;
      const outcome = await unpacked(Buffer.concat([Buffer.from('28b52ffd0000', 'hex'), block, bytes])).catch(
        (error: unknown) => error,
      );
      expect(outcome instanceof Buffer || outcome instanceof BadZstd || outcome instanceof EndOfStream).toBe(
        true,
      );
    }),
    { numRuns: 2000 },
  );
});
