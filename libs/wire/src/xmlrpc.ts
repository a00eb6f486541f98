/**
 * XML-RPC as xapi speaks it. The parser is made for untrusted bytes: one pass, bounded depth and names, no document types,
 * no entities but the five of XML and character numbers, nothing after the end.
 */
import { deepest, MalformedCall } from './malformed';
import { Bytes, Exact, Moment, type Untyped } from './untyped';

export interface Call {
  readonly method: string;
  readonly params: readonly Untyped[];
}
const longestName = 64 * 1024;
const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/** Text of the body; bytes that are not UTF-8 are no call. */
function textOf(body: Uint8Array | string): string {
  if (typeof body === 'string') return body;
  try {
    return utf8.decode(body);
  } catch {
    throw new MalformedCall('the body is not UTF-8');
  }
}

function unescape(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&([^;&]{0,12})(;?)/g, (_all, name: string, end: string) => {
    const known = end ? entities[name] : undefined;
    if (known !== undefined) return known;
    const number = end ? /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(name) : null;
    const code = number ? parseInt(number[1] ?? number[2] ?? '', number[1] ? 16 : 10) : NaN;
    if (!(code > 0 && code <= 0x10ffff) || (code >= 0xd800 && code <= 0xdfff)) throw new MalformedCall(`unknown entity &${name};`);
    return String.fromCodePoint(code);
  });
}

class Reader {
  private at = 0;
  constructor(private readonly text: string) {}

  fail(why: string): never {
    throw new MalformedCall(`${why} at ${this.at}`);
  }
  /** Blanks, comments and processing instructions; a document type is refused where it stands. */
  skip(): void {
    for (;;) {
      while (this.at < this.text.length && this.text.charCodeAt(this.at) <= 32) this.at += 1;
      if (this.text.startsWith('<?', this.at)) this.past('?>');
      else if (this.text.startsWith('<!--', this.at)) this.past('-->');
      else if (this.text.startsWith('<!', this.at) && !this.text.startsWith('<![CDATA[', this.at)) this.fail('a document type or declaration');
      else return;
    }
  }
  private past(end: string): void {
    const found = this.text.indexOf(end, this.at);
    if (found < 0) this.fail('something is not closed');
    this.at = found + end.length;
  }
  get ended(): boolean {
    this.skip();
    return this.at >= this.text.length;
  }
  /** The name of the tag that stands here, `/name` for an end, `name/` for an empty one; undefined for text. */
  peek(): string | undefined {
    if (this.text.charCodeAt(this.at) !== 60 || this.text.startsWith('<![CDATA[', this.at)) return undefined;
    const close = this.text.indexOf('>', this.at);
    if (close < 0 || close - this.at > 100) this.fail('a tag that is not closed');
    return this.text.slice(this.at + 1, close).replace(/\s+(\/?)$/, '$1');
  }
  open(name: string): boolean {
    this.skip();
    const tag = this.peek();
    if (tag !== name && tag !== `${name}/`) return false;
    this.take();
    this.empty = tag.endsWith('/');
    return true;
  }
  /** Whether the tag that was opened last was its own end. */
  empty = false;
  close(name: string): void {
    this.skip();
    if (this.peek() !== `/${name}`) this.fail(`no </${name}>`);
    this.take();
  }
  take(): void {
    this.at = this.text.indexOf('>', this.at) + 1;
  }
  /** Text up to the next tag; CDATA as it stands. */
  chars(): string {
    let out = '';
    for (;;) {
      const next = this.text.indexOf('<', this.at);
      if (next < 0) this.fail('text that does not end');
      out += unescape(this.text.slice(this.at, next));
      this.at = next;
      if (!this.text.startsWith('<![CDATA[', this.at)) return out;
      const end = this.text.indexOf(']]>', this.at);
      if (end < 0) this.fail('CDATA that does not end');
      out += this.text.slice(this.at + 9, end);
      this.at = end + 3;
    }
  }
}

const integers = new Set(['int', 'i4', 'i8']);

function scalar(tag: string, text: string, reader: Reader): Untyped {
  if (tag === 'string') return text;
  if (integers.has(tag)) return new Exact(text.trim());
  switch (tag) {
    case 'boolean':
      return text.trim() === '1';
    case 'double':
      return doubleOf(text, reader);
    case 'dateTime.iso8601':
      return new Moment(text.trim());
    case 'base64':
      return new Bytes(text.trim());
    default:
      return reader.fail(`a value of type ${tag}`);
  }
}
function doubleOf(text: string, reader: Reader): number {
  const trimmed = text.trim();
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?(nan|inf|infinity)$/i.test(trimmed)) reader.fail('a double that is none');
  if (/nan/i.test(trimmed)) return NaN;
  return /inf/i.test(trimmed) ? (trimmed.startsWith('-') ? -Infinity : Infinity) : Number(trimmed);
}

function value(reader: Reader, depth: number): Untyped {
  if (depth > deepest) reader.fail('values nested too deep');
  if (!reader.open('value')) reader.fail('no <value>');
  if (reader.empty) return '';
  const out = inside(reader, depth);
  reader.close('value');
  return out;
}

/** A typed element, or plain text, which is a string with its blanks. */
function inside(reader: Reader, depth: number): Untyped {
  const text = reader.chars();
  const tag = reader.peek();
  if (tag === '/value' || tag === undefined) return text;
  if (text.trim() !== '') reader.fail('text beside an element');
  reader.take();
  if (tag.endsWith('/')) return emptyOf(tag.slice(0, -1), reader);
  if (tag === 'array') return array(reader, depth);
  if (tag === 'struct') return struct(reader, depth);
  const content = reader.chars();
  reader.close(tag);
  return tag === 'nil' ? null : scalar(tag, content, reader);
}
function emptyOf(tag: string, reader: Reader): Untyped {
  if (tag === 'array') return [];
  if (tag === 'struct') return new Map();
  if (tag === 'nil') return null;
  return tag === 'string' || tag === 'base64' ? (tag === 'base64' ? new Bytes('') : '') : reader.fail(`an empty ${tag}`);
}
function array(reader: Reader, depth: number): Untyped {
  const items: Untyped[] = [];
  if (reader.open('data') && !reader.empty) {
    while ((reader.skip(), reader.peek() !== '/data')) items.push(value(reader, depth + 1));
    reader.close('data');
  }
  reader.close('array');
  return items;
}
function struct(reader: Reader, depth: number): Untyped {
  const members = new Map<string, Untyped>();
  while (reader.open('member')) {
    if (!reader.open('name')) reader.fail('a member without a name');
    const name = reader.empty ? '' : reader.chars();
    if (!reader.empty) reader.close('name');
    if (name.length > longestName) reader.fail('a name that is too long');
    if (members.has(name)) reader.fail(`member ${name.slice(0, 50)} twice`);
    members.set(name, value(reader, depth + 1));
    reader.close('member');
  }
  reader.close('struct');
  return members;
}

export function parseCall(body: Uint8Array | string): Call {
  const reader = new Reader(textOf(body));
  if (!reader.open('methodCall') || reader.empty) reader.fail('no <methodCall>');
  if (!reader.open('methodName') || reader.empty) reader.fail('no <methodName>');
  const method = reader.chars().trim();
  reader.close('methodName');
  if (!reader.open('params')) reader.fail('no <params>');
  const params: Untyped[] = [];
  if (!reader.empty) {
    while (reader.open('param')) {
      params.push(value(reader, 1));
      reader.close('param');
    }
    reader.close('params');
  }
  reader.close('methodCall');
  if (!reader.ended) reader.fail('something after the end');
  return { method, params };
}

/** What XML cannot carry goes; what it reserves is escaped. */
export function escape(text: string): string {
  if (!/[<>&"\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(text)) return text;
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

const head = '<?xml version="1.0"?><methodResponse><params><param>';
const tail = '</param></params></methodResponse>';
const member = (name: string, inner: string): string => `<member><name>${name}</name>${inner}</member>`;

/** `fragment` is a whole `<value>` element. */
export const xmlSuccess = (fragment: string): string =>
  `${head}<value><struct>${member('Status', '<value>Success</value>')}${member('Value', fragment)}</struct></value>${tail}`;
export const xmlFailure = (description: readonly string[]): string => {
  const items = description.map((d) => `<value>${escape(d)}</value>`).join('');
  return `${head}<value><struct>${member('Status', '<value>Failure</value>')}${member('ErrorDescription', `<value><array><data>${items}</data></array></value>`)}</struct></value>${tail}`;
};
/** The answer of system.listMethods alone, which has no Status. */
export const xmlPlain = (fragment: string): string => `${head}${fragment}${tail}`;
