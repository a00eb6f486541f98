import { readFileSync } from 'node:fs';
import path from 'node:path';
import { notHanging } from '@xenplane/testing';
import {
  decode,
  encodeJson,
  jsonCall,
  jsonFailure,
  jsonSuccess,
  MalformedCall,
  maxDepth,
  parseJsonCall,
  Scalar,
} from '.';

const golden = (name: string): string => readFileSync(path.join(__dirname, 'golden', name), 'utf8');
const call = (members: Record<string, unknown>): string =>
  JSON.stringify({ method: 'VM.x', params: [], id: 1, ...members });
const paramOf = (json: string): unknown => parseJsonCall(jsonCall('VM.x', [json], 1)).params[0];

describe('calls', () => {
  test.each<[string, string, unknown]>([
    [
      'version 1, which says nothing',
      call({ params: ['a'] }),
      { method: 'VM.x', params: ['a'], id: 1, version: '1.0' },
    ],
    [
      'version 2',
      call({ jsonrpc: '2.0', params: ['a'] }),
      { method: 'VM.x', params: ['a'], id: 1, version: '2.0' },
    ],
    ['an id that is text', call({ id: 'x-1' }), { method: 'VM.x', params: [], id: 'x-1', version: '1.0' }],
    [
      'version 2 without params, as the Go SDK sends',
      '{"jsonrpc":"2.0","method":"a.b","id":0}',
      { method: 'a.b', params: [], id: 0, version: '2.0' },
    ],
    [
      'version 2 with params null',
      call({ jsonrpc: '2.0', params: null }),
      { method: 'VM.x', params: [], id: 1, version: '2.0' },
    ],
    [
      'version 2 with one object',
      call({ jsonrpc: '2.0', params: { a: 1 } }),
      { method: 'VM.x', params: [{ a: 1 }], id: 1, version: '2.0' },
    ],
  ])('%s', (_, body, expected) => {
    expect(parseJsonCall(body)).toEqual(expected);
    expect(parseJsonCall(Buffer.from(body))).toEqual(expected);
  });

  const nested = (depth: number): string => jsonCall('VM.x', ['['.repeat(depth) + ']'.repeat(depth)], 1);
  test.each<[string, string]>([
    ['nothing', ''],
    ['half a call', '{"method":'],
    ['a batch', `[${call({})}]`],
    ['a batch of 10,000', `[${Array(10_000).fill(call({})).join(',')}]`],
    ['a text', '"VM.x"'],
    ['null', 'null'],
    ['an id that is an object', call({ id: {} })],
    ['an id that is null', call({ id: null })],
    ['an id with a fraction', call({ id: 1.5 })],
    ['no id', call({ id: undefined })],
    ['jsonrpc 1.0', call({ jsonrpc: '1.0' })],
    ['jsonrpc 2', call({ jsonrpc: 2 })],
    ['jsonrpc null', call({ jsonrpc: null })],
    ['version 1 without params', call({ params: undefined })],
    ['version 1 with an object', call({ params: {} })],
    ['version 2 with a text', call({ jsonrpc: '2.0', params: 'a' })],
    ['a method that is no text', call({ method: 1 })],
    ['no method', call({ method: undefined })],
    ['one level too many', nested(maxDepth + 1)],
    ['100,000 levels', nested(100_000)],
    ['100,000 levels of objects, never closed', '{"a":'.repeat(100_000)],
    ['a long integer that begins with 0', jsonCall('VM.x', ['01234567890123456'], 1)],
    ['text after the end', `${call({})} x`],
    ['a text without end', '{"method":"a'],
    ['XML', '<methodCall/>'],
  ])('%s is none', (_, body) => {
    expect(() => parseJsonCall(body)).toThrow(MalformedCall);
  });

  test('as many levels as are allowed are read, and brackets in texts are no levels', () => {
    expect(JSON.stringify(parseJsonCall(nested(maxDepth)).params[0])).toBe(
      '['.repeat(maxDepth) + ']'.repeat(maxDepth),
    );
    const text = `${'['.repeat(100)}"\\`;
    expect(paramOf(JSON.stringify(text))).toBe(text);
    expect(paramOf(JSON.stringify(['\\', '['.repeat(100)]))).toEqual(['\\', '['.repeat(100)]);
  });

  test.each(['\\', '"'])('4 MB of %s in a text are read without a hang', (c) => {
    expect(notHanging(() => paramOf(JSON.stringify(c.repeat(4e6))))).toBe(c.repeat(4e6));
  });

  test.each([
    '{"a":1,"a":2}',
    '{"a":{"b":1,"b":1}}',
    '[{"a":[],"c":{"a":1},"a":2}]',
    '{"a" :1,"\\u0061"\n:2}',
    `{"${'k'.repeat(65_537)}":1}`,
  ])('a member twice, or with too long a name, is no call: %.40s', (text) =>
    expect(() => paramOf(text)).toThrow(MalformedCall),
  );
  test.each([
    '[{"a":1},{"a":2}]',
    '{"a":"a","b":"a"}',
    '{"a":{"a":{"a":1}}}',
    '{"a\\"":1,"a":":"}',
    '["a","a"]',
    `{"${'k'.repeat(65_536)}":1}`,
  ])('the same name elsewhere is none of its business: %.40s', (text) =>
    expect(paramOf(text)).toEqual(JSON.parse(text)),
  );

  test('the members of an object are data, whatever their names', () => {
    const struct = paramOf('{"__proto__":{"polluted":1},"constructor":2,"n":12345678901234567890}') as object;
    expect(Object.keys(struct)).toEqual(['__proto__', 'constructor', 'n']);
    expect(Object.getPrototypeOf(struct)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('long integers', () => {
  test.each<[string, unknown]>([
    ['9007199254740993', new Scalar('int', '9007199254740993')],
    ['-9223372036854775808', new Scalar('int', '-9223372036854775808')],
    ['123456789012345', 123456789012345],
    ['0.1234567890123456789', 0.12345678901234568],
    ['1234567890123456.5', 1234567890123456.5],
    ['1e300', 1e300],
    ['"9007199254740993"', '9007199254740993'],
    ['"say \\"9007199254740993\\""', 'say "9007199254740993"'],
    [
      '{"9007199254740993":[9007199254740993,1]}',
      { '9007199254740993': [new Scalar('int', '9007199254740993'), 1] },
    ],
  ])('%s keeps its digits', (json, expected) => {
    expect(paramOf(json)).toEqual(expected);
  });

  test('an id keeps its digits', () => {
    const parsed = parseJsonCall('{"jsonrpc":"2.0","method":"a.b","id":9007199254740993}');
    expect(jsonSuccess(parsed, ['""']).join('')).toBe('{"jsonrpc":"2.0","result":"","id":9007199254740993}');
  });

  test('a text that poses as a long integer can only be a number', () => {
    const id = parseJsonCall('{"method":"a.b","params":[9007199254740993],"id":"\\u0000int5,\\"x\\":1"}');
    expect(jsonFailure(id, ['E'])).toBe('{"result":null,"error":["E"],"id":"\\u0000int5,\\"x\\":1"}');
    expect(
      decode(
        { kind: 'int' },
        parseJsonCall('{"method":"a.b","params":[9007199254740993,"\\u0000int5"],"id":1}').params[1],
      ),
    ).toBe(5);
  });
});

describe('answers', () => {
  const ok = encodeJson({ kind: 'ref', cls: 'VM' }, 'OpaqueRef:aa');
  const bad = ['HANDLE_INVALID', 'VM', 'OpaqueRef:x'];
  test.each([
    ['v1-success.json', jsonSuccess({ id: 7, version: '1.0' }, [ok]).join('')],
    ['v1-failure.json', jsonFailure({ id: 7, version: '1.0' }, bad)],
    ['v2-success.json', jsonSuccess({ id: 7, version: '2.0' }, [ok]).join('')],
    ['v2-failure.json', jsonFailure({ id: 7, version: '2.0' }, bad)],
  ])('%s is written as it always was', (name, written) => {
    expect(written).toBe(golden(name));
  });

  test('an id that is text is echoed as text, and chunks go through untouched', () => {
    const chunk = Buffer.from('{"a":1}');
    expect(jsonSuccess({ id: '7"', version: '2.0' }, [chunk])).toEqual([
      '{"jsonrpc":"2.0","result":',
      chunk,
      ',"id":"7\\""}',
    ]);
    expect(jsonSuccess({ id: 1, version: '1.0' }, [chunk])[1]).toBe(chunk);
  });
});
