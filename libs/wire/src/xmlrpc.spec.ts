import { readFileSync } from 'node:fs';
import path from 'node:path';
import { XenError } from '@xenplane/model';
import { notHanging } from '@xenplane/testing';
import {
  encodeXml,
  MalformedCall,
  maxDepth,
  methodNamesType,
  parseCall,
  parseResponse,
  parseValue,
  Scalar,
  xmlCall,
  xmlFailure,
  xmlPlain,
  xmlSuccess,
} from '.';

const golden = (name: string): Buffer => readFileSync(path.join(__dirname, 'golden', name));
const withParam = (value: string): string => xmlCall('VM.x', [value]);
const valueOf = (xml: string): unknown => parseCall(withParam(xml)).params[0];

describe('calls', () => {
  test('the call of the protocol notes is understood', () => {
    expect(parseCall(golden('call-get-name-label.xml'))).toEqual({
      method: 'VM.get_name_label',
      params: ['OpaqueRef:aa', 'OpaqueRef:bb'],
    });
  });

  test('every type that clients write is understood, and keeps its text', () => {
    const { method, params } = parseCall(golden('call-every-type.xml'));
    const struct = Object.assign(Object.create(null) as object, {
      constructor: Object.create(null) as object,
      '': '',
    });
    Object.defineProperty(struct, '__proto__', { value: 'data', enumerable: true });
    expect(method).toBe('test.every_type');
    expect(params).toEqual([
      'untyped <&> é😀 text ',
      'typed',
      new Scalar('int', '-12'),
      new Scalar('int', '4'),
      new Scalar('int', '9223372036854775807'),
      true,
      false,
      new Scalar('double', '0.5'),
      new Scalar('dateTime', '20260821T10:00:00Z'),
      new Scalar('base64', 'aGVsbG8='),
      ['a', []],
      struct,
      null,
      '<raw> & tail end',
      '',
      '',
      '',
      [],
    ]);
  });

  test('the members of a struct are data, whatever their names', () => {
    const struct = valueOf(
      '<value><struct><member><name>__proto__</name><value>x</value></member></struct></value>',
    ) as object;
    expect(Object.keys(struct)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(struct)).toBeNull();
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  test.each([['<params></params>'], ['<params/>'], ['<params> </params>']])(
    '%s is no parameters',
    (params) => {
      expect(parseCall(`<methodCall><methodName>a.b</methodName>${params}</methodCall>`).params).toEqual([]);
    },
  );

  test('text and bytes read alike, with a byte order mark or without', () => {
    const text = withParam('<value>é</value>');
    for (const body of [text, `\ufeff${text}`, Buffer.from(text), Buffer.from(`\ufeff${text}`)])
      expect(parseCall(body).params).toEqual(['é']);
  });

  test('a call that was written is read', () => {
    expect(parseCall(xmlCall('a<b', [encodeXml({ kind: 'string' }, 'x]]>&')]))).toEqual({
      method: 'a<b',
      params: ['x]]>&'],
    });
  });
});

describe('bodies that are no call', () => {
  const nested = (depth: number): string =>
    withParam('<value><array><data>'.repeat(depth) + '<value/>' + '</data></array></value>'.repeat(depth));
  const doctype = (inside: string): string =>
    `<?xml version="1.0"?><!DOCTYPE m ${inside}><methodCall><methodName>a.b</methodName><params><param><value>&e;</value></param></params></methodCall>`;
  test.each<[string, string]>([
    ['nothing', ''],
    ['only a declaration', '<?xml version="1.0"?>'],
    ['no params', '<methodCall><methodName>a.b</methodName></methodCall>'],
    ['no method', '<methodCall><params/></methodCall>'],
    ['text after the end', `${withParam('<value/>')}x`],
    ['a second call after the end', withParam('<value/>').repeat(2)],
    ['text before the call', `x${withParam('<value/>')}`],
    ['an end that is missing', '<methodCall><methodName>a.b</methodName><params><param><value>x'],
    ['tags that cross', withParam('<value><string>x</value></string>')],
    ['two values in a parameter', withParam('<value/><value/>')],
    ['text beside an element', withParam('<value>x<string>y</string></value>')],
    ['an unknown element', withParam('<value><float>1</float></value>')],
    ['an element that Object has', withParam('<value><constructor>1</constructor></value>')],
    ['a parameter without a value', withParam('')],
    [
      'a struct with a member twice',
      withParam(
        '<value><struct><member><name>a</name><value/></member><member><name>a</name><value/></member></struct></value>',
      ),
    ],
    [
      'a struct with __proto__ twice',
      withParam(
        '<value><struct><member><name>__proto__</name><value/></member><member><name>__proto__</name><value/></member></struct></value>',
      ),
    ],
    ['a member without a name', withParam('<value><struct><member><value/></member></struct></value>')],
    [
      'a member without a value',
      withParam('<value><struct><member><name>a</name></member></struct></value>'),
    ],
    [
      'a name of 1 MB',
      withParam(`<value><struct><member><name>${'n'.repeat(1e6)}</name><value/></member></struct></value>`),
    ],
    ['a tag of 1 MB', withParam(`<value${' '.repeat(1e6)}/>`)],
    ['an unknown entity', withParam('<value>&nbsp;</value>')],
    ['an entity of Object', withParam('<value>&constructor;</value>')],
    ['an entity without end', withParam('<value>a & b</value>')],
    ['a character that is none', withParam('<value>&#x110000;</value>')],
    ['CDATA without end', withParam('<value><![CDATA[x</value>')],
    ['a comment without end', withParam('<value/><!-- ')],
    ['billion laughs', doctype('[<!ENTITY a "ha"><!ENTITY e "&a;&a;&a;">]')],
    ['an external entity', doctype('[<!ENTITY e SYSTEM "file:///etc/passwd">]')],
    ['an external DTD', doctype('SYSTEM "http://127.0.0.1:1/x.dtd"')],
    ['a declaration inside a value', withParam('<value>x<!ENTITY e "y"></value>')],
    ['one level too many', nested(maxDepth + 1)],
    ['100,000 levels', nested(100_000)],
    [
      '100,000 levels of structs, never closed',
      `<methodCall><methodName>a.b</methodName><params><param>${'<value><struct><member><name>a</name>'.repeat(100_000)}`,
    ],
    ['JSON', '{"method":"a.b"}'],
  ])('%s', (_, body) => {
    expect(() => parseCall(body)).toThrow(MalformedCall);
    expect(() => parseCall(Buffer.from(body))).toThrow(MalformedCall);
  });

  test('as many levels as are allowed are read', () => {
    let value = parseCall(nested(maxDepth)).params[0];
    let levels = 0;
    for (; Array.isArray(value); value = value[0]) levels++;
    expect([levels, value]).toEqual([maxDepth, '']);
  });

  test.each([
    ['ampersands', withParam(`<value>${'&'.repeat(4e6)}</value>`)],
    ['entities', withParam(`<value>${'&amp;'.repeat(1e6)}<oops/></value>`)],
    ['comments in a text', withParam(`<value>${'<!---->'.repeat(5e5)}<oops/></value>`)],
    ['comments between tags', `${'<!---->'.repeat(5e5)}<oops/>`],
    ['spaces', `${' '.repeat(4e6)}x`],
    ['opening brackets', '<'.repeat(4e6)],
    ['attributes', withParam(`<value ${'a="b" '.repeat(150)}`)],
  ])('4 MB of %s are refused without a hang', (_, body) => {
    expect(() => notHanging(() => parseCall(body))).toThrow(MalformedCall);
  });
});

describe('answers', () => {
  test.each([
    ['success.xml', xmlSuccess('<value>OpaqueRef:aa</value>')],
    ['success-void.xml', xmlSuccess(encodeXml(undefined, undefined))],
    ['failure.xml', xmlFailure(['HANDLE_INVALID', 'VM', 'OpaqueRef:<x>'])],
    ['list-methods.xml', xmlPlain(encodeXml(methodNamesType, ['VM.start', 'VM.get_all']))],
  ])('%s is written as it always was', (name, written) => {
    expect(written).toBe(golden(name).toString());
  });

  test('clients read a value, nothing, a list, and a failure as the error it was', () => {
    expect(parseResponse(golden('success.xml'))).toBe('OpaqueRef:aa');
    expect(parseResponse(golden('success-void.xml'))).toBe('');
    expect(parseResponse(golden('list-methods.xml'))).toEqual(['VM.start', 'VM.get_all']);
    expect(() => parseResponse(golden('failure.xml'))).toThrow(
      new XenError('HANDLE_INVALID', 'VM', 'OpaqueRef:<x>'),
    );
    expect(() => parseResponse('<methodCall/>')).toThrow(MalformedCall);
  });

  test('what XML cannot hold is left out of an answer; the rest is escaped', () => {
    const answer = xmlFailure(['a\u0001\ufffe\ud800b\t\n"<&>']);
    expect(answer).toContain('<value>ab\t\n&quot;&lt;&amp;&gt;</value>');
    expect(xmlSuccess(encodeXml({ kind: 'string' }, '\r\n'))).toContain('<value>&#13;\n</value>');
  });

  test('a lone value is read, and nothing beside it', () => {
    expect(parseValue('<value>OpaqueRef:aa</value>')).toBe('OpaqueRef:aa');
    expect(() => parseValue('<value>a</value><value>b</value>')).toThrow(MalformedCall);
  });
});
