/** `PUT /bundle`: a tar of a repository, which fills the bundle repository of the pool; the result is the checksum of all repositories. */
import { BadTar, ByteReader, EndOfStream, encodeTaskResult, TarReader } from '@xenplane/wire';
import { XenError } from '@xenplane/model';
import { bundleRepository, syncBundle } from '@xenplane/xapi';
import { responseOf, type Handler } from '../exchange/exchange';
import { acceptBody, bodyCounted, refuseChunked, stoppable } from '../exchange/stream-transfer';

const mostIndexBytes = 4 * 2 ** 20;
const mostBytes = 2 ** 30;
const record = 512;

/** Its index; everything else is passed over as it comes. */
async function indexIn(body: AsyncIterable<Uint8Array>): Promise<string | undefined> {
  const reader = new ByteReader(body),
    tar = new TarReader(reader);
  let index: string | undefined;
  for (let entry = await tar.next(); entry; entry = await tar.next()) {
    if (reader.position + entry.size > mostBytes) throw new BadTar(`more than ${mostBytes} bytes`);
    if (/(^|\/)repodata\/repomd\.xml$/.test(entry.name))
      index = Buffer.from(await tar.content(entry, mostIndexBytes)).toString('utf8');
    else await reader.skip(Math.ceil(entry.size / record) * record);
  }
  for await (const _rest of reader.rest());
  return index;
}

async function unpacked(body: AsyncIterable<Uint8Array>): Promise<string> {
  const index = await indexIn(body).catch((error: unknown) => {
    if (error instanceof BadTar || error instanceof EndOfStream)
      throw new XenError('BUNDLE_UNPACK_FAILED', error.message);
    throw error;
  });
  if (index === undefined) throw new XenError('BUNDLE_SYNC_FAILED');
  return index;
}

export const bundle: Handler = {
  name: 'put_bundle',
  task: 'Sync bundle',
  run: async (exchange) => {
    const { plane } = exchange;
    refuseChunked(exchange);
    await bundleRepository(plane);
    acceptBody(exchange);
    const hash = await stoppable(exchange, async () =>
      syncBundle(plane, await unpacked(bodyCounted(exchange))),
    );
    responseOf(exchange).end();
    return encodeTaskResult({ kind: 'string' }, hash);
  },
};
