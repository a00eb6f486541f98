/** The table `image`: the template images that the image server has, by digest. */
import type { Tx } from '@xenplane/store';

export interface ImageRow {
  readonly sha256: string;
  readonly format: 'raw' | 'qcow2';
  readonly sizeBytes: number;
  readonly virtualSizeBytes: number;
}
/** One that is known keeps its name. */
export async function insertImage(tx: Tx, image: ImageRow, name: string): Promise<void> {
  await tx.query(
    'INSERT INTO image(sha256, format, size_bytes, virtual_size_bytes, name, created) VALUES ($1, $2, $3, $4, $5, now()) ON CONFLICT (sha256) DO NOTHING',
    [image.sha256, image.format, image.sizeBytes, image.virtualSizeBytes, name],
  );
}
