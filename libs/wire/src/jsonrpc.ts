/** JSON-RPC 1.0 and 2.0 as xapi speaks them: calls to neutral values, answers from JSON that is ready. */
import { longestName, MalformedCall, maxDepth, mostJsonParts, mostLongIntegers } from './malformed';
import { textOf, type Body } from './text';
import { isStruct, Scalar, type Untyped } from './untyped';

/** The fields of its call that an answer repeats. */
export interface JsonEnvelope {
  /** An integer or a text; an integer too long for a number keeps its digits. */
  readonly id: string | number | Scalar;
  readonly version: '1.0' | '2.0';
}
export interface JsonCall extends JsonEnvelope {
  readonly method: string;
  readonly params: readonly Untyped[];
}

/** A call from a body. Throws MalformedCall for anything else: bad JSON, a batch, no id, another version. */
export function parseJsonCall(body: Body): JsonCall {
  const call = parseExactly(textOf(body));
  if (!isStruct(call)) throw new MalformedCall('the text is no object');
  const { method, id } = call;
  if (typeof method !== 'string') throw new MalformedCall('method is no text');
  const version = versionOf(call['jsonrpc']);
  return { method, params: paramsOf(call['params'], version), id: idOf(id), version };
}

function versionOf(member: unknown): '1.0' | '2.0' {
  if (member === undefined) return '1.0';
  if (member === '2.0') return '2.0';
  throw new MalformedCall('jsonrpc is not 2.0');
}

function idOf(id: unknown): JsonEnvelope['id'] {
  if (typeof id === 'string' || Number.isSafeInteger(id) || id instanceof Scalar)
    return id as JsonEnvelope['id'];
  throw new MalformedCall('id is neither an integer nor a text');
}

function paramsOf(params: unknown, version: '1.0' | '2.0'): readonly Untyped[] {
  if (Array.isArray(params)) return params;
  if (version === '2.0' && (params === undefined || params === null)) return [];
  if (version === '2.0' && isStruct(params)) return [params as Untyped];
  throw new MalformedCall('params is no array');
}

/** The call itself and its list of parameters come on top of what a parameter may nest. */
const deepest = maxDepth + 2;
/** Fewer digits than this always fit a number exactly. */
const longDigits = 16;
const comma = 44,
  quote = 34,
  minus = 45,
  openArray = 91,
  closeArray = 93,
  openObject = 123,
  closeObject = 125;
const isSpace = (code: number): boolean => code === 32 || code === 10 || code === 13 || code === 9;
const isDigit = (code: number): boolean => code >= 48 && code <= 57;
/** How a long integer stands in for itself while the rest is parsed; as a client's own text it would be refused, for its U+0000. */
const standIn = /^\u0000int(-?\d+)$/;

/** JSON.parse, with a limit on depth, and with integers that a number could round kept as texts. */
function parseExactly(text: string): unknown {
  const long = scan(text);
  try {
    if (long.length === 0) return JSON.parse(text);
    return JSON.parse(marked(text, long), revived);
  } catch (error) {
    throw new MalformedCall(error instanceof Error ? error.message : 'no JSON');
  }
}

function revived(_: string, value: unknown): unknown {
  const digits = typeof value === 'string' ? standIn.exec(value)?.[1] : undefined;
  return digits === undefined ? value : new Scalar('int', digits);
}

type Span = readonly [from: number, to: number];

/** Where the long integers are. Throws MalformedCall for what nests too deep, and for a member that an object has twice. */
function scan(text: string): Span[] {
  const long: Span[] = [];
  const members: (Set<string> | undefined)[] = [];
  let parts = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isSpace(code) || code === comma) continue;
    if ((parts += 1) > mostJsonParts) throw new MalformedCall('the text has too many parts');
    if (code === quote) at = member(text, at, members.at(-1));
    else if (code === openArray || code === openObject)
      members.push(code === openObject ? new Set() : undefined);
    else if (code === closeArray || code === closeObject) members.pop();
    else if (isDigit(code) || code === minus) at = number(text, at, long);
    if (members.length > deepest) throw new MalformedCall(`nested deeper than ${maxDepth}`);
    if (long.length > mostLongIntegers) throw new MalformedCall('the text has too many long integers');
  }
  return long;
}

const afterName = /\s*:/y;
/** Notes the name that starts here, unless it is a text like others; answers where it ends. */
function member(text: string, start: number, known: Set<string> | undefined): number {
  const end = endOfString(text, start);
  afterName.lastIndex = end + 1;
  if (!known || !afterName.test(text)) return end;
  const written = text.slice(start + 1, end);
  if (written.length > longestName) throw new MalformedCall('a member with too long a name');
  const name = written.includes('\\') ? unescaped(written) : written;
  if (known.has(name)) throw new MalformedCall('a member twice');
  known.add(name);
  return end;
}
function unescaped(written: string): string {
  try {
    return String(JSON.parse(`"${written}"`));
  } catch {
    throw new MalformedCall('no JSON text');
  }
}

function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text[end - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}

/** Notes the integer that starts here, if it is a long one; answers where the number ends. */
function number(text: string, start: number, long: Span[]): number {
  let end = start + 1;
  while (isDigit(text.charCodeAt(end))) end++;
  if (!'.eE'.includes(text.charAt(end) || ' ')) {
    if (end - start >= longDigits) long.push([start, end]);
    return end - 1;
  }
  while (/[-+.\deE]/.test(text.charAt(end))) end++;
  return end - 1;
}

function marked(text: string, long: readonly Span[]): string {
  const parts: string[] = [];
  let from = 0;
  for (const [start, end] of long) {
    const digits = text.slice(start, end);
    if (!/^-?(?:0|[1-9]\d*)$/.test(digits)) throw new MalformedCall('no JSON number');
    parts.push(text.slice(from, start), `"\\u0000int${digits}"`);
    from = end;
  }
  return [...parts, text.slice(from)].join('');
}

const idText = (id: JsonEnvelope['id']): string => (id instanceof Scalar ? id.text : JSON.stringify(id));

/** The answer to a call that succeeded, in chunks: those given are the JSON of the result and go through as they are. */
export function jsonSuccess<C>(call: JsonEnvelope, chunks: readonly C[]): (string | C)[] {
  const [head, tail] = jsonSuccessAround(call);
  return [head, ...chunks, tail];
}
/** The text before and behind the JSON of the result. */
export const jsonSuccessAround = ({ version, id }: JsonEnvelope): readonly [head: string, tail: string] =>
  version === '1.0'
    ? ['{"result":', `,"error":null,"id":${idText(id)}}`]
    : ['{"jsonrpc":"2.0","result":', `,"id":${idText(id)}}`];

/** The answer to a call that failed: the error's code, then its parameters. */
export function jsonFailure(call: JsonEnvelope, description: readonly string[]): string {
  const [message = 'INTERNAL_ERROR', ...data] = description;
  if (call.version === '1.0')
    return `{"result":null,"error":${JSON.stringify([message, ...data])},"id":${idText(call.id)}}`;
  return `{"jsonrpc":"2.0","error":${JSON.stringify({ code: 1, message, data })},"id":${idText(call.id)}}`;
}

/** A call of version 2.0, for clients; each parameter is JSON. */
export const jsonCall = (method: string, fragments: readonly string[], id: string | number): string =>
  `{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":[${fragments.join(',')}],"id":${JSON.stringify(id)}}`;
