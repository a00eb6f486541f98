/** POSIX tar as a stream: headers of 512 bytes, contents padded to 512, two empty blocks at the end. */
import type { ByteReader } from '../disks/byte-reader';
import { isZero } from '../disks/blocks';

const recordBytes = 512;
const text = new TextEncoder();
const latin = new TextDecoder('utf-8');

/** The stream is no tar. */
export class BadTar extends Error {
  constructor(why: string) {
    super(why);
    this.name = 'BadTar';
  }
}

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;
const sumOf = (header: Uint8Array): number =>
  header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0);

/** A name of more than 100 bytes is split at a slash. */
function nameParts(name: string): { name: Uint8Array; prefix: Uint8Array } {
  const bytes = text.encode(name);
  if (bytes.length <= 100) return { name: bytes, prefix: new Uint8Array() };
  for (let at = Math.min(155, bytes.length - 2); at >= bytes.length - 101 && at > 0; at -= 1)
    if (bytes[at] === 0x2f) return { name: bytes.subarray(at + 1), prefix: bytes.subarray(0, at) };
  throw new BadTar(`the name ${name} is too long`);
}

export function tarHeader(name: string, size: number): Uint8Array {
  const header = new Uint8Array(recordBytes);
  const put = (at: number, value: string): void => header.set(text.encode(value), at);
  const parts = nameParts(name);
  header.set(parts.name, 0);
  put(100, octal(0o644, 8));
  put(108, octal(0, 8));
  put(116, octal(0, 8));
  put(124, octal(size, 12));
  put(136, octal(0, 12));
  put(156, '0');
  put(257, 'ustar\x0000');
  header.set(parts.prefix, 345);
  put(148, `${sumOf(header).toString(8).padStart(6, '0')}\0 `);
  return header;
}

const paddingOf = (size: number): number => (recordBytes - (size % recordBytes)) % recordBytes;

export function* tarMember(name: string, bytes: Uint8Array): Generator<Uint8Array> {
  yield tarHeader(name, bytes.length);
  if (bytes.length > 0) yield bytes;
  if (paddingOf(bytes.length) > 0) yield new Uint8Array(paddingOf(bytes.length));
}
export const tarEnd = (): Uint8Array => new Uint8Array(2 * recordBytes);

export interface TarEntry {
  readonly name: string;
  readonly size: number;
}

/** Longest name that another header may bring. */
const longestName = 65_536;

export class TarReader {
  constructor(private readonly reader: ByteReader) {}

  /** The next file; undefined where the archive ends. Its content must be taken before the next is asked for. */
  async next(): Promise<TarEntry | undefined> {
    let longName: string | undefined;
    for (;;) {
      const header = await this.reader.exactly(recordBytes);
      if (isZero(header)) return undefined;
      const { name, size, type } = parsed(header);
      if (type === 'L' || type === 'x') longName = (await this.extended(type, size)) ?? longName;
      else if (type === 'g' || type === '5') await this.reader.skip(size + paddingOf(size));
      else if (type === '0' || type === '\0' || type === '7') return { name: longName ?? name, size };
      else throw new BadTar(`an entry of type ${type}`);
    }
  }

  /** The whole content of the entry, refused when it is longer than that. */
  async content({ name, size }: TarEntry, longest: number): Promise<Uint8Array> {
    if (size > longest) throw new BadTar(`${name} has ${size} bytes`);
    const bytes = await this.reader.exactly(size);
    await this.reader.skip(paddingOf(size));
    return bytes;
  }

  private async extended(type: string, size: number): Promise<string | undefined> {
    const content = latin.decode(await this.content({ name: 'a name', size }, longestName));
    return type === 'L' ? content.replace(/\0.*$/s, '') : /(?:^|\n)\d+ path=([^\n]*)\n/.exec(content)?.[1];
  }
}

/** True if this could be the beginning of a tar. */
export const isTarHeader = (header: Uint8Array): boolean =>
  header.length >= recordBytes && numberAt(header, 148, 8) === sumOf(header.subarray(0, recordBytes));

function numberAt(header: Uint8Array, at: number, length: number): number {
  const digits = latin
    .decode(header.subarray(at, at + length))
    .replace(/\0.*$/s, '')
    .trim();
  return /^[0-7]+$/.test(digits) ? parseInt(digits, 8) : digits === '' ? 0 : NaN;
}

function textAt(header: Uint8Array, at: number, length: number): string {
  return latin.decode(header.subarray(at, at + length)).replace(/\0.*$/s, '');
}

function parsed(header: Uint8Array): TarEntry & { readonly type: string } {
  if (!isTarHeader(header)) throw new BadTar('a header whose checksum is wrong');
  const size = numberAt(header, 124, 12);
  if (!Number.isSafeInteger(size)) throw new BadTar('a size that is no number');
  const prefix = textAt(header, 257, 5) === 'ustar' ? textAt(header, 345, 155) : '';
  return {
    name: `${prefix === '' ? '' : `${prefix}/`}${textAt(header, 0, 100)}`,
    size,
    type: String.fromCharCode(header[156] ?? 0),
  };
}
