/** XML-RPC: calls and answers to and from neutral values. Answers are never a fault: failures are a struct, as in xapi. */
import { errorFrom } from '@xenplane/model';
import { escapeXml, textOf, type Body } from './text';
import { longestName, MalformedCall, maxDepth, mostXmlParts } from './malformed';
import { emptyStruct, isStruct, Scalar, type UntypedStruct, type Untyped } from './untyped';
import { XmlReader } from './xml-reader';

export interface XmlCall {
  readonly method: string;
  readonly params: readonly Untyped[];
}

const scalarTags: Readonly<Record<string, Scalar['tag']>> = {
  int: 'int',
  i4: 'int',
  i8: 'int',
  'ex:i8': 'int',
  double: 'double',
  'dateTime.iso8601': 'dateTime',
  base64: 'base64',
};

/** A call from a body. Throws MalformedCall for anything that is not one whole well-formed methodCall. */
export function parseCall(body: Body): XmlCall {
  const reader = new XmlReader(textOf(body), mostXmlParts);
  reader.expect('methodCall');
  reader.expect('methodName');
  const method = reader.characters();
  reader.expect('/methodName');
  const params = readParams(reader);
  reader.expect('/methodCall');
  reader.end();
  return { method, params };
}

/** The value of an answer. Throws the XenError that a failure describes, and MalformedCall for what is no answer. */
export function parseResponse(body: Body): Untyped {
  const reader = new XmlReader(textOf(body));
  reader.expect('methodResponse');
  const [answer] = readParams(reader);
  reader.expect('/methodResponse');
  reader.end();
  if (!isStruct(answer) || !('Status' in answer)) return answer ?? null;
  if (answer['Status'] === 'Success') return (answer as UntypedStruct)['Value'] ?? '';
  const description = answer['ErrorDescription'];
  throw errorFrom(Array.isArray(description) ? description.map(String) : [String(description)]);
}

/** The neutral value of a lone `<value>` element, as `task.result` holds it. */
export function parseValue(text: string): Untyped {
  const reader = new XmlReader(text);
  const value = readValue(reader, reader.next(), 0);
  reader.end();
  return value;
}

function readParams(reader: XmlReader): Untyped[] {
  const params: Untyped[] = [];
  const opening = reader.next();
  if (opening === 'params/') return params;
  if (opening !== 'params') throw new MalformedCall(`<${opening}> where <params> should be`);
  for (let tag = reader.next(); tag !== '/params'; tag = reader.next()) {
    if (tag !== 'param') throw new MalformedCall(`<${tag}> among the parameters`);
    params.push(readValue(reader, reader.next(), 0));
    reader.expect('/param');
  }
  return params;
}

function readValue(reader: XmlReader, opening: string, depth: number): Untyped {
  if (opening === 'value/') return '';
  if (opening !== 'value') throw new MalformedCall(`<${opening}> where <value> should be`);
  const text = reader.characters();
  const tag = reader.next();
  if (tag === '/value') return text;
  if (text.trim() !== '') throw new MalformedCall('text and an element in one value');
  const value = readTyped(reader, tag, depth);
  reader.expect('/value');
  return value;
}

function readTyped(reader: XmlReader, tag: string, depth: number): Untyped {
  switch (tag) {
    case 'string':
      return readText(reader, tag);
    case 'struct':
      return readStruct(reader, deeper(depth));
    case 'array':
      return readArray(reader, deeper(depth));
    case 'boolean':
      return readText(reader, tag).trim() === '1';
    case 'string/':
      return '';
    case 'boolean/':
      return false;
    case 'struct/':
      return emptyStruct();
    case 'array/':
      return [];
    case 'nil/':
    case 'ex:nil/':
      return null;
    case 'nil':
    case 'ex:nil':
      return readText(reader, tag) === '' ? null : refuse(tag);
    default:
      return readScalar(reader, tag);
  }
}
function refuse(tag: string): never {
  throw new MalformedCall(`<${tag}> is no value`);
}
function deeper(depth: number): number {
  if (depth >= maxDepth) throw new MalformedCall(`nested deeper than ${maxDepth}`);
  return depth + 1;
}

function readText(reader: XmlReader, tag: string): string {
  const text = reader.characters();
  reader.expect(`/${tag}`);
  return text;
}

function readScalar(reader: XmlReader, tag: string): Scalar {
  const empty = tag.endsWith('/');
  const name = empty ? tag.slice(0, -1) : tag;
  const kind = Object.hasOwn(scalarTags, name) ? scalarTags[name] : undefined;
  if (!kind) return refuse(tag);
  return new Scalar(kind, empty ? '' : readText(reader, tag));
}

function readArray(reader: XmlReader, depth: number): Untyped[] {
  const values: Untyped[] = [];
  const opening = reader.next();
  if (opening === '/array') return values;
  if (opening === 'data')
    for (let tag = reader.next(); tag !== '/data'; tag = reader.next())
      values.push(readValue(reader, tag, depth));
  else if (opening !== 'data/') throw new MalformedCall(`<${opening}> in an array`);
  reader.expect('/array');
  return values;
}

function readStruct(reader: XmlReader, depth: number): UntypedStruct {
  const struct = emptyStruct<Untyped>();
  for (let tag = reader.next(); tag !== '/struct'; tag = reader.next()) {
    if (tag !== 'member') throw new MalformedCall(`<${tag}> in a struct`);
    const name = readName(reader);
    if (name in struct) throw new MalformedCall('a struct has a member twice');
    struct[name] = readValue(reader, reader.next(), depth);
    reader.expect('/member');
  }
  return struct;
}

function readName(reader: XmlReader): string {
  const opening = reader.next();
  if (opening === 'name/') return '';
  if (opening !== 'name') throw new MalformedCall(`<${opening}> where <name> should be`);
  const name = readText(reader, 'name');
  if (name.length > longestName) throw new MalformedCall('the name of a member is too long');
  return name;
}

const response = (value: string): string =>
  `<?xml version="1.0"?><methodResponse><params><param>${value}</param></params></methodResponse>`;
const member = (name: string, value: string): string => `<member><name>${name}</name>${value}</member>`;
const envelope = (status: string, rest: string): string =>
  response(`<value><struct>${member('Status', `<value>${status}</value>`)}${rest}</struct></value>`);

/** The answer to a call that succeeded; `fragment` is the `<value>` element of what it returned. */
export const xmlSuccess = (fragment: string): string => envelope('Success', member('Value', fragment));

/** The text before and behind the `<value>` element of that answer. */
export const xmlSuccessAround: readonly string[] = xmlSuccess('\0').split('\0');

/** The answer to a call that failed: the error's code, then its parameters. */
export function xmlFailure(description: readonly string[]): string {
  const values = description.map((text) => `<value>${escapeXml(text)}</value>`).join('');
  return envelope(
    'Failure',
    member('ErrorDescription', `<value><array><data>${values}</data></array></value>`),
  );
}

/** An answer without the envelope, as system.listMethods gives it. */
export const xmlPlain = (fragment: string): string => response(fragment);

export const xmlPlainAround: readonly string[] = xmlPlain('\0').split('\0');

/** A call, for clients; each parameter is a `<value>` element. */
export function xmlCall(method: string, fragments: readonly string[]): string {
  const params = fragments.map((f) => `<param>${f}</param>`).join('');
  return `<?xml version="1.0"?><methodCall><methodName>${escapeXml(method)}</methodName><params>${params}</params></methodCall>`;
}
