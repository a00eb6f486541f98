import { bzip2 } from './bzip2';

async function packed(text: Buffer, pause = (): Promise<void> => Promise.resolve()): Promise<string> {
  const out: Uint8Array[] = [];
  const source = async function* (): AsyncGenerator<Uint8Array> {
    yield text;
  };
  for await (const piece of bzip2(source(), pause)) out.push(piece);
  return Buffer.concat(out).toString('hex');
}

/** Each of these was unpacked by another program once. */
test.each([
  ['nothing', Buffer.alloc(0), '425a683117724538509000000000'],
  [
    'one byte',
    Buffer.from('a'),
    '425a683131415926535919939b6b00000001002000200020a02862ee48a70a120332736d60',
  ],
  [
    'words',
    Buffer.from('hello hello'),
    '425a683131415926535904080d8e000001910040000244a00020aa1902a864b1bd14f17724538509004080d8e0',
  ],
  [
    'four equal bytes',
    Buffer.alloc(4, 1),
    '425a68313141592653593396c8df00000240006000200020a9a054d22e2ee48a70a120672d91be',
  ],
  [
    'a long run',
    Buffer.alloc(263, 1),
    '425a6831314159265359' + '43033908000002c000e0000000a00020a93d40a93d4e2a3c5dc914e142410c0ce420',
  ],
  [
    'many runs',
    Buffer.alloc(300_000),
    '425a6831314159265359df474d6f0002434400c00000100000a00020a5340a534ca08d8a823c5dc914e142437d1d35bc',
  ],
])('%s is packed as it was when another program could unpack it', async (_what, text, hex) => {
  expect(await packed(text)).toBe(hex);
});

test('others have their turn at each step of the sorting, and before the symbols are coded', async () => {
  let turns = 0;
  const pause = async (): Promise<void> => void (turns += 1);
  const line = (i: number): string => `line ${i % 7} of a file in which much is said again\n`;
  await packed(Buffer.from(Array.from({ length: 2_000 }, (_, i) => line(i)).join('')), pause);
  // Rows that differ only after 2^15 bytes and more: a step for each doubling.
  expect(turns).toBeGreaterThanOrEqual(16);
  turns = 0;
  await packed(Buffer.alloc(990_000, 'ab'), pause);
  expect(turns).toBeGreaterThanOrEqual(10 * 17);
});
