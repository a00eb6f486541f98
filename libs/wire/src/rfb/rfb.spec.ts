import fc from 'fast-check';
import { RfbClient, type ClientOptions } from '@xenplane/testing';
import { Keyboard, RfbError, RfbServer, type TextScreen } from '@xenplane/wire';
import { ownFormat, readFormat, writeFormat } from './pixels';

const screen = (lines: readonly string[], columns = 40, rows = 5): TextScreen => ({
  columns,
  rows,
  lines,
  cursor: { column: 0, row: rows - 1 },
});
const padded = (lines: readonly string[], rows = 5): string[] =>
  Array.from({ length: rows }, (_, i) => (lines[i] ?? '').trimEnd());

/** A server and a client that are joined at once. `step`: how many bytes come at a time. */
function joined(
  lines: readonly string[],
  options: ClientOptions = {},
  step = 7,
): { server: RfbServer; client: RfbClient; typed(): string; show(s: TextScreen): void } {
  const server = new RfbServer('a guest', screen(lines));
  let typed = '';
  const client: RfbClient = new RfbClient((bytes) => {
    for (let at = 0; at < bytes.length; at += step) {
      const received = server.receive(bytes.subarray(at, at + step));
      typed += received.typed;
      client.feed(received.reply);
    }
  }, options);
  client.feed(server.greeting());
  return { server, client, typed: () => typed, show: (s) => client.feed(server.show(s)) };
}

test.each(['RFB 003.003\n', 'RFB 003.007\n', 'RFB 003.008\n'])('a client of %j is let in', (version) => {
  const { client } = joined(['hello'], { version });
  expect([client.name, client.width, client.height]).toEqual(['a guest', 320, 80]);
});

const line = fc.string({ unit: 'grapheme-ascii', maxLength: 40 });
test('whatever changes, both encodings show what is on the screen, and send no more than changed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(line, { maxLength: 4 }), { minLength: 1, maxLength: 5 }),
      fc.constantFrom<readonly number[]>([0], [5, 0], [16, 5]),
      (screens, encodings) => {
        const { client, show } = joined(screens[0] ?? [], { encodings });
        client.request(false);
        expect(client.text()).toEqual(padded(screens[0] ?? []));
        for (const lines of screens) {
          client.request(true);
          show(screen(lines));
          expect(client.text()).toEqual(padded(lines));
        }
        const { updates } = client;
        show(screen(screens.at(-1) ?? []));
        expect(client.updates).toBe(updates);
        expect(new Set(client.rectangles.map((r) => r.encoding))).toEqual(
          new Set([encodings.includes(5) ? 5 : 0]),
        );
      },
    ),
    { numRuns: 40 },
  );
});

test('one changed line is one small rectangle', () => {
  const { client, show } = joined(['one', 'two', 'three']);
  client.request(false);
  client.request(true);
  show(screen(['one', 'twO', 'three']));
  expect(client.rectangles.at(-1)).toMatchObject({ height: 16 });
  expect(client.rectangles.at(-1)?.width).toBeLessThanOrEqual(8);
});

test('a larger screen is told to who follows; others keep the size they know', () => {
  const { server, client, show } = joined(['small']);
  client.request(false);
  client.request(true);
  expect(server.sizeFor({ columns: 60, rows: 6 })).toEqual({ columns: 60, rows: 6 });
  show(screen(['large'], 60, 6));
  expect([client.width, client.height, client.rectangles.at(-1)?.encoding]).toEqual([480, 96, -223]);
  client.request(true);
  expect(client.text()).toEqual(padded(['large'], 6));
  const other = joined(['small'], { encodings: [5] });
  other.client.request(false);
  expect(other.server.sizeFor({ columns: 60, rows: 6 })).toEqual({ columns: 40, rows: 5 });
});

test('keys become what a terminal would send', () => {
  const { client, typed } = joined([]);
  client.type('Root ~9\n');
  for (const symbol of [0xff08, 0xff8d, 0xffb5, 0xffe1, 0xff51]) client.key(symbol);
  expect(typed()).toBe('Root ~9\r\x7f\r5');
  const keyboard = new Keyboard();
  expect([
    keyboard.key(0xffe3, true),
    keyboard.key(0x63, true),
    keyboard.key(0x63, false),
    keyboard.key(0xffe3, false),
    keyboard.key(0x63, true),
  ]).toEqual(['', '\x03', '', '', 'c']);
});

test.each([
  [
    'rgb565, big endian',
    { ...ownFormat, bitsPerPixel: 16, depth: 16, bigEndian: true, max: [31, 63, 31], shift: [11, 5, 0] },
    [0xbd, 0xf7],
  ],
  ['bgr888', { ...ownFormat, shift: [0, 8, 16] }, [192, 192, 192, 0]],
  [
    'bgr233',
    { ...ownFormat, bitsPerPixel: 8, depth: 8, max: [7, 7, 3], shift: [0, 3, 6] },
    [0x05 | (0x05 << 3) | (0x02 << 6)],
  ],
] as const)('dots as the client wants them: %s', (_name, format, bytes) => {
  expect(readFormat(Buffer.from(writeFormat(format)))).toEqual(format);
  const server = new RfbServer('', { ...screen([], 1, 1), cursor: { column: 0, row: 0 } });
  const ready = [Buffer.from('RFB 003.008\n'), Buffer.from([1]), Buffer.from([1])];
  for (const b of ready) server.receive(b);
  server.receive(Buffer.concat([Buffer.from([0, 0, 0, 0]), writeFormat(format)]));
  // The last dot of the cell is the cursor's.
  const { reply } = server.receive(Buffer.from([3, 0, 0, 7, 0, 15, 0, 1, 0, 1]));
  expect([...reply]).toEqual([0, 0, 0, 1, 0, 7, 0, 15, 0, 1, 0, 1, 0, 0, 0, 0, ...bytes]);
});

test('a client without true colours is told the palette', () => {
  const server = new RfbServer('', screen([]));
  for (const b of [Buffer.from('RFB 003.008\n'), Buffer.from([1]), Buffer.from([1])]) server.receive(b);
  const { reply } = server.receive(
    Buffer.concat([
      Buffer.from([0, 0, 0, 0]),
      writeFormat({ ...ownFormat, bitsPerPixel: 8, trueColour: false }),
    ]),
  );
  expect([...reply]).toEqual([1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 192, 192, 192, 192, 192, 192]);
});

test.each([
  ['no version', [Buffer.from('GET / HTTP/1')]],
  ['a security that was not offered', [Buffer.from('RFB 003.008\n'), Buffer.from([2])]],
  ['a message that does not exist', [Buffer.from('RFB 003.008\n'), Buffer.from([1, 1, 77])]],
  ['a paste of 4 GiB', [Buffer.from('RFB 003.008\n'), Buffer.from([1, 1, 6, 0, 0, 0, 255, 255, 255, 255])]],
])('%s ends the conversation', (_what, sent) => {
  const server = new RfbServer('', screen([]));
  expect(() => sent.forEach((b) => server.receive(b))).toThrow(RfbError);
});

test('any bytes are answered or refused, never worse', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const server = new RfbServer('', screen([]));
      for (const b of [Buffer.from('RFB 003.008\n'), Buffer.from([1, 1])]) server.receive(b);
      try {
        server.receive(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(RfbError);
      }
    }),
  );
});
