import http from 'node:http';
import net from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { sendBody, type Body } from './body';

let app: FastifyInstance, port: number, body: Body, reply: FastifyReply;
beforeAll(async () => {
  app = fastify({ forceCloseConnections: true });
  app.get('/', async (_request, given) => {
    reply = given;
    await sendBody(given, { 'content-type': 'text/plain' }, body);
    return given;
  });
  port = Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port);
});
afterAll(() => app.close());

const mib = 2 ** 20;
function* counted(pieces: number, size: number, taken: { bytes: number }): Generator<string> {
  for (let i = 0; i < pieces; i += 1) {
    taken.bytes += size;
    yield String(i % 10).repeat(size);
  }
}
interface Got {
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}
const get = (): Promise<Got> =>
  new Promise((resolve, reject) => {
    http
      .get({ port, host: '127.0.0.1', agent: false }, (response) => {
        const all: Buffer[] = [];
        response.on('data', (piece: Buffer) => all.push(piece)).on('error', reject);
        response.on('end', () => resolve({ headers: response.headers, text: Buffer.concat(all).toString() }));
      })
      .on('error', reject);
  });

test('a short answer says how long it is', async () => {
  body = { pieces: ['a', Buffer.from('é'), 'b'] };
  const { headers, text } = await get();
  expect([headers['content-length'], text]).toEqual(['4', 'aéb']);
});

test('a long answer whose length is not known comes in chunks, whole and in order', async () => {
  body = { pieces: counted(1200, 10_000, { bytes: 0 }) };
  const { headers, text } = await get();
  expect([headers['content-length'], headers['transfer-encoding'], text.length]).toEqual([
    undefined,
    'chunked',
    12_000_000,
  ]);
  expect([...counted(1200, 10_000, { bytes: 0 })].join('') === text).toBe(true);
});

test('a long answer whose length is known says it', async () => {
  body = { pieces: counted(1200, 10_000, { bytes: 0 }), length: 12_000_000 };
  const { headers, text } = await get();
  expect([headers['content-length'], headers['transfer-encoding'], text.length]).toEqual([
    '12000000',
    undefined,
    12_000_000,
  ]);
});

test('of an endless answer nothing more is made while the client does not read', async () => {
  const taken = { bytes: 0 };
  body = { pieces: counted(Infinity, 100_000, taken) };
  const socket = net.connect(port, '127.0.0.1').pause();
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nHost: any\r\n\r\n');
  let before = -1,
    still = 0;
  while (still < 20 && taken.bytes < 256 * mib) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    still = taken.bytes === before && before > 0 ? still + 1 : 0;
    before = taken.bytes;
  }
  expect(taken.bytes).toBeLessThan(64 * mib);
  socket.destroy();
});

test('a client that goes away ends the making of its answer', async () => {
  const taken = { bytes: 0 };
  body = { pieces: counted(Infinity, 100_000, taken) };
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nHost: any\r\n\r\n');
  await new Promise((resolve) => socket.once('data', resolve));
  const closed = new Promise((resolve) => reply.raw.once('close', resolve));
  socket.destroy();
  await closed;
  await new Promise((resolve) => setTimeout(resolve, 50));
  const after = taken.bytes;
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(taken.bytes).toBe(after);
});
