/** The records of a pool as one text: a line for each object, packed. What another pool has no use for, or must not see, is left out. */
import { pipeline } from 'node:stream/promises';
import { buffer } from 'node:stream/consumers';
import { createGzip, gunzipSync } from 'node:zlib';
import { asRef, isClassName, type ClassName, type Ref } from '@xenplane/model';
import { tables, type Store, type Tx } from '@xenplane/store';
import { decode, encodeJson, textOf } from '@xenplane/wire';

/** Of this pool alone, or secret. */
export const leftOut: ReadonlySet<ClassName> = new Set<ClassName>([
  'session',
  'task',
  'secret',
  'user',
  'message',
]);
/** Most that a dump may unpack to. */
const mostBytes = 2 ** 30;

export interface Dump {
  /** Uuid of the pool. */
  readonly pool: string;
  /** Every change of a transaction below this number is in it. */
  readonly position: number;
  readonly packed: Buffer;
}
export interface Entry {
  readonly cls: ClassName;
  readonly ref: Ref;
  readonly record: Readonly<Record<string, unknown>>;
}

/** All of it as it was at one moment. */
export const makeDump = (store: Store): Promise<Dump> =>
  store.read(async (tx) => {
    const [row] = await tx.query<{ position: string }>(
      'SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS position',
    );
    const [pool] = await tx.find('pool', {});
    const packed = await pipeline(lines(tx), createGzip({ level: 1 }), (packing: AsyncIterable<Buffer>) =>
      buffer(packing),
    );
    return { pool: pool?.uuid ?? '', position: Number(row?.position), packed };
  });

async function* lines(tx: Tx): AsyncGenerator<string> {
  for (const { cls } of tables) {
    if (leftOut.has(cls)) continue;
    for (const row of await tx.find(cls, {}))
      yield `[${JSON.stringify(cls)},${JSON.stringify(row.ref)},${encodeJson({ kind: 'record', cls }, row)}]\n`;
  }
}

/** Throws for what is no dump. Objects of classes that we do not know are passed over. */
export function* readDump(packed: Uint8Array): Generator<Entry> {
  const bytes = gunzipSync(packed, { maxOutputLength: mostBytes });
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0x0a, at);
    if (end < 0) throw new Error('the last line has no end');
    const parsed: unknown = JSON.parse(textOf(bytes.subarray(at, end)));
    if (!Array.isArray(parsed)) throw new Error('a line is no object');
    const [cls, ref, value] = parsed as unknown[];
    if (typeof cls === 'string' && isClassName(cls) && !leftOut.has(cls)) yield entryOf(cls, ref, value);
    at = end + 1;
  }
}

function entryOf(cls: ClassName, ref: unknown, value: unknown): Entry {
  if (typeof ref !== 'string') throw new Error('an object has no reference');
  return { cls, ref: asRef(ref), record: decode({ kind: 'record', cls }, value) as Record<string, unknown> };
}
