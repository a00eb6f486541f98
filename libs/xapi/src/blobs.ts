/** Named pieces of binary data that are attached to an object: the record comes first, the bytes later over HTTP. */
import { asRef, type Ref } from '@xenplane/model';
import { never, type Context } from './context';
import { recordWith } from './records';

export async function newBlob({ tx, plane }: Context, name: string, mimeType: string, isPublic: boolean): Promise<Ref<'blob'>> {
  const uuid = plane.ids.uuid(),
    ref = asRef<'blob'>(`OpaqueRef:${uuid}`);
  const mime_type = mimeType === '' ? 'application/octet-stream' : mimeType;
  await tx.insert('blob', ref, recordWith('blob', { uuid, name_label: name, size: 0, public: isPublic, last_updated: never, mime_type }));
  return ref;
}
