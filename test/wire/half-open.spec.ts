/** Connections on which nothing is sent: the server closes the oldest, and goes on to answer whoever speaks. */
import type { Socket } from 'node:net';
import { eventually, startWorld, statusOf, type World } from '../world';
import { open } from './strangers';

let world: World;
beforeAll(async () => {
  world = await startWorld({ hosts: 1, leases: true });
});
afterAll(() => world?.stop());

/** Of one address; see `halfOpenLimits`. */
const mostOfAddress = 1_000;
const tooMany = 1_500;

async function openAll(port: number, count: number, sent: string): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => open({ port }).on('error', () => undefined));
  await Promise.all(
    sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))),
  );
  for (const socket of sockets) socket.write(sent);
  return sockets;
}

const servers: [string, () => string | undefined, string][] = [
  ['the API', () => world.url, '/health/live'],
  ['an agent', () => world.agent.url, '/health/live'],
  ['the image server', () => world.imagesUrl, '/health/live'],
  ['the program for leases', () => world.leasesUrl, '/health/live'],
];
const heads: [string, string][] = [
  ['CONNECT', 'CONNECT nowhere:1 HTTP/1.1\r\nHost: nowhere\r\n\r\n'],
  ['an upgrade', 'GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: nothing\r\n\r\n'],
];
test.each(servers.flatMap(([what, url]) => heads.map(([head, bytes]) => [what, head, url, bytes] as const)))(
  '%s answers or closes a connection with %s, and keeps none for nothing',
  async (_what, _head, url, bytes) => {
    const socket = open({ port: Number(new URL(url() ?? '').port) }).on('error', () => undefined);
    let answer = '';
    socket.on('data', (piece) => (answer += piece.toString('latin1'))).write(bytes);
    await eventually(async () => expect(socket.closed || socket.readableEnded || answer !== '').toBe(true));
    socket.destroy();
  },
);

test.each(servers)(
  '%s closes the oldest of many connections without a head, and answers others',
  async (_what, url, path) => {
    const { port } = new URL(url() ?? '');
    const sockets = await openAll(Number(port), tooMany, 'GET /health/live HTTP/1.1\r\nX: ');
    try {
      expect(await statusOf(fetch(`${url()}${path}`))).toBe(200);
      await eventually(async () =>
        expect(sockets.filter(({ closed }) => !closed).length).toBeLessThanOrEqual(mostOfAddress),
      );
      // A crowd of strangers costs no guest its lease.
      const [host] =
        (await world.apis[0]?.plane.store.query<{ alive: boolean }>('SELECT alive FROM host_run')) ?? [];
      expect(host?.alive).toBe(true);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  },
);

test('connections that rest after an answer are closed for newer ones, so that they keep nobody from renewing a lease', async () => {
  const { port } = new URL(world.leasesUrl ?? '');
  const sockets = await openAll(Number(port), tooMany, 'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n');
  try {
    expect(await statusOf(fetch(`${world.leasesUrl}/health/live`))).toBe(200);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});
