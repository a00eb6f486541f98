import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { bodyUntilCut } from './stream-transfer';
import { followBody, isUnframed, watchUploads } from './unframed';

let server: Server;
let port: number;
const bodies: number[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume().on('end', () => response.end('framed'));
  });
  server.on('connection', watchUploads);
  server.on('upgrade', (head, socket: Socket, begun) => {
    if (!isUnframed(head)) return void socket.destroy();
    const { request, response } = followBody(head, socket, begun);
    void (async () => {
      response.writeHead(200, { connection: 'close' });
      response.flushHeaders();
      let size = 0;
      // A reader that is slower than the network.
      for await (const piece of bodyUntilCut({ request }))
        if ((size += piece.length) % 7 === 0) await sleep(1);
      bodies.push(size);
      response.end(`${request.method} ${request.url} ${request.headers['x-mine']} ${size}`);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

async function answerTo(...pieces: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const heard: Buffer[] = [];
  socket.on('data', (piece: Buffer) => heard.push(piece));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  for (const piece of pieces) {
    if (!socket.write(piece)) await new Promise((resolve) => socket.once('drain', resolve));
    await sleep(2);
  }
  socket.end();
  await closed;
  return Buffer.concat(heard).toString();
}
const head = (version: string): string => `PUT /file?a=b HTTP/${version}\r\nHost: any\r\nX-Mine: yes\r\n\r\n`;

test.each(['1.0', '1.1'])(
  'HTTP/%s: a body without a frame is all that comes until the connection ends, however it comes',
  async (version) => {
    const many = Buffer.alloc(3 * 2 ** 20, 1);
    expect(await answerTo(`${head(version)}body`)).toMatch(
      /^HTTP\/1\.1 200 OK\r\n[^]*PUT \/file\?a=b yes 4(\r\n0\r\n\r\n)?$/,
    );
    expect(await answerTo(head(version).slice(0, 20), head(version).slice(20), 'bo', 'dy')).toMatch(
      / 4(\r\n0\r\n\r\n)?$/,
    );
    expect(await answerTo(head(version), many)).toMatch(/ 3145728(\r\n0\r\n\r\n)?$/);
    expect(await answerTo(head(version))).toMatch(/ 0(\r\n0\r\n\r\n)?$/);
    expect(await answerTo(head(version), 'GET / HTTP/1.0\r\n\r\n')).toMatch(/ 18(\r\n0\r\n\r\n)?$/);
  },
);

test('a connection that breaks ends the body, and a body with a frame is none of this', async () => {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  socket.write(`${head('1.0')}begun`);
  await new Promise((resolve) => socket.once('data', resolve));
  socket.resetAndDestroy();
  while (bodies.at(-1) !== 5) await sleep(5);
  expect(await answerTo('PUT / HTTP/1.0\r\nContent-Length: 2\r\n\r\nok')).toMatch(/framed$/);
  expect(
    await answerTo(
      'PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    ),
  ).toContain('framed');
});
