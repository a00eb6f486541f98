/** Archives of VMs as streams: what is in front of a disk's first byte, and how the whole is packed. */
import { createHash } from 'node:crypto';
import { Readable, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { XenError } from '@xenplane/model';
import {
  BadDisk,
  BadTar,
  ByteReader,
  EndOfStream,
  isTarHeader,
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

export type Compression = 'none' | 'gzip' | 'zstd';

type Make = () => Transform;
const isMake = (value: unknown): value is Make => typeof value === 'function';
/** Newer versions of the runtime have it. */
function zstd(name: 'createZstdCompress' | 'createZstdDecompress'): Transform {
  const make: unknown = Reflect.get(zlib, name);
  if (!isMake(make)) throw new XenError('LICENCE_RESTRICTION', 'zstd_export');
  return make();
}
export const hasZstd = isMake(Reflect.get(zlib, 'createZstdCompress'));

const packers: Readonly<Record<Exclude<Compression, 'none'>, Make>> = {
  // Exports are limited by this step: the fastest level is worth more than the last tenth.
  gzip: () => zlib.createGzip({ level: zlib.constants.Z_BEST_SPEED }),
  zstd: () => zstd('createZstdCompress'),
};

/** LICENCE_RESTRICTION, before anything is sent, for what this runtime cannot pack. */
export function packed(bytes: AsyncIterable<Uint8Array>, compression: Compression): AsyncIterable<Uint8Array> {
  return compression === 'none' ? bytes : piped(bytes, packers[compression]());
}

function piped(bytes: AsyncIterable<Uint8Array>, through: Transform): AsyncIterable<Uint8Array> {
  const source = Readable.from(bytes, { objectMode: true, highWaterMark: 1 });
  source.once('error', (error) => through.destroy(error));
  through.once('close', () => source.destroy());
  return source.pipe(through);
}

export interface NamedDisk {
  readonly id: string;
  readonly open: () => Promise<DiskSource>;
}
export async function* writeArchive(ova: Uint8Array, disks: readonly NamedDisk[]): AsyncGenerator<Uint8Array> {
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
export async function readArchive(source: AsyncIterable<Uint8Array>, { force }: { readonly force: boolean }): Promise<Archive> {
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

/** What is no tar is packed: by its first bytes with zstd, and else with gzip. */
async function unpacked(reader: ByteReader): Promise<ByteReader> {
  const head = await reader.upTo(headBytes);
  reader.unread(head);
  if (isTarHeader(head)) return reader;
  if (head.length === 0) throw new EndOfStream(0);
  const isZstd = Buffer.from(head.subarray(0, 4)).toString('hex') === '28b52ffd';
  return new ByteReader(piped(reader.rest(), isZstd ? zstd('createZstdDecompress') : zlib.createGunzip()));
}

const codeOf = (error: unknown): string => (typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '');
const textOf = (error: unknown): string => (typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error));

/** The error of the XenAPI that a failure of reading stands for. */
export function importError(error: unknown): unknown {
  if (error instanceof EndOfStream || codeOf(error) === 'Z_BUF_ERROR') return new XenError('IMPORT_ERROR_PREMATURE_EOF');
  if (error instanceof BadDisk || error instanceof BadTar || error instanceof MalformedCall || codeOf(error).startsWith('Z_'))
    return new XenError('IMPORT_ERROR', textOf(error));
  return error;
}
