import { inSlices, Slices } from './slices';

/** A clock that moves only when work is done. */
function workshop(): { slices: Slices; work: (ms: number) => void } {
  let now = 0;
  return { slices: new Slices(4, () => now), work: (ms) => void (now += ms) };
}
const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
};

test('short work is done at once', async () => {
  const { slices, work } = workshop();
  const seen: number[] = [];
  let others = 0;
  setImmediate(() => (others += 1));
  for await (const n of inSlices([1, 2, 3], slices)) {
    work(0.1);
    seen.push(n);
  }
  expect([seen, others]).toEqual([[1, 2, 3], 0]);
});

test('long work gives others a turn after each slice', async () => {
  const { slices, work } = workshop();
  let others = 0,
    watching = true;
  const other = (): void => {
    others += 1;
    if (watching) setImmediate(other);
  };
  setImmediate(other);
  for await (const _ of inSlices(Array.from({ length: 100 }), slices)) work(1);
  watching = false;
  expect(others).toBeGreaterThanOrEqual(20);
});

test('in one turn of the event loop only one of all has a slice, and they take turns', async () => {
  const { slices, work } = workshop();
  const order: string[] = [];
  let turn = 0,
    watching = true;
  const count = (): void => {
    turn += 1;
    if (watching) setImmediate(count);
  };
  setImmediate(count);
  const one = async (name: string): Promise<void> => {
    for (let i = 0; i < 5; i += 1) {
      await slices.next();
      order.push(`${turn}`);
      order.push(name);
      work(4);
    }
  };
  await Promise.all(['a', 'b', 'c'].map(one));
  watching = false;
  await turns(1);
  const names = order.filter((_, i) => i % 2 === 1),
    at = order.filter((_, i) => i % 2 === 0);
  expect(names.join('')).toBe('abcabcabcabcabc');
  expect(new Set(at).size).toBe(15);
});
