import * as fc from 'fast-check';
import { XenError, type Type } from '@xenplane/model';
import { decode, encodeJson, encodeXml, parseCall, parseValue, Scalar } from '.';

const int: Type = { kind: 'int' },
  float: Type = { kind: 'float' },
  datetime: Type = { kind: 'datetime' },
  string: Type = { kind: 'string' },
  bool: Type = { kind: 'bool' };
const intElement = (text: string): Scalar => new Scalar('int', text);
const codeOf = (run: () => unknown): string => {
  try {
    return `no error, ${String(run())}`;
  } catch (error) {
    return error instanceof XenError ? error.code : String(error);
  }
};

describe('ints', () => {
  test.each<[unknown, number]>([
    [intElement('5'), 5],
    [intElement('-0'), 0],
    ['42', 42],
    ['007', 7],
    ['+3', 3],
    [7, 7],
    [-0, 0],
    ['4611686018427387904', 2 ** 62],
    [intElement('-9223372036854775808'), -(2 ** 63)],
    [1e17, 1e17],
    [intElement('9007199254740992'), 2 ** 53],
  ])('%p is %p', (value, expected) => {
    expect(decode(int, value)).toBe(expected);
  });

  test.each<unknown>([
    '12abc',
    '0x10',
    ' 5',
    '5 ',
    '1e3',
    '',
    '-',
    '1_000',
    '５',
    '1'.repeat(1e6),
    intElement('12abc'),
    intElement(''),
    intElement(' 5'),
    1.5,
    1e300,
    true,
    null,
    [],
    {},
    new Scalar('double', '5'),
    intElement('9223372036854775808'),
    '-9223372036854775809',
    '99999999999999999999',
    2 ** 63,
  ])('%p is none', (value) => {
    expect(codeOf(() => decode(int, value))).toBe('INTERNAL_ERROR');
  });

  test.each(['9007199254740993', '9223372036854775807', '-9007199254740993'])(
    '%s is refused and not rounded',
    (text) => {
      expect(() => decode(int, intElement(text))).toThrow(new XenError('INVALID_VALUE', 'int', text));
      expect(() => decode(int, text)).toThrow(new XenError('INVALID_VALUE', 'int', text));
    },
  );

  test('of all 64 bits, each is kept exactly or refused', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (n) => {
        const outcome = codeOf(() => `${BigInt(decode(int, intElement(String(n))) as number)}`);
        expect(BigInt(Number(n)) === n ? `no error, ${n}` : 'INVALID_VALUE').toBe(outcome);
      }),
    );
  });

  test('they are written in full', () => {
    expect(encodeJson(int, 2 ** 62)).toBe('4611686018427387904');
    expect(encodeXml(int, 2 ** 62)).toBe('<value>4611686018427387904</value>');
    expect(encodeXml(int, -42)).toBe('<value>-42</value>');
    expect(encodeJson(int, -0)).toBe('0');
    expect(encodeJson(int, 12n)).toBe('12');
    for (const wrong of [0.5, '5', Number.NaN, 2 ** 63, undefined])
      expect(() => encodeJson(int, wrong)).toThrow(TypeError);
  });
});

describe('floats', () => {
  test.each<[unknown, number]>([
    [new Scalar('double', '0.5'), 0.5],
    [intElement('60'), 60],
    ['60.1', 60.1],
    [0.25, 0.25],
    ['-1e-3', -0.001],
    ['.5', 0.5],
    ['5.', 5],
  ])('%p is %p', (value, expected) => {
    expect(decode(float, value)).toBe(expected);
  });
  test.each<unknown>([
    'NaN',
    'nan',
    'Infinity',
    'inf',
    '1e400',
    '0x10',
    ' 1',
    '',
    '1'.repeat(1e6),
    Number.NaN,
    Number.POSITIVE_INFINITY,
    new Scalar('double', 'nan'),
    new Scalar('double', '-inf'),
    new Scalar('dateTime', '1'),
    true,
    null,
  ])('%p is none', (value) => {
    expect(codeOf(() => decode(float, value))).toBe('INTERNAL_ERROR');
  });
  test.each([
    [1, '1'],
    [0.5, '0.5'],
    [-0, '0'],
    [0.1 + 0.2, '0.3'],
    [1e21, '1e+21'],
    [Number.NaN, 'nan'],
    [Number.POSITIVE_INFINITY, 'inf'],
    [Number.NEGATIVE_INFINITY, '-inf'],
  ])('%p is written %s in XML', (value, text) => {
    expect(encodeXml(float, value)).toBe(`<value><double>${text}</double></value>`);
  });
  test.each([
    [1, '1'],
    [0.5, '0.5'],
    [-0, '0'],
    [Number.NaN, 'null'],
    [Number.POSITIVE_INFINITY, 'null'],
  ])('%p is written %s in JSON, which stays JSON', (value, text) => {
    expect(encodeJson(float, value)).toBe(text);
  });
});

describe('datetimes', () => {
  test.each<[unknown, string]>([
    ['20260821T10:00:00Z', '20260821T10:00:00Z'],
    ['20260821T10:00:00', '20260821T10:00:00Z'],
    ['2026-08-21T10:00:00Z', '20260821T10:00:00Z'],
    ['2026-08-21T10:00:00.123Z', '20260821T10:00:00Z'],
    ['20260821T10:00:00+02:00', '20260821T08:00:00Z'],
    ['20260821T23:30:00-0130', '20260822T01:00:00Z'],
    [new Scalar('dateTime', '19700101T00:00:00Z'), '19700101T00:00:00Z'],
    ['0001-01-01T00:00:00Z', '00010101T00:00:00Z'],
    ['20240229T00:00:00Z', '20240229T00:00:00Z'],
  ])('%p is %s', (value, expected) => {
    expect(decode(datetime, value)).toBe(expected);
  });
  test.each<unknown>([
    '99999999T99:99:99Z',
    '20260230T00:00:00Z',
    '20250229T00:00:00Z',
    '20260821T24:00:00Z',
    '20260821T10:60:00Z',
    '',
    'now',
    '20260821',
    '00000101T00:00:00+14:00',
    0,
    null,
    intElement('20260821'),
    ` 20260821T10:00:00Z`,
  ])('%p is none', (value) => {
    expect(codeOf(() => decode(datetime, value))).toBe('INTERNAL_ERROR');
  });
  test('they are typed in XML and text in JSON', () => {
    expect(encodeXml(datetime, '20260821T10:00:00Z')).toBe(
      '<value><dateTime.iso8601>20260821T10:00:00Z</dateTime.iso8601></value>',
    );
    expect(encodeJson(datetime, '20260821T10:00:00Z')).toBe('"20260821T10:00:00Z"');
  });
});

describe('texts', () => {
  const bytes = (...body: number[]): Buffer =>
    Buffer.concat([
      Buffer.from('<methodCall><methodName>a.b</methodName><params><param><value>ok '),
      Buffer.from(body),
      Buffer.from('</value></param></params></methodCall>'),
    ]);
  test.each<[string, () => unknown]>([
    ['U+0000 in JSON', () => JSON.parse('"a\\u0000b"')],
    ['U+0000 in XML', () => parseValue('<value>a\u0000b</value>')],
    ['U+0000 by its number', () => parseValue('<value>a&#0;b</value>')],
    ['half a surrogate pair in JSON', () => JSON.parse('"a\\ud800b"')],
    ['half a surrogate pair by its number', () => parseValue('<value>&#xD800;</value>')],
    ['bytes that are no UTF-8, C3 28', () => parseCall(bytes(0xc3, 0x28)).params[0]],
    ['a surrogate in UTF-8, ED A0 80', () => parseCall(bytes(0xed, 0xa0, 0x80)).params[0]],
    ['an overlong slash, C0 AF', () => parseCall(bytes(0xc0, 0xaf)).params[0]],
    ['base64 of no UTF-8', () => new Scalar('base64', 'gAM=')],
  ])('%s is INVALID_VALUE, and can be sent back', (_, read) => {
    let params: readonly string[] = [];
    try {
      decode(string, read());
    } catch (error) {
      if (error instanceof XenError && error.code === 'INVALID_VALUE') params = error.params;
    }
    expect(params[0]).toBe('Invalid UTF-8 string in parameter');
    expect(params[1]).toMatch(/^[^\u0000\ud800-\udfff]+$/u);
  });

  test('it is INVALID_VALUE in every place of a text: map keys, map values, sets, refs', () => {
    const map: Type = { kind: 'map', key: string, of: string },
      bad = '\udfff';
    for (const [type, value] of [
      [map, { [bad]: 'x' }],
      [map, { x: bad }],
      [{ kind: 'set', of: string }, [bad]],
      [{ kind: 'ref', cls: 'VM' }, bad],
    ] as [Type, unknown][])
      expect(codeOf(() => decode(type, value))).toBe('INVALID_VALUE');
  });

  test.each<[string, string]>([
    ['U+0001', 'a\u0001b'],
    ['U+FFFE', 'a\ufffeb'],
  ])('%s is kept, in JSON told, in XML left out', (_, text) => {
    expect(decode(string, text)).toBe(text);
    expect(JSON.parse(encodeJson(string, text))).toBe(text);
    expect(parseValue(encodeXml(string, text))).toBe('ab');
  });

  test('a text that looks like something else stays a text', () => {
    for (const text of ['true', '12', '20260821T10:00:00Z', '{"a":1}', '']) {
      expect(encodeJson(string, text)).toBe(JSON.stringify(text));
      expect(encodeXml(string, text)).toContain(text.replaceAll('"', '&quot;'));
      expect(decode(string, text)).toBe(text);
    }
  });

  test('base64 is taken for the text that it holds', () => {
    expect(decode(string, new Scalar('base64', 'aGVs\n bG8='))).toBe('hello');
    expect(codeOf(() => decode(string, new Scalar('base64', 'a')))).toBe('INTERNAL_ERROR');
    expect(codeOf(() => decode(string, new Scalar('base64', '====')))).toBe('INTERNAL_ERROR');
  });

  test.each<unknown>([intElement('5'), 5, true, null, [], {}, new Scalar('dateTime', 'x')])(
    '%p is no text',
    (value) => {
      expect(codeOf(() => decode(string, value))).toBe('INTERNAL_ERROR');
    },
  );
  test('the error says what was expected and what came', () => {
    expect(() => decode(string, intElement('5'))).toThrow('INTERNAL_ERROR Expected string, got int 5');
  });
});

describe('bools', () => {
  test('only a boolean is one', () => {
    expect([decode(bool, true), decode(bool, false)]).toEqual([true, false]);
    for (const value of ['true', '1', 1, intElement('1'), null])
      expect(codeOf(() => decode(bool, value))).toBe('INTERNAL_ERROR');
    expect([encodeXml(bool, true), encodeXml(bool, false)]).toEqual([
      '<value><boolean>1</boolean></value>',
      '<value><boolean>0</boolean></value>',
    ]);
    expect([encodeJson(bool, true), encodeJson(bool, false)]).toEqual(['true', 'false']);
  });
});
