/** `PUT /pool/xmldbdump?dry_run=`: the records of a database file come back. */
import { restoreDatabase } from '@xenplane/xapi';
import { flag, responseOf, sessionOf, type Handler } from '../exchange/exchange';
import { bufferInFile } from '../exchange/buffer-in-file';
import { acceptBody, bodyCounted, lengthOf, refuseChunked, stoppable } from '../exchange/stream-transfer';

const pieceBytes = 2 ** 18;
type Aside = Awaited<ReturnType<typeof bufferInFile>>;

async function* pieces({ size, read }: Aside): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < size; offset += pieceBytes)
    yield read(offset, Math.min(pieceBytes, size - offset));
}

export const databaseRestore: Handler = {
  name: 'put_pool_xml_db_sync',
  task: 'Database restore',
  run: async (exchange) => {
    refuseChunked(exchange);
    acceptBody(exchange);
    await stoppable(exchange, async () => {
      const file = await bufferInFile(bodyCounted(exchange));
      try {
        if (file.size < (lengthOf(exchange) ?? 0)) throw new Error('the client closed the connection');
        await restoreDatabase(
          exchange.plane,
          sessionOf(exchange),
          () => pieces(file),
          flag(exchange, 'dry_run'),
        );
      } finally {
        await file.close();
      }
    });
    responseOf(exchange).end();
  },
};
