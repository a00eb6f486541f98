/** `GET /pool/xmldbdump`: every record of the pool as XML. */
import { once } from 'node:events';
import { databaseXml } from '@xenplane/xapi';
import { responseOf, type Exchange, type Handler } from '../exchange/exchange';

export const databaseDump: Handler = {
  name: 'get_pool_xml_db_sync',
  run: async (exchange) => {
    await exchange.plane.replica.fresh();
    const response = responseOf(exchange);
    response.writeHead(200, { connection: 'close', 'content-type': 'text/xml' });
    for await (const piece of databaseXml(exchange.plane)) {
      if (!response.write(piece)) await drained(exchange);
      if (exchange.signal.aborted) return;
    }
    response.end();
  },
};

async function drained(exchange: Exchange): Promise<void> {
  await once(responseOf(exchange), 'drain', { signal: exchange.signal }).catch(() => undefined);
}
