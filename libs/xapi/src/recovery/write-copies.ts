/**
 * How a dump lies on a disk: two places, used in turn, each a header and after it the dump. The header has the dump's digest, so
 * that one that was cut short is known as such; the other place then still has the one before.
 */
import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { DiskSource, Write } from '@xenplane/wire';
import type { Dump } from './dump';

/** Room for both places. */
export const diskBytes = 256 * 2 ** 20;
const placeBytes = diskBytes / 2;
const headerBytes = 4_096;
const pieceBytes = 2 ** 20;
const format = 'xenplane database copy 1';

export interface Header {
  readonly format: string;
  readonly pool: string;
  readonly position: number;
  /** Counts the copies on this disk. */
  readonly turn: number;
  readonly bytes: number;
  readonly sha256: string;
}
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const placeOf = (turn: number): number => (turn % 2) * placeBytes;

/** The header comes last: until it is there, the place has nothing. */
export async function* writesOf({ pool, position, packed }: Dump, turn: number): AsyncGenerator<Write> {
  const offset = placeOf(turn);
  if (packed.length > placeBytes - headerBytes)
    throw new Error(`the database takes ${packed.length} bytes, more than the disk has room for`);
  for (let at = 0; at < packed.length; at += pieceBytes)
    yield { offset: offset + headerBytes + at, bytes: packed.subarray(at, at + pieceBytes) };
  const header: Header = { format, pool, position, turn, bytes: packed.length, sha256: sha256(packed) };
  yield { offset, bytes: Buffer.from(JSON.stringify(header).padEnd(headerBytes)) };
}

/** The copies that a disk says it has, the newest first. */
export async function headersOf(disk: DiskSource): Promise<readonly Header[]> {
  const headers: Header[] = [];
  for (const offset of [0, placeBytes]) {
    if (offset + headerBytes > disk.size) continue;
    const header = parsed(await buffer(disk.read(offset, headerBytes)));
    if (header && placeOf(header.turn) === offset && offset + headerBytes + header.bytes <= disk.size)
      headers.push(header);
  }
  return headers.sort((a, b) => b.turn - a.turn);
}

/** The newest copy that is whole; throws when there is none. */
export async function readCopy(disk: DiskSource): Promise<Dump> {
  for (const { turn, bytes, pool, position, sha256: expected } of await headersOf(disk)) {
    const packed = await buffer(disk.read(placeOf(turn) + headerBytes, bytes));
    if (sha256(packed) === expected) return { pool, position, packed };
  }
  throw new Error('the disk has no whole copy of a database');
}

function parsed(bytes: Buffer): Header | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return isHeader(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
function isHeader(value: unknown): value is Header {
  if (typeof value !== 'object' || value === null) return false;
  const header: Partial<Record<keyof Header, unknown>> = value;
  const counts = [header.turn, header.position, header.bytes];
  return (
    header.format === format &&
    typeof header.pool === 'string' &&
    typeof header.sha256 === 'string' &&
    counts.every((n) => Number.isSafeInteger(n) && Number(n) >= 0)
  );
}
