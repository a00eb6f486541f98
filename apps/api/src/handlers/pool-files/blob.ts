/** `GET` and `PUT /blob`: the bytes of a blob, named by `ref` or `uuid`. Public ones can be read by anybody. */
import { XenError } from '@xenplane/model';
import { blobNamed, largestBlobBytes, readBlob, writeBlob, type BlobNamed } from '@xenplane/xapi';
import { inTransaction } from '@xenplane/store';
import { forPages, sendDocument, sessionOf, type Exchange, type Handler } from '../exchange/exchange';
import { Refusal } from '../exchange/refusal';

function named({ query }: Exchange): BlobNamed {
  const ref = query.get('ref'),
    uuid = query.get('uuid');
  if (!ref && !uuid) throw new Refusal(400, 'The parameter ref or uuid is missing');
  return { ref, uuid };
}
function notFound(error: unknown): never {
  throw error instanceof XenError && ['HANDLE_INVALID', 'UUID_INVALID'].includes(error.code)
    ? new Refusal(404, 'There is no such blob')
    : error;
}

export const getBlob: Handler = {
  name: 'get_blob',
  run: async (exchange) => {
    const which = named(exchange);
    const { blob, bytes } = await inTransaction(exchange.plane.store, async (tx) => {
      const found = await blobNamed(tx, which);
      if (!found.public) sessionOf(exchange);
      return { blob: found, bytes: await readBlob(tx, found.ref) };
    }).catch(notFound);
    sendDocument(exchange, blob.mime_type, bytes, forPages);
  },
};

export const putBlob: Handler = {
  name: 'put_blob',
  task: 'Uploading blob',
  run: async (exchange) => {
    const which = named(exchange);
    const bytes = await received(exchange);
    await inTransaction(exchange.plane.store, async (tx) =>
      writeBlob(tx, exchange.plane, (await blobNamed(tx, which)).ref, bytes),
    ).catch(notFound);
    sendDocument(exchange, 'text/plain', Buffer.alloc(0), forPages);
  },
};

async function received({ request }: Exchange): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > largestBlobBytes) throw new Refusal(413, `A blob has at most ${largestBlobBytes} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
