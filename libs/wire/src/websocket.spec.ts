import fc from 'fast-check';
import { closing, frame, FrameReader, opcodes, WebSocketError } from '@xenplane/wire';

/** As a client sends it: masked, in parts. */
function sent(opcode: number, payload: Uint8Array, { isLast = true, mask = [1, 2, 3, 4] } = {}): Buffer {
  const whole = Buffer.from(frame(opcode, payload));
  const head = whole.length - payload.length;
  whole[0] = opcode | (isLast ? 0x80 : 0);
  whole[1] = (whole[1] ?? 0) | 0x80;
  return Buffer.concat([
    whole.subarray(0, head),
    Buffer.from(mask),
    Uint8Array.from(payload, (b, i) => b ^ (mask[i % 4] ?? 0)),
  ]);
}

test('messages come out whole, however they were cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.uint8Array({ maxLength: 400 }), { minLength: 1, maxLength: 4 }), { maxLength: 4 }),
      fc.integer({ min: 1, max: 100 }),
      (all, step) => {
        const stream = Buffer.concat(
          all.flatMap((parts) =>
            parts.flatMap((p, i) => [
              sent(i === 0 ? opcodes.binary : 0, p, { isLast: i === parts.length - 1 }),
              sent(opcodes.ping, Buffer.from('hi')),
            ]),
          ),
        );
        const reader = new FrameReader();
        const out = Array.from({ length: Math.ceil(stream.length / step) }, (_, i) =>
          reader.read(stream.subarray(i * step, (i + 1) * step)),
        ).flat();
        expect(out.filter((f) => f.opcode === opcodes.binary).map((f) => Buffer.from(f.payload))).toEqual(
          all.map((parts) => Buffer.concat(parts)),
        );
        expect(out.filter((f) => f.opcode === opcodes.ping)).toHaveLength(all.flat().length);
      },
    ),
  );
});

test.each([
  [125, [0x82, 125]],
  [126, [0x82, 126, 0, 126]],
  [65_536, [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
])('a payload of %i bytes has the head of its size', (length, head) => {
  const bytes = frame(opcodes.binary, new Uint8Array(length));
  expect([...bytes.subarray(0, head.length)]).toEqual(head);
  expect(bytes.length).toBe(head.length + length);
});

test.each([
  ['without a mask', Buffer.from(frame(opcodes.binary, Buffer.from('x'))), 1002],
  ['that continues nothing', sent(0, Buffer.from('x')), 1002],
  [
    'that begins within another',
    Buffer.concat([sent(2, Buffer.from('x'), { isLast: false }), sent(2, Buffer.from('y'))]),
    1002,
  ],
  ['that is a ping in parts', sent(opcodes.ping, Buffer.from('x'), { isLast: false }), 1002],
  ['of an unknown kind', sent(5, Buffer.from('x')), 1002],
  ['with reserved bits', Buffer.from([0xc2, 0x80, 0, 0, 0, 0]), 1002],
  ['of many gigabytes', Buffer.from([0x82, 0xff, 0, 0, 0, 9, 0, 0, 0, 0, 1, 2, 3, 4]), 1009],
])('a frame %s ends the connection', (_what, bytes, code) => {
  let thrown: unknown;
  try {
    new FrameReader().read(bytes);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(WebSocketError);
  expect((thrown as WebSocketError).code).toBe(code);
  expect([...closing(code)]).toEqual([0x88, 2, code >> 8, code & 255]);
});
