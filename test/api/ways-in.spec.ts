/** The ways in beside plain HTTP: a unix socket whose owner is root without a password, and TLS for the thin client. */
import { existsSync, linkSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import net from 'node:net';
import tls from 'node:tls';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { apiSettings, testServices } from '@xenplane/config';
import { startApi, type RunningApi } from '../../apps/api/src/api';
import { thinBody, thinXe } from '../thin-client';
import { login, password, startWorld, statusOf, type World } from '../world';

let world: World;
let api: RunningApi;
let socket: string;
let tlsPort: number;

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
const settings = (): ReturnType<typeof apiSettings> =>
  apiSettings({
    DATABASE_URL: world.databaseUrl,
    REDIS_URL: testServices().redisUrl,
    XENPLANE_LOG_LEVEL: 'error',
    XENPLANE_PORT: '0',
    XENPLANE_TLS_PORT: String(tlsPort),
    XENPLANE_SOCKET: socket,
    XENPLANE_REFUSED_LOGIN_MS: '0',
    XENPLANE_DATA: path.join(world.folder, 'second'),
  });
/** What a process leaves that was killed: a socket that nobody listens on. */
async function leaveStale(): Promise<void> {
  const file = `${socket}.old`;
  const server = net.createServer().listen(file);
  await new Promise((resolve) => server.once('listening', resolve));
  linkSync(file, socket);
  await new Promise((resolve) => server.close(resolve));
}

beforeAll(async () => {
  world = await startWorld({ hosts: 1, scheduler: false });
  socket = path.join(world.folder, 's');
  tlsPort = await freePort();
  await leaveStale();
  api = await startApi(settings());
});
afterAll(async () => {
  await api?.stop();
  await world?.stop();
});

function local(method: string, url: string, body = ''): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath: socket, method, path: url },
      (answer) => void text(answer).then((all) => resolve({ status: answer.statusCode ?? 0, text: all }), reject),
    );
    asked.once('error', reject).end(body);
  });
}
const json = async (method: string, ...params: unknown[]): Promise<{ result?: string; error?: { message: string } }> =>
  JSON.parse((await local('POST', '/jsonrpc', JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))).text) as { result?: string };

test('the socket that a dead process left is replaced, and only its owner may open the new one', () => {
  expect((statSync(socket).mode & 0o777).toString(8)).toBe('600');
});

test.each(['session.login_with_password', 'session.slave_local_login_with_password'])('over the socket %s needs no password', async (method) => {
  const { result } = await json(method, 'anybody', 'nonsense');
  expect(await json('session.get_is_local_superuser', result, result)).toMatchObject({ result: true });
  const xml = `<methodCall><methodName>${method}</methodName><params><param><value>x</value></param><param><value>y</value></param></params></methodCall>`;
  expect((await local('POST', '/RPC2', xml)).text).toContain('<value>Success</value>');
});

test('over TCP the same replica asks for the password', async () => {
  await expect(login(api.url, 'anybody', 'nonsense')).rejects.toThrow('SESSION_AUTHENTICATION_FAILED');
  expect(await statusOf(fetch(`${api.url}/host_backup`))).toBe(401);
});

test('over the socket handlers take nobody for root, but a session that is named must be good', async () => {
  const dump = await local('GET', '/pool/xmldbdump');
  expect([dump.status, dump.text.slice(-11)]).toEqual([200, '</database>']);
  expect((await local('GET', '/pool/xmldbdump?session_id=OpaqueRef:none')).status).toBe(401);
});

test('xe over the socket needs no user', async () => {
  const hosts = await thinBody({ port: 0, path: socket, password: '' }, 'host-list\n--minimal');
  expect([hosts.code, hosts.out]).toEqual([0, expect.stringMatching(/^[0-9a-f-]{36}\n$/)]);
});

test('xe speaks its protocol over TLS, files included', async () => {
  const files = new Map<string, Buffer>();
  const user = { port: tlsPort, tls: true, password, files };
  const hosts = await thinXe(user, 'host-list', '--minimal');
  expect([hosts.code, hosts.out, hosts.error]).toEqual([0, expect.stringMatching(/^[0-9a-f-]{36}\n$/), '']);
  expect(await thinXe(user, 'pool-dump-database', 'file-name=dump.xml')).toMatchObject({ code: 0, error: '' });
  expect(files.get('dump.xml')?.toString()).toContain(`<row ref="OpaqueRef:`);
  expect(await thinXe({ ...user, password: 'wrong' }, 'host-list')).toMatchObject({
    code: 1,
    error: expect.stringContaining('Authentication failed') as string,
  });
});

/** What comes back until the server closes. */
const spoken = async (connection: net.Socket, words: string): Promise<string> => {
  connection.write(words);
  return text(connection);
};
const overTls = (): net.Socket => tls.connect({ port: tlsPort, host: '127.0.0.1', rejectUnauthorized: false });

test('who opens a connection and sends no whole head is told 408, on every way in', async () => {
  const ways = [net.connect(api.port, '127.0.0.1'), net.connect(socket), overTls()];
  const answers = await Promise.all(ways.map((way) => spoken(way, 'GET / HT')));
  expect(answers.map((answer) => answer.split('\r\n')[0])).toEqual(Array(3).fill('HTTP/1.1 408 Request Timeout'));
});

test('no Host is needed over TLS either', async () => {
  expect(await spoken(overTls(), 'GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
});

test('a file that is no socket, and a socket in use, are left alone', async () => {
  await expect(startApi({ ...settings(), tlsPort: 0 })).rejects.toThrow('another process listens');
  const file = path.join(world.folder, 'file');
  writeFileSync(file, 'mine');
  await expect(startApi({ ...settings(), tlsPort: 0, socket: file })).rejects.toThrow('is no socket');
  expect(readFileSync(file, 'utf8')).toBe('mine');
  expect((await local('GET', '/health/live')).status).toBe(200);
});

test('the socket goes with its process', async () => {
  await api.stop();
  expect(existsSync(socket)).toBe(false);
  api = await startApi(settings());
  expect((await local('GET', '/health/live')).status).toBe(200);
});
