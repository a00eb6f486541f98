/** The table `blob_bytes`: the contents of blobs; they go with the blob's record. */
import type { Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';

export async function writeBytes(tx: Tx, blob: Ref<'blob'>, bytes: Buffer): Promise<void> {
  await tx.query(
    'INSERT INTO blob_bytes(blob, bytes) VALUES ($1, $2) ON CONFLICT (blob) DO UPDATE SET bytes = excluded.bytes',
    [blob, bytes],
  );
}
export async function readBytes(tx: Tx, blob: Ref<'blob'>): Promise<Buffer | undefined> {
  const [row] = await tx.query<{ bytes: Buffer }>('SELECT bytes FROM blob_bytes WHERE blob = $1', [blob]);
  return row?.bytes;
}
/** The bytes of all blobs. */
export async function removeAllBytes(tx: Tx): Promise<void> {
  await tx.query('DELETE FROM blob_bytes', []);
}
