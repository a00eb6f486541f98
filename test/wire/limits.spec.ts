/** Limits of strangers: memory for bodies, time for sending them, connections. And pages that need a login. */
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { apiSettings, testServices } from '@xenplane/config';
import { startApi, type RunningApi } from '../../apps/api/src/api';
import { NbdClient } from '../nbd-client';
import { eventually, login, password, startWorld, statusOf, type World } from '../world';
import { exchangeBytes, type Way } from './strangers';
import { request, sessionOf } from './raw';

const mebi = 2 ** 20;
const halfOpen = 40;
let world: World;
/** With limits that are soon reached. */
let small: RunningApi;
let http: Way, tlsPort: number, nbdPort: number;

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

beforeAll(async () => {
  world = await startWorld({ hosts: 1, scheduler: false });
  [tlsPort, nbdPort] = [await freePort(), await freePort()];
  const settings = {
    ...{
      DATABASE_URL: world.databaseUrl,
      REDIS_URL: testServices().redisUrl,
      XENPLANE_LOG_LEVEL: 'error',
      XENPLANE_PORT: '0',
    },
    ...{
      XENPLANE_TLS_PORT: String(tlsPort),
      XENPLANE_NBD_PORT: String(nbdPort),
      XENPLANE_DATA: path.join(world.folder, 'small'),
    },
    ...{ XENPLANE_BODIES_MB: '8', XENPLANE_HALF_OPEN: String(halfOpen), XENPLANE_METRICS: 'loopback' },
  };
  small = await startApi(apiSettings(settings));
  http = { port: small.port };
});
afterAll(async () => {
  for (const socket of opened.splice(0)) socket.destroy();
  await small?.stop();
  await world?.stop();
});

const opened: net.Socket[] = [];
interface Watched {
  readonly socket: net.Socket;
  answer: string;
  closed: boolean;
}
/** A connection that sends this and waits. */
function begin(port: number, bytes: string | Buffer = ''): Watched {
  const socket = net.connect(port, '127.0.0.1');
  const watched: Watched = { socket, answer: '', closed: false };
  opened.push(socket);
  socket.on('data', (piece) => (watched.answer += piece.toString('latin1'))).on('error', () => undefined);
  socket.on('close', () => (watched.closed = true)).on('end', () => (watched.closed = true));
  if (bytes.length > 0) socket.write(bytes);
  return watched;
}
const call = (session: string): Buffer =>
  request(
    'POST',
    '/jsonrpc',
    JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'pool.get_all', params: [session] }),
  );
const unfinished = (announced: number, sent: number): Buffer =>
  Buffer.concat([
    Buffer.from(`POST /jsonrpc HTTP/1.1\r\nHost: any\r\nContent-Length: ${announced}\r\n\r\n`),
    Buffer.alloc(sent, ' '),
  ]);
const works = async (): Promise<void> =>
  expect(await exchangeBytes(http, call(await sessionOf(world)))).toContain('"result":["OpaqueRef:');

test('a large body without a session is given up after its first bytes', async () => {
  const bodies = Array.from({ length: 60 }, () => begin(small.port, unfinished(15 * mebi, 64 * 1024)));
  await eventually(async () =>
    expect(bodies.map(({ answer }) => answer.slice(9, 12))).toEqual(bodies.map(() => '413')),
  );
  await eventually(async () => expect(bodies.every(({ closed }) => closed)).toBe(true));
  await works();
});
test('with a session that is good a large body is read', async () => {
  const session = await sessionOf(world);
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'VM.get_by_name_label',
    params: [session, 'x'.repeat(7 * mebi)],
  });
  expect(await exchangeBytes(http, request('POST', '/jsonrpc', body), { silentMs: 60_000 })).toMatch(
    /^HTTP\/1\.1 200 /,
  );
});
test('a session that is none is looked up once, and the body is not read', async () => {
  const body = JSON.stringify({
    params: ['OpaqueRef:00000000-0000-0000-0000-000000000000', 'x'.repeat(2 * mebi)],
  });
  expect(await exchangeBytes(http, request('POST', '/jsonrpc', body), { silentMs: 20_000 })).toMatch(
    /^HTTP\/1\.1 413 /,
  );
});

test('bodies that are not whole share what memory there is: more of one address is 503, and calls go on', async () => {
  const bodies = Array.from({ length: 30 }, () => begin(small.port, unfinished(mebi, 700 * 1024)));
  await eventually(async () =>
    expect(bodies.filter(({ answer }) => answer.startsWith('HTTP/1.1 503 ')).length).toBeGreaterThanOrEqual(
      24,
    ),
  );
  expect(bodies.some(({ closed, answer }) => !closed && answer === '')).toBe(true);
  await works();
  // A small call is not refused because of large ones, also when they take all that there is.
  for (let i = 0; i < 5; i += 1) begin(small.port, unfinished(mebi, 700 * 1024));
  await works();
  for (const { socket } of bodies) socket.destroy();
  // The memory that they took is free again.
  await eventually(async () => {
    const again = begin(small.port, unfinished(mebi, mebi - 1));
    await new Promise((resolve) => setTimeout(resolve, 200));
    const answer = again.answer;
    again.socket.destroy();
    expect(answer).toBe('');
  });
});

test('five hundred clients of one address at once are served', async () => {
  const session = await sessionOf(world);
  const answers = await Promise.all(
    Array.from({ length: 500 }, () =>
      exchangeBytes({ port: Number(new URL(world.url).port) }, call(session), { silentMs: 60_000 }),
    ),
  );
  expect(answers.filter((answer) => answer.includes('"result":["OpaqueRef:')).length).toBe(500);
});

test.each(['/jsonrpc', '/cli', '/RPC2'])(
  'POST %s: a body that comes byte by byte is given up with 408',
  async (target) => {
    const slow = begin(small.port, `POST ${target} HTTP/1.1\r\nHost: any\r\nContent-Length: 1000\r\n\r\n`);
    const drip = setInterval(() => slow.socket.writable && slow.socket.write('x'), 200);
    await eventually(async () => expect(slow.answer).toMatch(/^HTTP\/1\.1 408 /));
    await eventually(async () => expect(slow.closed).toBe(true));
    clearInterval(drip);
  },
);

test.each([
  ['HTTP', () => small.port],
  ['TLS', () => tlsPort],
])('half-open connections over %s: the oldest give way, and who speaks is served', async (_name, port) => {
  const silent: Watched[] = [];
  for (let i = 0; i < 4 * halfOpen; i += 1) {
    silent.push(begin(port()));
    if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const left = (): number => silent.filter(({ closed }) => !closed).length;
  await eventually(async () => expect(left()).toBeLessThanOrEqual(halfOpen / 2));
  const way: Way = port() === tlsPort ? { port: tlsPort, tls: true } : { port: port() };
  expect(await exchangeBytes(way, 'GET /health/live HTTP/1.1\r\nHost: any\r\n\r\n')).toMatch(
    /^HTTP\/1\.1 200 /,
  );
  for (const { socket } of silent) socket.destroy();
});
test('a connection that has sent a request is half-open no more', async () => {
  const kept = begin(small.port, 'GET /health/live HTTP/1.1\r\nHost: any\r\n\r\n');
  await eventually(async () => expect(kept.answer).toMatch(/^HTTP\/1\.1 200 /));
  const silent = Array.from({ length: 2 * halfOpen }, () => begin(small.port));
  await eventually(async () =>
    expect(silent.filter(({ closed }) => closed).length).toBeGreaterThanOrEqual(halfOpen),
  );
  kept.answer = '';
  kept.socket.write('GET /health/live HTTP/1.1\r\nHost: any\r\n\r\n');
  await eventually(async () => expect(kept.answer).toMatch(/^HTTP\/1\.1 200 /));
  for (const { socket } of silent) socket.destroy();
});
test('silent connections to the NBD port keep no reader out', async () => {
  const root = await login(world.url);
  const [network] = await root<string[]>('network.get_all');
  await root('network.add_purpose', network, 'insecure_nbd');
  const silent = Array.from({ length: 100 }, () => begin(nbdPort));
  await eventually(async () =>
    expect(silent.filter(({ closed }) => closed).length).toBeGreaterThanOrEqual(30),
  );
  const client = await NbdClient.connect({ address: '127.0.0.1', port: nbdPort });
  expect(await client.greet()).toMatch(/^NBDMAGICIHAVEOPT/);
  for (const { socket } of silent) socket.destroy();
});

describe('TLS', () => {
  const offered = (options: tls.ConnectionOptions, socket?: net.Socket): Promise<string> =>
    new Promise((resolve) => {
      const secure = tls.connect({
        ...(socket ? { socket } : { port: tlsPort, host: '127.0.0.1' }),
        rejectUnauthorized: false,
        ...options,
      });
      secure.once('secureConnect', () => {
        resolve(`${secure.getProtocol()} ${secure.getCipher().standardName}`);
        secure.destroy();
      });
      secure.once('error', () => resolve('refused'));
    });
  const old = { maxVersion: 'TLSv1.2', minVersion: 'TLSv1.2' } as const;
  const rows: [string, tls.ConnectionOptions, string][] = [
    ['AES128-SHA', { ...old, ciphers: 'AES128-SHA' }, 'refused'],
    ['AES256-GCM-SHA384 without forward secrecy', { ...old, ciphers: 'AES256-GCM-SHA384' }, 'refused'],
    ['ECDHE with CBC', { ...old, ciphers: 'ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA' }, 'refused'],
    ['DHE', { ...old, ciphers: 'DHE-RSA-AES128-GCM-SHA256' }, 'refused'],
    ['TLS 1.1', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' }, 'refused'],
    [
      'what Java and .NET offer of TLS 1.2',
      { ...old, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' },
      'TLSv1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
    ],
    [
      'what Go offers of TLS 1.2',
      { ...old, ciphers: 'ECDHE-RSA-CHACHA20-POLY1305' },
      'TLSv1.2 TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
    ],
    ['TLS 1.3', { minVersion: 'TLSv1.3' }, 'TLSv1.3 TLS_AES_256_GCM_SHA384'],
  ];
  test.each(rows)('%s', async (_what, options, wanted) => expect(await offered(options)).toBe(wanted));
  test.each(rows)('over NBD: %s', async (_what, options, wanted) => {
    const root = await login(world.url);
    const [network] = await root<string[]>('network.get_all');
    await root('network.remove_purpose', network, 'insecure_nbd');
    if (!(await root<string[]>('network.get_purpose', network)).includes('nbd'))
      await root('network.add_purpose', network, 'nbd');
    const socket = net.connect(nbdPort, '127.0.0.1');
    await new Promise((resolve) => socket.once('data', resolve));
    const startTls = Buffer.alloc(20);
    startTls.writeUInt32BE(3);
    startTls.write('IHAVEOPT', 4, 'latin1');
    startTls.writeUInt32BE(5, 12);
    socket.write(startTls);
    await new Promise((resolve) => socket.once('data', resolve));
    expect(await offered(options, socket)).toBe(wanted);
    socket.destroy();
  });
});

describe('figures', () => {
  const basic = (user: string, secret: string): RequestInit => ({
    headers: { authorization: `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}` },
  });
  test('name hosts to nobody who has not logged in', async () => {
    const answer = await fetch(`${world.url}/metrics`);
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="XenAPI"']);
    expect(await answer.text()).not.toContain('xenplane_');
    expect(await statusOf(fetch(`${world.url}/metrics`, basic('root', 'wrong')))).toBe(401);
    expect(await statusOf(fetch(`${world.url}/metrics?session_id=OpaqueRef:none`))).toBe(401);
    expect(await statusOf(fetch(`${world.url}//metrics`))).toBe(401);
  });
  test('are read by name and password, or by a session, and leave no session behind', async () => {
    const session = await sessionOf(world);
    const sessions = async (): Promise<number> =>
      Number((await small.plane.store.query<{ n: string }>('SELECT count(*) AS n FROM session'))[0]?.n);
    const before = await sessions();
    for (const answer of [
      fetch(`${world.url}/metrics`, basic('root', password)),
      fetch(`${world.url}/metrics?session_id=${session}`),
    ])
      expect(await (await answer).text()).toContain('xenplane_host_memory_free_bytes');
    expect(await sessions()).toBe(before);
  });
  test('are open to this machine where the setting says so', async () => {
    expect(await (await fetch(`${small.url}/metrics`)).text()).toContain('xenplane_host_memory_free_bytes');
  });
});
