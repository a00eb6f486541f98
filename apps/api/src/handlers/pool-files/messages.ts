/** `PUT /messages?uuid=&cls=`: alerts of an object that were exported elsewhere become alerts of an object here. */
import { insertMessages, objectOfMessages, type ImportedMessage } from '@xenplane/xapi';
import { inTransaction } from '@xenplane/store';
import { required, responseOf, type Handler } from '../exchange/exchange';
import { Refusal } from '../exchange/refusal';
import { acceptBody, bodyCounted, refuseChunked, stoppable } from '../exchange/stream-transfer';

const mostBytes = 16 * 2 ** 20;
const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
const plain = (text: string): string =>
  text.replace(
    /&(?:(lt|gt|quot|apos|amp)|#(\d{1,7}));/g,
    (_all, name: string | undefined, code: string | undefined) =>
      name === undefined ? String.fromCodePoint(Math.min(Number(code), 0x10ffff)) : (entities[name] ?? ''),
  );

function messageIn(xml: string): ImportedMessage {
  const value = (name: string): string =>
    plain(new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? '');
  const priority = Number(value('priority'));
  const timestamp = value('timestamp').replaceAll('-', '').replace(/\.\d+/, '');
  if (value('name') === '' || !Number.isSafeInteger(priority) || !/^\d{8}T\d\d:\d\d:\d\dZ$/.test(timestamp))
    throw new Refusal(400, 'A message is not whole');
  return { uuid: value('uuid'), name: value('name'), priority, timestamp, body: value('body') };
}

function messagesIn(xml: string): ImportedMessage[] {
  const inside = /<messages(?:\s*\/>|>([\s\S]*)<\/messages>)\s*$/.exec(xml.trim());
  if (!inside) throw new Refusal(400, 'This is no list of messages');
  return [...(inside[1] ?? '').matchAll(/<message>([\s\S]*?)<\/message>/g)].map(([, one = '']) =>
    messageIn(one),
  );
}

export const putMessages: Handler = {
  name: 'put_messages',
  task: 'Importing messages',
  run: async (exchange) => {
    const { plane } = exchange;
    const about = { cls: required(exchange, 'cls'), obj_uuid: required(exchange, 'uuid') };
    refuseChunked(exchange);
    await inTransaction(plane.store, (tx) => objectOfMessages(tx, about));
    acceptBody(exchange);
    await stoppable(exchange, async () => {
      const messages = messagesIn(await gathered(bodyCounted(exchange)));
      await inTransaction(plane.store, (tx) => insertMessages(tx, plane, about, messages));
    });
    responseOf(exchange).end();
  },
};

async function gathered(body: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    if ((size += piece.length) > mostBytes)
      throw new Refusal(413, `Messages of at most ${mostBytes} bytes are taken at once`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}
