/** Blobs: records here, their bytes in a table of their own that the HTTP handler reads and writes. */
import { asRef, classes, XenError, type CallsOf, type Ref, type StoredRecord } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { dateTime, never, type Context, type Plane } from '../core/context';
import { readBytes, removeAllBytes, writeBytes } from '../tables/blob-bytes';

export const largestBlobBytes = 64 * 2 ** 20;
const anyType = 'application/octet-stream';

export interface NewBlob {
  readonly name: string;
  readonly mime_type: string;
  readonly open: boolean;
}

export async function newBlob(
  { tx, plane }: Context,
  { name, mime_type, open }: NewBlob,
): Promise<Ref<'blob'>> {
  const uuid = plane.ids.uuid(),
    ref = asRef<'blob'>(`OpaqueRef:${uuid}`);
  await tx.insert('blob', ref, {
    uuid,
    name_label: name,
    name_description: '',
    size: 0,
    public: open,
    last_updated: never,
    mime_type: mime_type === '' ? anyType : mime_type,
  });
  return ref;
}

type Holder = 'VM' | 'host' | 'pool' | 'network' | 'SR';
interface Asked {
  readonly name: string;
  readonly mime_type: string;
  readonly public: boolean;
}
/** `create_new_blob` of a class: under a name that the object has not used yet. */
export const createNewBlob =
  <P extends string>(cls: Holder, param: P) =>
  async (context: Context, args: Asked & { readonly [K in P]: Ref<Holder> }): Promise<Ref<'blob'>> => {
    const { tx } = context;
    const self = args[param],
      { name } = args;
    const { blobs } = await tx.lock(cls, self);
    if (Object.hasOwn(blobs, name)) throw new XenError('MAP_DUPLICATE_KEY', cls, 'blobs', self, name);
    const blob = await newBlob(context, { name, mime_type: args.mime_type, open: args.public });
    await tx.update(cls, self, { blobs: { ...blobs, [name]: blob } });
    return blob;
  };

/** The bytes go with the record. */
export async function dropBlobs(
  { tx }: Pick<Context, 'tx'>,
  blobs: Readonly<Record<string, string>>,
): Promise<void> {
  await tx.query('DELETE FROM blob WHERE ref = ANY($1)', [Object.values(blobs)]);
}

/** The content of all blobs; their records stay, for what points at them. */
export async function emptyBlobs(tx: Tx): Promise<void> {
  await removeAllBytes(tx);
  await tx.updateMany(
    'blob',
    (await tx.find('blob', {})).map(({ ref }) => ({ ref, size: 0 })),
  );
}

export interface BlobNamed {
  readonly ref?: string | null;
  readonly uuid?: string | null;
}
/** HANDLE_INVALID or UUID_INVALID when there is none. */
export async function blobNamed(
  tx: Tx,
  { ref, uuid }: BlobNamed,
): Promise<StoredRecord<'blob'> & { readonly ref: Ref<'blob'> }> {
  if (ref) return tx.get('blob', asRef<'blob'>(ref));
  const [blob] = await tx.find('blob', { uuid: uuid ?? '' });
  if (!blob) throw new XenError('UUID_INVALID', 'blob', uuid ?? '');
  return blob;
}

export async function writeBlob(tx: Tx, plane: Plane, blob: Ref<'blob'>, bytes: Buffer): Promise<void> {
  await tx.lock('blob', blob);
  await writeBytes(tx, blob, bytes);
  await tx.update('blob', blob, { size: bytes.length, last_updated: dateTime(plane.clock.now()) });
}
export async function readBlob(tx: Tx, blob: Ref<'blob'>): Promise<Buffer> {
  return (await readBytes(tx, blob)) ?? Buffer.alloc(0);
}

export const blobCalls: CallsOf<typeof classes.blob, Context> = {
  create: (context, { mime_type, public: open }) => newBlob(context, { name: '', mime_type, open }),
  destroy: ({ tx }, { self }) => tx.remove('blob', self),
};
