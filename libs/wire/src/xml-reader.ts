/**
 * A reader of the little XML that XML-RPC needs: tags, text, comments, processing instructions, CDATA. Document types, and with
 * them every entity that is not predefined or a character number, are refused. Each byte is looked at a fixed number of times.
 */
import { MalformedCall } from './malformed';

const lessThan = 60,
  question = 63,
  bang = 33;
/** Longest tag, attributes included, in characters. */
const longestTag = 1024;
/** Tags with attributes or spaces; the alternatives exclude one another, so that there is nothing to try twice. */
const dressedTag = /^(\/?[A-Za-z][\w:.-]*)(?:\s+[\w:.-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'))*\s*(\/?)$/;
const predefined: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
]);
/** Longest entity between `&` and `;`, in characters; `#x10FFFF` with a few zeros to spare. */
const longestEntity = 12;

const isSpace = (code: number): boolean => code === 32 || code === 10 || code === 13 || code === 9;

function character(entity: string): string {
  const named = predefined.get(entity);
  if (named !== undefined) return named;
  if (!/^#(?:\d+|x[\dA-Fa-f]+)$/.test(entity)) throw new MalformedCall(`unknown entity &${entity};`);
  const code = entity[1] === 'x' ? Number.parseInt(entity.slice(2), 16) : Number(entity.slice(1));
  if (code > 0x10ffff) throw new MalformedCall(`no such character &${entity};`);
  return String.fromCodePoint(code);
}

/** Calls `count` for each entity. */
function unescape(text: string, count: () => void): string {
  let out = '',
    from = 0;
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', from)) {
    const entity = text.slice(at + 1, at + 2 + longestEntity);
    const end = entity.indexOf(';');
    if (end < 0) throw new MalformedCall('an & begins no entity');
    count();
    out += text.slice(from, at) + character(entity.slice(0, end));
    from = at + end + 2;
  }
  return out + text.slice(from);
}

export class XmlReader {
  private at = 0;
  private parts = 0;
  /** A text of more tags, entities and comments is refused. */
  constructor(
    private readonly text: string,
    private readonly mostParts = Infinity,
  ) {}

  /** The next tag: `value`, `/value`, or `value/` for an empty element. Attributes are dropped. */
  next(): string {
    this.skip();
    if (this.text.charCodeAt(this.at) !== lessThan) throw new MalformedCall(`no tag at ${this.at}`);
    const end = this.text.indexOf('>', this.at);
    if (end < 0 || end - this.at > longestTag) throw new MalformedCall(`a tag without end at ${this.at}`);
    const tag = this.text.slice(this.at + 1, end);
    const bare = this.isBare(end);
    this.count();
    this.at = end + 1;
    return bare ? tag : undressed(tag);
  }

  /** True if the tag that ends there has no space in it, and so no attributes. */
  private isBare(end: number): boolean {
    for (let at = this.at; at < end; at++) if (this.text.charCodeAt(at) <= 32) return false;
    return true;
  }

  /** Reads the tag given, as `next` would return it, and nothing else. */
  expect(tag: string): void {
    const found = this.next();
    if (found !== tag) throw new MalformedCall(`<${found}> where <${tag}> should be`);
  }

  /** The text before the next tag, comments left out, entities and CDATA resolved. */
  characters(): string {
    const raw = this.raw();
    const code = this.text.charCodeAt(this.at + 1);
    return code === bang || code === question ? this.mixed(raw) : raw;
  }

  /** Nothing but space and comments may be left. */
  end(): void {
    this.skip();
    if (this.at !== this.text.length) throw new MalformedCall(`more after the end at ${this.at}`);
  }

  private count(): void {
    if ((this.parts += 1) > this.mostParts) throw new MalformedCall('the text has too many parts');
  }

  private raw(): string {
    const end = this.text.indexOf('<', this.at);
    if (end < 0) throw new MalformedCall('the text ends inside an element');
    const raw = this.text.slice(this.at, end);
    this.at = end;
    return raw.includes('&') ? unescape(raw, () => this.count()) : raw;
  }

  private mixed(first: string): string {
    const parts = [first];
    for (;;) {
      if (this.text.startsWith('<![CDATA[', this.at)) parts.push(this.until(']]>', 9));
      else if (!this.remark()) return parts.join('');
      parts.push(this.raw());
    }
  }

  private skip(): void {
    do while (isSpace(this.text.charCodeAt(this.at))) this.at++;
    while (this.remark());
  }

  /** Passes over one comment or processing instruction, if there is one here. */
  private remark(): boolean {
    if (this.text.charCodeAt(this.at) !== lessThan) return false;
    const code = this.text.charCodeAt(this.at + 1);
    if (code === question) return this.until('?>', 2) !== undefined;
    return code === bang && this.text.startsWith('<!--', this.at) && this.until('-->', 4) !== undefined;
  }

  /** The text between an opening of the given length, here, and its end. */
  private until(end: string, opening: number): string {
    this.count();
    const found = this.text.indexOf(end, this.at + opening);
    if (found < 0) throw new MalformedCall(`${end} is missing`);
    const inside = this.text.slice(this.at + opening, found);
    this.at = found + end.length;
    return inside;
  }
}

function undressed(tag: string): string {
  const match = dressedTag.exec(tag);
  if (!match || (match[1]?.startsWith('/') && match[2]))
    throw new MalformedCall(`<${tag.slice(0, 40)}> is refused`);
  return `${match[1]}${match[2]}`;
}
