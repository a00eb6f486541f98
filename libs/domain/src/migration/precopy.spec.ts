import fc from 'fast-check';
import {
  afterSending,
  chunkOf,
  copyOf,
  downtimeMs,
  isCopied,
  shareCopied,
  type Copying,
  type Writer,
} from './precopy';

const GiB = 2 ** 30;
function copyOver(writer: Writer, link: number): { copied: Copying; steps: Copying[] } {
  const steps: Copying[] = [];
  let copying = copyOf(writer);
  while (!isCopied(copying, writer)) {
    const bytes = chunkOf(copying);
    copying = afterSending(copying, writer, bytes, (bytes / link) * 1000);
    steps.push(copying);
    if (steps.length > 10_000) throw new Error('it does not end');
  }
  return { copied: copying, steps };
}

test('an idle guest is sent once, and stands still for no longer than the hand-shake', () => {
  const { copied } = copyOver({ memoryBytes: 4 * GiB, dirtyBytesPerSecond: 0 }, GiB);
  expect(copied).toEqual({ round: 1, leftBytes: 0, dirtiedBytes: 0, sentBytes: 4 * GiB });
  expect(downtimeMs(copied.dirtiedBytes, GiB)).toBe(60);
});

test('each round sends what was written in the one before, so that the rest shrinks', () => {
  const { copied } = copyOver({ memoryBytes: 8 * GiB, dirtyBytesPerSecond: 0.1 * GiB }, GiB);
  expect(copied.round).toBe(5);
  expect(copied.sentBytes / GiB).toBeCloseTo(8.8888, 3);
  expect(copied.dirtiedBytes / GiB).toBeCloseTo(8e-5, 6);
  expect(downtimeMs(copied.dirtiedBytes, GiB)).toBeLessThan(61);
});

test('a guest that writes faster than the link carries is stopped with most of its memory left', () => {
  const writer = { memoryBytes: 2 * GiB, dirtyBytesPerSecond: 5 * GiB };
  const { copied } = copyOver(writer, GiB);
  expect(copied.sentBytes).toBeLessThanOrEqual(3 * writer.memoryBytes);
  expect(downtimeMs(copied.dirtiedBytes, GiB)).toBeGreaterThan(1900);
});

test('it ends for every guest and link, sends no more than three times the memory, and tells how far it is', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 512 }),
      fc.double({ min: 0, max: 20, noNaN: true }),
      fc.double({ min: 0.1, max: 10, noNaN: true }),
      (gib, dirty, link) => {
        const writer = { memoryBytes: gib * GiB, dirtyBytesPerSecond: dirty * GiB };
        const { copied, steps } = copyOver(writer, link * GiB);
        expect(copied.sentBytes).toBeLessThanOrEqual(3 * writer.memoryBytes);
        expect(copied.dirtiedBytes).toBeLessThanOrEqual(writer.memoryBytes);
        for (const step of steps) expect(shareCopied(step, writer)).toBeLessThanOrEqual(1);
      },
    ),
    { numRuns: 100 },
  );
});
