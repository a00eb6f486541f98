import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { LayerStore } from '@xenplane/blobs';
import { blockBytes, type Bits, type Write } from '@xenplane/wire';

const ids = ['top', 'mid', 'low'].map((_, i) => `00000000-0000-4000-8000-00000000000${i}`);
const [top = '', mid = '', low = ''] = ids;
const image = 'a'.repeat(64);
const size = 6 * blockBytes + 1000;
let folder: string;
let layers: LayerStore;
const imageBytes = Buffer.concat([randomBytes(blockBytes), Buffer.alloc(blockBytes), randomBytes(700)]);

beforeEach(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'xenplane-layers-'));
  writeFileSync(path.join(folder, image), imageBytes);
  layers = await LayerStore.open(path.join(folder, 'layers'), (name) => path.join(folder, name));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function* each(...writes: Write[]): AsyncGenerator<Write> {
  yield* writes;
}
async function bytesOf(chain: string[], offset = 0, length = size, from = layers): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of from.read(chain, offset, length)) parts.push(part);
  return Buffer.concat(parts);
}
const blocksOf = (bits: Bits): number[] =>
  [...bits.runs()].flatMap(({ first, count }) => Array.from({ length: count }, (_, i) => first + i));

const place = fc
  .nat(size - 1)
  .chain((offset) =>
    fc.record({ offset: fc.constant(offset), length: fc.integer({ min: 1, max: size - offset }) }),
  );
const step = fc.record({ layer: fc.nat(2), fill: fc.constantFrom('bytes', 'nulls', 'zeroes'), place });

test('a chain reads as one plain disk to which every write had gone, the lower layers first, wherever a reader looks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 8 }),
      fc.boolean(),
      place,
      async (steps, withImage, looked) => {
        const chain = withImage ? [...ids, image] : ids;
        const disk = Buffer.alloc(size);
        if (withImage) imageBytes.copy(disk);
        const name = randomUUID();
        layers = await LayerStore.open(path.join(folder, name), (file) => path.join(folder, file));
        for (const { layer, fill, place: p } of steps.toSorted((a, b) => b.layer - a.layer)) {
          const bytes = fill === 'bytes' ? randomBytes(p.length) : Buffer.alloc(p.length);
          const write: Write =
            fill === 'zeroes' ? { offset: p.offset, zeroes: p.length } : { offset: p.offset, bytes };
          await layers.write(ids[layer] ?? '', chain.slice(layer + 1), each(write));
          bytes.copy(disk, p.offset);
        }
        const reopened = await LayerStore.open(path.join(folder, name), (file) => path.join(folder, file));
        const read = await bytesOf(chain, looked.offset, looked.length, reopened);
        expect(read.equals(disk.subarray(looked.offset, looked.offset + looked.length))).toBe(true);
        const present = new Set(blocksOf(await layers.present(chain)));
        for (let block = 0; block * blockBytes < size; block += 1)
          if (!present.has(block))
            expect(disk.subarray(block * blockBytes, (block + 1) * blockBytes).every((b) => b === 0)).toBe(
              true,
            );
      },
    ),
    { numRuns: 60 },
  );
});

test('what was written is told block by block, and nothing else', async () => {
  await layers.write(low, [], each({ offset: 3 * blockBytes + 5, bytes: randomBytes(10) }));
  const used = await layers.write(
    top,
    [low],
    each(
      { offset: blockBytes, bytes: randomBytes(blockBytes * 2) },
      { offset: 9 * blockBytes, bytes: Buffer.alloc(blockBytes) },
    ),
  );
  expect(used).toBe(2 * blockBytes);
  expect([blocksOf(await layers.present([top])), blocksOf(await layers.present([top, mid, low]))]).toEqual([
    [1, 2],
    [1, 2, 3],
  ]);
  expect([...(await layers.present([top, low])).raw(12)]).toEqual([0b0111_0000, 0]);
  expect(await layers.utilisation(low)).toBe(blockBytes);
});

test('zeroes hide what is below, and cost nothing where nothing is', async () => {
  await layers.write(low, [], each({ offset: 0, bytes: randomBytes(2 * blockBytes) }));
  await layers.write(top, [low], each({ offset: 0, zeroes: 2 ** 45 }));
  expect(blocksOf(await layers.present([top]))).toEqual([0, 1]);
  expect((await bytesOf([top, low])).equals(Buffer.alloc(size))).toBe(true);
  await layers.write(low, [], each({ offset: 0, zeroes: 2 ** 45 }));
  expect(await layers.utilisation(low)).toBe(0);
});

test('a block whose bytes came, but not its bit, was never there', async () => {
  await layers.write(low, [], each({ offset: 0, bytes: randomBytes(10) }));
  writeFileSync(path.join(folder, 'layers', low, 'blocks.0'), randomBytes(3 * blockBytes));
  expect(blocksOf(await layers.present([low]))).toEqual([0]);
  expect((await bytesOf([low], blockBytes, blockBytes)).equals(Buffer.alloc(blockBytes))).toBe(true);
});

test('a stream that breaks leaves what it has written whole', async () => {
  const bytes = randomBytes(3 * blockBytes);
  async function* broken(): AsyncGenerator<Write> {
    yield { offset: 0, bytes };
    yield { offset: 2 ** 21, bytes };
    throw new Error('cut');
  }
  await expect(layers.write(top, [], broken())).rejects.toThrow('cut');
  expect((await bytesOf([top], 0, bytes.length)).equals(bytes)).toBe(true);
});

test('many writers of one layer lose nothing of one another', async () => {
  const parts = Array.from({ length: 16 }, () => randomBytes(blockBytes / 4));
  await Promise.all(
    parts.map((bytes, i) => layers.write(top, [], each({ offset: (i * blockBytes) / 4, bytes }))),
  );
  expect((await bytesOf([top], 0, 4 * blockBytes)).equals(Buffer.concat(parts))).toBe(true);
});

test('a removed layer is gone, at once and from the folder, while others stay', async () => {
  await layers.write(top, [], each({ offset: 0, bytes: randomBytes(10) }));
  await layers.write(low, [], each({ offset: 0, bytes: randomBytes(10) }));
  await layers.remove(top);
  await layers.remove(top);
  expect([await layers.utilisation(top), await layers.utilisation(low)]).toEqual([0, blockBytes]);
  expect([
    readdirSync(path.join(folder, 'layers')).sort(),
    readdirSync(path.join(folder, 'layers', 'removed')),
  ]).toEqual([[low, 'removed'], []]);
});

test('only layers and images have names, and an image is always the lowest', async () => {
  await expect(layers.remove('../../etc')).rejects.toThrow('not a layer');
  await expect(bytesOf([image, top])).rejects.toThrow('lowest');
});

const folding = fc.record({
  pair: fc.constantFrom<[string, string]>([top, mid], [mid, low]),
  how: fc.constantFrom('over', 'under'),
  apart: fc.boolean(),
  limit: fc.integer({ min: 1, max: 3 }),
});

test('layers that are folded show the same at every moment, and have changed the same', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 8 }),
      fc.array(folding, { minLength: 1, maxLength: 2 }),
      async (steps, folds) => {
        layers = await LayerStore.open(path.join(folder, randomUUID()), (name) => path.join(folder, name));
        for (const { layer, fill, place: p } of steps.toSorted((a, b) => b.layer - a.layer)) {
          const bytes = fill === 'bytes' ? randomBytes(p.length) : Buffer.alloc(p.length);
          await layers.write(
            ids[layer] ?? '',
            [...ids.slice(layer + 1), image],
            each({ offset: p.offset, bytes }),
          );
        }
        let chain = [...ids, image];
        const [bytes, changed] = [await bytesOf(chain), blocksOf(await layers.changed(ids))];
        for (const { pair, how, apart, limit } of folds) {
          if (!pair.every((id) => chain.includes(id))) continue;
          const [into = '', from = ''] = how === 'over' ? pair.toReversed() : pair;
          if (blocksOf(await layers.present([into])).length === 0) continue;
          const own = blocksOf(await layers.changed([from]));
          for (let done = false; !done;) {
            ({ done } = await layers.fold(into, { from, how, apart, limitBytes: limit * blockBytes }));
            expect((await bytesOf(chain)).equals(bytes)).toBe(true);
          }
          if (apart)
            expect([blocksOf(await layers.changed([from])), await layers.utilisation(from)]).toEqual([
              own,
              0,
            ]);
          else chain = chain.filter((id) => id !== from);
          expect((await bytesOf(chain)).equals(bytes)).toBe(true);
          expect(blocksOf(await layers.changed(chain.slice(0, -1)))).toEqual(changed);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('nothing gets into a layer that is gone, nor out of one that was never there', async () => {
  await layers.write(top, [], each({ offset: 0, bytes: randomBytes(10) }));
  await expect(
    layers.fold(mid, { from: top, how: 'over', apart: false, limitBytes: blockBytes }),
  ).rejects.toThrow('no such layer');
  await layers.remove(low);
  await expect(layers.write(low, [], each({ offset: 0, bytes: randomBytes(10) }))).rejects.toThrow('gone');
  await expect(
    layers.fold(low, { from: top, how: 'over', apart: false, limitBytes: blockBytes }),
  ).rejects.toThrow('gone');
  expect(await layers.fold(top, { from: mid, how: 'under', apart: false, limitBytes: blockBytes })).toEqual({
    done: true,
    utilisation: blockBytes,
  });
});

test('a layer that is emptied takes no space and still tells what it changed', async () => {
  await layers.write(low, [], each({ offset: blockBytes, bytes: randomBytes(2 * blockBytes) }));
  await layers.empty(low);
  const reopened = await LayerStore.open(path.join(folder, 'layers'), (name) => path.join(folder, name));
  expect([
    await reopened.utilisation(low),
    blocksOf(await reopened.changed([low])),
    blocksOf(await reopened.present([low])),
  ]).toEqual([0, [1, 2], []]);
  expect(readdirSync(path.join(folder, 'layers', low)).sort()).toEqual(['changed', 'present']);
});
