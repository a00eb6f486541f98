import fc from 'fast-check';
import {
  decodeThin,
  decodeThinAnswer,
  encodeThin,
  encodeThinAnswer,
  isThinGreeting,
  MalformedThin,
  thinGreeting,
  thinLength,
  type ThinCommand,
} from './thin-cli';

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');

test('both sides begin with the name of the protocol and its version', () => {
  expect(thinGreeting()).toEqual(
    hex('58656e536f75726365207468696e20434c492070726f746f636f6c 00000000 02000000'),
  );
  expect(isThinGreeting(thinGreeting())).toBe(true);
  expect(isThinGreeting(Buffer.from('HTTP/1.1 200 OK'.padEnd(35)))).toBe(false);
});

test.each<[ThinCommand, string]>([
  [{ kind: 'exit', code: 0 }, '0c000000 09000000 04000000 00000000'],
  [{ kind: 'exit', code: 1 }, '0c000000 09000000 04000000 01000000'],
  [{ kind: 'prompt' }, '08000000 09000000 03000000'],
  [{ kind: 'print', text: 'name?' }, '11000000 09000000 00000000 05000000 6e616d653f'],
  [{ kind: 'load', file: '/srv/up.txt' }, '17000000 09000000 01000000 0b000000 2f7372762f75702e747874'],
  [
    { kind: 'printError', text: 'Unknown command: bogus\n' },
    '23000000 09000000 10000000 17000000 556e6b6e6f776e20636f6d6d616e643a20626f6775730a',
  ],
  [{ kind: 'debug', text: 'hi' }, '0e000000 09000000 0f000000 02000000 6869'],
  [
    { kind: 'error', code: 'MESSAGE_METHOD_UNKNOWN', params: ['bogus'] },
    '2f000000 09000000 0e000000 16000000 4d4553534147455f4d4554484f445f554e4b4e4f574e 01000000 05000000 626f677573',
  ],
])('%j has the bytes that the real client takes', (command, bytes) => {
  expect(encodeThin(command)).toEqual(hex(bytes));
  expect(decodeThin(hex(bytes).subarray(4))).toEqual(command);
});

test.each([
  [{ kind: 'ok' }, '08000000 0a000000 05000000'],
  [{ kind: 'failed' }, '08000000 0a000000 06000000'],
  [{ kind: 'wait' }, '08000000 0a000000 12000000'],
  [{ kind: 'chunk', size: 10 }, '0c000000 0b000000 07000000 0a000000'],
  [{ kind: 'end' }, '08000000 0b000000 08000000'],
] as const)('%j has the bytes that the real client gives', (answer, bytes) => {
  expect(encodeThinAnswer(answer)).toEqual(hex(bytes));
  expect(decodeThinAnswer(hex(bytes).subarray(4))).toEqual(answer);
});

test('what is written is read again, whatever the texts', () => {
  const text = fc.string({ unit: 'binary' });
  const commands = fc.oneof(
    fc.record({ kind: fc.constantFrom('print', 'printError', 'debug'), text }),
    fc.record({ kind: fc.constantFrom('httpGet', 'httpPut'), file: text, url: text }),
    fc.record({ kind: fc.constant('error'), code: text, params: fc.array(text) }),
  ) as fc.Arbitrary<ThinCommand>;
  fc.assert(
    fc.property(commands, (command) => {
      const bytes = encodeThin(command);
      expect(thinLength(bytes.subarray(0, 4))).toBe(bytes.length - 4);
      expect(decodeThin(bytes.subarray(4))).toEqual(command);
    }),
  );
});

test.each(['', '0a000000', '0a000000 63000000', '0b000000 07000000 ffffffff', '63000000 05000000'])(
  '%s is refused',
  (bytes) => {
    expect(() => decodeThinAnswer(hex(bytes))).toThrow(MalformedThin);
  },
);
test('a length that no message has is refused', () => {
  for (const prefix of ['ffffffff', '00000000', '00000010'])
    expect(() => thinLength(hex(prefix))).toThrow(MalformedThin);
});
