/** A session over XML-RPC as Python and Go hold it, with an encoder and a reader of its own. */
export type Xml = string | number | boolean | readonly Xml[] | { readonly [name: string]: Xml };

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const unescaped = (text: string): string =>
  text.replace(/&(?:#(\d+)|(\w+));/g, (_all, code: string | undefined, name: string) =>
    code ? String.fromCodePoint(Number(code)) : (entities[name] ?? '?'),
  );

/** Whole numbers go as text, as 64 bits do not fit an `<int>`. */
function write(value: Xml): string {
  if (typeof value === 'string') return `<value><string>${escaped(value)}</string></value>`;
  if (typeof value === 'boolean') return `<value><boolean>${Number(value)}</boolean></value>`;
  if (typeof value === 'number')
    return Number.isInteger(value)
      ? `<value><string>${value}</string></value>`
      : `<value><double>${value}</double></value>`;
  if (Array.isArray(value))
    return `<value><array><data>${value.map((one: Xml) => write(one)).join('')}</data></array></value>`;
  const members = Object.entries(value).map(
    ([name, one]: [string, Xml]) => `<member><name>${escaped(name)}</name>${write(one)}</member>`,
  );
  return `<value><struct>${members.join('')}</struct></value>`;
}

/** Reads one `<value>`. What has no type is text; so whole numbers stay text. */
class Reader {
  private at = 0;
  constructor(private readonly text: string) {}

  private skip(tag: string): boolean {
    const blank = /\s*/y;
    blank.lastIndex = this.at;
    blank.exec(this.text);
    if (!this.text.startsWith(tag, blank.lastIndex)) return false;
    this.at = blank.lastIndex + tag.length;
    return true;
  }
  private want(tag: string): void {
    if (!this.skip(tag))
      throw new Error(`no ${tag} at ${this.at}: ${this.text.slice(this.at, this.at + 80)}`);
  }
  private until(tag: string): string {
    const end = this.text.indexOf(tag, this.at);
    if (end < 0) throw new Error(`no ${tag}`);
    const found = this.text.slice(this.at, end);
    this.at = end + tag.length;
    return found;
  }
  value(): Xml {
    if (this.skip('<value/>')) return '';
    this.want('<value>');
    const typed = /<(\w[\w.]*)(\/?)>/y;
    typed.lastIndex = this.at;
    const [whole, type, empty] = typed.exec(this.text) ?? [];
    if (whole === undefined) return unescaped(this.until('</value>'));
    this.at += whole.length;
    const found = this.typed(type ?? '', empty === '/');
    this.want('</value>');
    return found;
  }
  private typed(type: string, empty: boolean): Xml {
    if (type === 'array') return empty ? [] : this.array();
    if (type === 'struct') return empty ? {} : this.struct();
    const text = empty ? '' : unescaped(this.until(`</${type}>`));
    if (type === 'boolean') return text === '1';
    if (['double', 'i4', 'int', 'i8'].includes(type)) return Number(text);
    return text;
  }
  private array(): Xml {
    const items: Xml[] = [];
    if (!this.skip('<data/>')) {
      this.want('<data>');
      while (!this.skip('</data>')) items.push(this.value());
    }
    this.want('</array>');
    return items;
  }
  private struct(): Xml {
    const members: Record<string, Xml> = {};
    while (!this.skip('</struct>')) {
      this.want('<member>');
      this.want('<name>');
      const name = unescaped(this.until('</name>'));
      members[name] = this.value();
      this.want('</member>');
    }
    return members;
  }
}

export class XmlFailure extends Error {
  constructor(readonly details: readonly string[]) {
    super(details.join(' '));
  }
}

export class XmlSession {
  private constructor(
    readonly url: string,
    readonly ref: string,
  ) {}
  /** The path is that of the client; what comes beside the name and the password is its own matter. */
  static async login(url: string, path: string, ...params: readonly Xml[]): Promise<XmlSession> {
    return new XmlSession(
      `${url}${path}`,
      await send<string>(`${url}${path}`, 'session.login_with_password', params),
    );
  }
  call<T = string>(method: string, ...params: readonly Xml[]): Promise<T> {
    return send<T>(this.url, method, [this.ref, ...params]);
  }
}

async function send<T>(url: string, method: string, params: readonly Xml[]): Promise<T> {
  const body = `<?xml version='1.0'?><methodCall><methodName>${method}</methodName><params>${params.map((one) => `<param>${write(one)}</param>`).join('')}</params></methodCall>`;
  const response = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'text/xml' }, body });
  if (response.status !== 200 || response.headers.get('content-type') !== 'text/xml')
    throw new Error(`${response.status} ${await response.text()}`);
  const [, inner = ''] =
    /<methodResponse>\s*<params>\s*<param>(.*)<\/param>\s*<\/params>\s*<\/methodResponse>/s.exec(
      await response.text(),
    ) ?? [];
  const answer = new Reader(inner).value() as { Status: string; Value?: T; ErrorDescription: string[] };
  if (answer.Status !== 'Success') throw new XmlFailure(answer.ErrorDescription);
  if (answer.Value === undefined) throw new Error('an answer without a value');
  return answer.Value;
}
