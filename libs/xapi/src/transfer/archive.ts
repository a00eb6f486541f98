/** Archives of VMs as streams: what is in front of a disk's first byte, and how the whole is packed. */
import { createHash } from 'node:crypto';
import * as zlib from 'node:zlib';
import { XenError } from '@xenplane/model';
import {
  BadDisk,
  BadTar,
  BadZstd,
  ByteReader,
  EndOfStream,
  isTarHeader,
  isZstd,
  MalformedCall,
  MemberReader,
  ovaBytes,
  ovaName,
  readOva,
  tarEnd,
  tarMember,
  TarReader,
  writeMembers,
  type DiskSource,
  type Ova,
} from '@xenplane/wire';
import { piped } from './piped-bytes';
import { packZstd, unpackZstd } from './zstd';

export type Compression = 'none' | 'gzip' | 'zstd';

const packers: Readonly<
  Record<Compression, (bytes: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>>
> = {
  none: (bytes) => bytes,
  // Exports are limited by this step: the fastest level is worth more than the last tenth.
  gzip: (bytes) => piped(bytes, zlib.createGzip({ level: zlib.constants.Z_BEST_SPEED })),
  zstd: packZstd,
};

export const packed = (
  bytes: AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncIterable<Uint8Array> => packers[compression](bytes);

export interface NamedDisk {
  readonly id: string;
  readonly open: () => Promise<DiskSource>;
}
export async function* writeArchive(
  ova: Uint8Array,
  disks: readonly NamedDisk[],
): AsyncGenerator<Uint8Array> {
  yield* tarMember(ovaName, ova);
  for (const { id, open } of disks) yield* writeMembers(`${id}/`, await open());
  yield tarEnd();
}

export interface Archive {
  readonly ova: Ova;
  readonly members: MemberReader;
  readonly close: () => Promise<void>;
}

/** Reads as far as the records. */
export async function readArchive(
  source: AsyncIterable<Uint8Array>,
  { force }: { readonly force: boolean },
): Promise<Archive> {
  const reader = await unpacked(new ByteReader(source));
  const tar = new TarReader(reader);
  const first = await tar.next();
  if (!first) throw new XenError('IMPORT_ERROR_PREMATURE_EOF');
  if (first.name !== ovaName) throw new XenError('IMPORT_ERROR_UNEXPECTED_FILE', ovaName, first.name);
  const ova = readOva(await tar.content(first, ovaBytes));
  return { ova, members: new MemberReader(tar, { sha1, force }), close: () => reader.close() };
}

const sha1 = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');
const headBytes = 512;

/** An archive that is not plain tar is packed: by its first bytes with zstd, and else with gzip. */
async function unpacked(reader: ByteReader): Promise<ByteReader> {
  const head = await reader.upTo(headBytes);
  reader.unread(head);
  if (isTarHeader(head)) return reader;
  if (head.length === 0) throw new EndOfStream(0);
  return new ByteReader(isZstd(head) ? unpackZstd(reader) : piped(reader.rest(), zlib.createGunzip()));
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
const textOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);

const ofArchives = [BadDisk, BadTar, BadZstd, MalformedCall];

/** The error of the XenAPI that a failure of reading stands for. */
export function importError(error: unknown): unknown {
  if (error instanceof EndOfStream || codeOf(error) === 'Z_BUF_ERROR')
    return new XenError('IMPORT_ERROR_PREMATURE_EOF');
  if (ofArchives.some((kind) => error instanceof kind) || /^Z(STD)?_/.test(codeOf(error)))
    return new XenError('IMPORT_ERROR', textOf(error));
  return error;
}
