/**
 * Disks inside a tar: files of 1 MiB named by their number, each followed by its checksum. Blocks of zeroes are left out, but for
 * the first and the last.
 */
import { XenError } from '@xenplane/model';
import { isZero, type Write } from '../disks/blocks';
import { unitsOf, type DiskSource } from '../disks/disk-source';
import { tarMember, type TarEntry, type TarReader } from './tar';
import { xxh64 } from './xxh64';

export const memberBytes = 2 ** 20;
/** Nobody makes larger ones. */
const largestMember = 16 * memberBytes;
const text = new TextEncoder();
const plain = new TextDecoder();

const memberName = (prefix: string, index: number): string => `${prefix}${String(index).padStart(8, '0')}`;

export async function* writeMembers(prefix: string, source: DiskSource): AsyncGenerator<Uint8Array> {
  const last = Math.max(0, Math.ceil(source.size / memberBytes) - 1);
  for await (const { index, bytes } of unitsOf(source, memberBytes, [0, last])) {
    if (index !== 0 && index !== last && isZero(bytes)) continue;
    yield* tarMember(memberName(prefix, index), bytes);
    yield* tarMember(`${memberName(prefix, index)}.xxhash`, text.encode(await xxh64(bytes)));
  }
}

export interface Expected {
  /** With its slash. */
  readonly prefix: string;
  readonly size: number;
}
export interface Checking {
  /** Of old exports. */
  readonly sha1: (bytes: Uint8Array) => string;
  /** Goes on with blocks whose checksum is wrong. */
  readonly force: boolean;
}

const suffixes = ['.xxhash', '.checksum'] as const;

/** Reads the files of one disk after another: each ends with the block that its size ends with. */
export class MemberReader {
  private ahead: TarEntry | undefined;
  private ended = false;

  constructor(
    private readonly tar: TarReader,
    private readonly checking: Checking,
  ) {}

  async *disk({ prefix, size }: Expected): AsyncGenerator<Write> {
    for (let end = 0; end < size || size === 0;) {
      const entry = await this.take();
      if (!entry) throw new XenError('IMPORT_ERROR_PREMATURE_EOF');
      const offset = this.placeOf(entry, prefix);
      const bytes = await this.tar.content(entry, largestMember);
      await this.check(entry, bytes);
      if (offset + bytes.length > size)
        throw new XenError('IMPORT_ERROR_UNEXPECTED_FILE', `${prefix} of ${size} bytes`, entry.name);
      if (bytes.length > 0) yield isZero(bytes) ? { offset, zeroes: bytes.length } : { offset, bytes };
      end = Math.max(end, offset + bytes.length);
      if (size === 0) return;
    }
  }

  /** Refuses whatever nobody waits for. */
  async end(): Promise<void> {
    const entry = await this.take();
    if (entry) throw new XenError('IMPORT_ERROR_UNEXPECTED_FILE', 'the end of the archive', entry.name);
  }

  private async take(): Promise<TarEntry | undefined> {
    const { ahead } = this;
    this.ahead = undefined;
    if (ahead || this.ended) return ahead;
    const entry = await this.tar.next();
    this.ended = entry === undefined;
    return entry;
  }

  private placeOf({ name }: TarEntry, prefix: string): number {
    const digits = name.startsWith(prefix) ? name.slice(prefix.length) : '';
    if (!/^\d{1,12}$/.test(digits)) throw new XenError('IMPORT_ERROR_UNEXPECTED_FILE', `${prefix}*`, name);
    return Number(digits) * memberBytes;
  }

  /** Archives of the first versions have no checksums. */
  private async check(entry: TarEntry, bytes: Uint8Array): Promise<void> {
    const next = await this.take();
    const suffix = next && suffixes.find((s) => next.name === `${entry.name}${s}`);
    if (!next || !suffix) {
      this.ahead = next;
      return;
    }
    const said = plain.decode(await this.tar.content(next, 1024)).trim();
    const found = suffix === '.xxhash' ? await xxh64(bytes) : this.checking.sha1(bytes);
    if (said.toLowerCase() !== found.toLowerCase() && !this.checking.force)
      throw new XenError('IMPORT_ERROR_SOME_CHECKSUMS_FAILED');
  }
}
