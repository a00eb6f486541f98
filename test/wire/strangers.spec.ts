/** Nothing that a stranger sends ends a process: every way in is tried with listed and with random bytes, and answers afterwards. */
import net from 'node:net';
import path from 'node:path';
import { apiSettings, testServices } from '@xenplane/config';
import { startApi, type RunningApi } from '../../apps/api/src/api';
import { joinKey, login, startWorld, type World } from '../world';
import { exchangeBytes, oddNbd, oddRequest, oddTargets, randomOf, type Way } from './strangers';
import { request, sessionOf, xmlCall } from './raw';

/** Many of them are whole only if more comes: those are not waited for. */
const hasty = { quietMs: 20, silentMs: 300 };
const seed = Math.floor(Math.random() * 2 ** 31);
const tries = 150;

let world: World;
let second: RunningApi;
const ways: Record<string, Way> = {};

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
const portOf = (url: string): number => Number(new URL(url).port);

beforeAll(async () => {
  world = await startWorld({ hosts: 1, scheduler: false, leases: true });
  const [tlsPort, nbdPort] = [await freePort(), await freePort()];
  const socket = path.join(world.folder, 's');
  const settings = {
    ...{
      DATABASE_URL: world.databaseUrl,
      REDIS_URL: testServices().redisUrl,
      XENPLANE_LOG_LEVEL: 'fatal',
      XENPLANE_PORT: '0',
    },
    ...{
      XENPLANE_TLS_PORT: String(tlsPort),
      XENPLANE_NBD_PORT: String(nbdPort),
      XENPLANE_SOCKET: socket,
      XENPLANE_JOIN_KEY: joinKey,
    },
    ...{ XENPLANE_REFUSED_LOGIN_MS: '0', XENPLANE_DATA: path.join(world.folder, 'second') },
  };
  second = await startApi(apiSettings(settings));
  const call = await login(world.url);
  const [network] = await call<string[]>('network.get_all');
  await call('network.add_purpose', network, 'insecure_nbd');
  Object.assign(ways, {
    ...{
      HTTP: { port: portOf(second.url) },
      TLS: { port: tlsPort, tls: true },
      'the local socket': { path: socket },
      NBD: { port: nbdPort },
    },
    ...{
      'the agent': { port: portOf(world.agent.url) },
      'the image server': { port: portOf(world.imagesUrl) },
    },
    leases: { port: portOf(world.leasesUrl ?? '') },
  });
});
afterAll(async () => {
  await second?.stop();
  await world?.stop();
});

const wayOf = (name: string): Way => ways[name] ?? { port: 0 };
const alive = (name: string): Promise<string> =>
  name === 'NBD'
    ? exchangeBytes(wayOf(name), '')
    : exchangeBytes(wayOf(name), 'GET /health/live HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n');
const isAlive = (name: string): RegExp => (name === 'NBD' ? /^NBDMAGIC/ : /^HTTP\/1\.1 200 /);

const servers = ['HTTP', 'TLS', 'the local socket', 'the agent', 'the image server', 'leases'] as const;
const interfaceForm = ['HTTP', 'TLS', 'the local socket'] as const;

async function inLots<T>(all: readonly T[], work: (one: T) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < all.length; i += 15) await Promise.all(all.slice(i, i + 15).map(work));
}

test.each(servers)('%s answers every odd target by every method, and lives', async (name) => {
  const requests = oddTargets.flatMap((target) =>
    ['GET', 'POST', 'CONNECT', 'PUT'].map((method) => `${method} ${target} HTTP/1.1\r\nHost: any\r\n\r\n`),
  );
  const upgrades = oddTargets.map(
    (target) => `GET ${target} HTTP/1.1\r\nHost: any\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
  );
  await inLots([...requests, ...upgrades], (bytes) =>
    exchangeBytes(wayOf(name), Buffer.from(bytes, 'latin1'), hasty),
  );
  expect(await alive(name)).toMatch(isAlive(name));
});

test.each([...servers, 'NBD'])(`%s outlives random bytes (seed ${seed})`, async (name) => {
  const random = randomOf(seed);
  const inputs = Array.from({ length: tries }, () =>
    name === 'NBD' && random() < 0.8 ? oddNbd(random) : oddRequest(random),
  );
  await inLots(inputs, (bytes) => exchangeBytes(wayOf(name), bytes, hasty));
  expect(await alive(name)).toMatch(isAlive(name));
});

test.each([
  ['GET /no/such', '', 404],
  ['GET http://[', '', 404],
  ['POST //agent/v1/renewals', '', 404],
  ['POST /agent/v1/renewals', '', 401],
  ['POST /agent/v1/renewals', 'Authorization: Host %%%\r\n', 401],
])('the program for leases answers %s %j with %i', async (line, head, status) => {
  const bytes = `${line} HTTP/1.1\r\nHost: any\r\n${head}Content-Length: 0\r\n\r\n`;
  expect(await exchangeBytes(wayOf('leases'), bytes)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
});

test(`commands of xe that are nearly some, before and after the greeting (seed ${seed})`, async () => {
  const random = randomOf(seed);
  const bytesOf = (): Buffer =>
    Buffer.from(Array.from({ length: Math.floor(random() * 60) }, () => Math.floor(random() * 256)));
  const greeting = Buffer.from([...Buffer.from('XenSource thin CLI protocol'), 0, 0, 0, 0, 0, 0, 0, 2]);
  const inputs = Array.from({ length: tries }, () => {
    const words =
      random() < 0.5
        ? bytesOf()
        : Buffer.from(
            `username=root\npassword=${world.password}\npool-dump-database\nfile-name=${bytesOf().toString('latin1')}\n`,
          );
    return Buffer.concat([request('POST', '/cli', words), random() < 0.7 ? greeting : bytesOf(), bytesOf()]);
  });
  await inLots(inputs, (bytes) => exchangeBytes(wayOf('HTTP'), bytes, hasty));
  expect(await alive('HTTP')).toMatch(isAlive('HTTP'));
});

describe.each(interfaceForm)('%s', (name) => {
  test.each([
    ['GET http://[', 400],
    ['GET http://a:b/', 400],
    ['GET /%', 400],
    ['GET /%00', 400],
    ['POST http://[', 400],
    ['CONNECT http://[', 400],
    ['CONNECT //', 403],
    ['GET //', 200],
    ['GET //no//such', 404],
  ])('%s is %i', async (line, status) => {
    expect(await exchangeBytes(wayOf(name), `${line} HTTP/1.1\r\nHost: any\r\n\r\n`)).toMatch(
      new RegExp(`^HTTP/1\\.1 ${status} `),
    );
  });
  test('an upgrade of a target that cannot be read is 400, a doubled slash is one', async () => {
    const upgrade = (target: string): string =>
      `GET ${target} HTTP/1.1\r\nHost: any\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`;
    expect(await exchangeBytes(wayOf(name), upgrade('http://['))).toMatch(/^HTTP\/1\.1 400 /);
    expect(await exchangeBytes(wayOf(name), upgrade('//'))).toMatch(/^HTTP\/1\.1 403 /);
  });
  test('a cookie that cannot be read is 400', async () => {
    const get = 'GET /export HTTP/1.1\r\nHost: any\r\nCookie: session_id=%E0%A4%A\r\n\r\n';
    expect(await exchangeBytes(wayOf(name), get)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[^]*<html>/);
  });
  test.each(['//jsonrpc', '/jsonrpc//', '///jsonrpc///', 'http://other//jsonrpc'])(
    'JSON-RPC is answered on POST %s',
    async (target) => {
      const session = await sessionOf(world);
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'pool.get_all', params: [session] });
      expect(await exchangeBytes(wayOf(name), request('POST', target, body))).toMatch(
        /"result":\["OpaqueRef:/,
      );
    },
  );
  test.each(['//', '//RPC2', '/a//b'])('XML-RPC is answered on POST %s', async (target) => {
    const session = await sessionOf(world);
    expect(
      await exchangeBytes(wayOf(name), request('POST', target, xmlCall('pool.get_all', session))),
    ).toContain('Success');
  });
  test('handlers are found behind doubled slashes', async () => {
    const session = await sessionOf(world);
    expect(
      await exchangeBytes(wayOf(name), request('GET', `//rrd_updates?session_id=${session}&start=1`)),
    ).toMatch(/^HTTP\/1\.1 200 /);
  });
});
