/** The thin protocol of `xe`: the server says what the client prints, fetches and sends. Integers are 32 bits, little-endian. */

/** Both sides begin with this and the version. */
export const thinPrefix = 'XenSource thin CLI protocol';
const version = { major: 0, minor: 2 };

export type ThinCommand =
  | { readonly kind: 'print' | 'printError' | 'debug'; readonly text: string }
  | { readonly kind: 'load'; readonly file: string }
  | { readonly kind: 'httpGet' | 'httpPut'; readonly file: string; readonly url: string }
  | { readonly kind: 'httpConnect'; readonly url: string }
  | { readonly kind: 'prompt' }
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'error'; readonly code: string; readonly params: readonly string[] };
/** A message of the client; `wait` only says that it is still there. A chunk's bytes follow outside the message. */
export type ThinAnswer =
  { readonly kind: 'ok' | 'wait' | 'failed' | 'end' } | { readonly kind: 'chunk'; readonly size: number };

const families = { command: 9, response: 10, blob: 11 } as const;
const tags = {
  print: 0,
  load: 1,
  prompt: 3,
  exit: 4,
  httpGet: 12,
  httpPut: 13,
  error: 14,
  debug: 15,
  printError: 16,
  httpConnect: 17,
} as const;
const responses = { ok: 5, failed: 6, wait: 18 } as const;
const blobs = { chunk: 7, end: 8 } as const;
const mostText = 64 * 2 ** 20;

export class MalformedThin extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'MalformedThin';
  }
}

function int32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeInt32LE(value);
  return out;
}
function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([int32(bytes.length), bytes]);
}
const framed = (...parts: readonly Buffer[]): Buffer => {
  const payload = Buffer.concat(parts);
  return Buffer.concat([int32(payload.length), payload]);
};

export const thinGreeting = (): Buffer =>
  Buffer.concat([Buffer.from(thinPrefix, 'ascii'), int32(version.major), int32(version.minor)]);
export const greetingLength = thinPrefix.length + 8;
export const isThinGreeting = (bytes: Buffer): boolean =>
  bytes.length >= greetingLength &&
  bytes.toString('ascii', 0, thinPrefix.length) === thinPrefix &&
  bytes.readInt32LE(thinPrefix.length) === version.major;

function bodyOf(command: ThinCommand): readonly Buffer[] {
  switch (command.kind) {
    case 'print':
    case 'printError':
    case 'debug':
      return [text(command.text)];
    case 'load':
      return [text(command.file)];
    case 'httpGet':
    case 'httpPut':
      return [text(command.file), text(command.url)];
    case 'httpConnect':
      return [text(command.url)];
    case 'prompt':
      return [];
    case 'exit':
      return [int32(command.code)];
    case 'error':
      return [text(command.code), int32(command.params.length), ...command.params.map(text)];
  }
}
export const encodeThin = (command: ThinCommand): Buffer =>
  framed(int32(families.command), int32(tags[command.kind]), ...bodyOf(command));

export function encodeThinAnswer(answer: ThinAnswer): Buffer {
  if (answer.kind === 'chunk') return framed(int32(families.blob), int32(blobs.chunk), int32(answer.size));
  if (answer.kind === 'end') return framed(int32(families.blob), int32(blobs.end));
  return framed(int32(families.response), int32(responses[answer.kind]));
}

/** Reads values one after the other from a payload. */
class Cursor {
  private at = 0;
  constructor(private readonly bytes: Buffer) {}
  int(): number {
    if (this.at + 4 > this.bytes.length) throw new MalformedThin('the message is too short');
    const value = this.bytes.readInt32LE(this.at);
    this.at += 4;
    return value;
  }
  text(): string {
    const length = this.int();
    if (length < 0 || this.at + length > this.bytes.length)
      throw new MalformedThin('a text is longer than its message');
    const value = this.bytes.toString('utf8', this.at, this.at + length);
    this.at += length;
    return value;
  }
  texts(): string[] {
    const count = this.int();
    if (count < 0 || count > this.bytes.length) throw new MalformedThin('a list is longer than its message');
    return Array.from({ length: count }, () => this.text());
  }
}

/** The length that a message's first four bytes announce. */
export function thinLength(prefix: Buffer): number {
  const length = prefix.readInt32LE(0);
  if (length < 4 || length > mostText) throw new MalformedThin(`a message of ${length} bytes`);
  return length;
}

export function decodeThinAnswer(payload: Buffer): ThinAnswer {
  const cursor = new Cursor(payload);
  const family = cursor.int(),
    tag = cursor.int();
  if (family === families.response && tag === responses.ok) return { kind: 'ok' };
  if (family === families.response && tag === responses.failed) return { kind: 'failed' };
  if (family === families.response && tag === responses.wait) return { kind: 'wait' };
  if (family === families.blob && tag === blobs.end) return { kind: 'end' };
  if (family === families.blob && tag === blobs.chunk) return { kind: 'chunk', size: sizeOf(cursor.int()) };
  throw new MalformedThin(`an answer ${family} ${tag}`);
}
function sizeOf(size: number): number {
  if (size < 0 || size > mostText) throw new MalformedThin(`a chunk of ${size} bytes`);
  return size;
}

export function decodeThin(payload: Buffer): ThinCommand {
  const cursor = new Cursor(payload);
  const family = cursor.int(),
    tag = cursor.int();
  const kind =
    family === families.command
      ? (Object.keys(tags) as (keyof typeof tags)[]).find((k) => tags[k] === tag)
      : undefined;
  switch (kind) {
    case 'print':
    case 'printError':
    case 'debug':
      return { kind, text: cursor.text() };
    case 'load':
      return { kind, file: cursor.text() };
    case 'httpGet':
    case 'httpPut':
      return { kind, file: cursor.text(), url: cursor.text() };
    case 'httpConnect':
      return { kind, url: cursor.text() };
    case 'prompt':
      return { kind };
    case 'exit':
      return { kind, code: cursor.int() };
    case 'error':
      return { kind, code: cursor.text(), params: cursor.texts() };
    case undefined:
      throw new MalformedThin(`a command ${family} ${tag}`);
  }
}
