/** The ways in beside plain HTTP: a unix socket whose owner is root without a password, and TLS for the thin client. */
import { existsSync, linkSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { request } from 'node:http';
import net from 'node:net';
import tls from 'node:tls';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { generate } from 'selfsigned';
import { apiSettings, testServices } from '@xenplane/config';
import { startApi, type RunningApi } from '../../apps/api/src/api';
import { thinBody, thinXe } from '../thin-client';
import { eventually, login, password, startWorld, statusOf, type World } from '../world';
import { xeProgram } from '../xe-program';

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
/** The leftover of a killed process: a socket that nobody listens on. */
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
      (answer) =>
        void text(answer).then((all) => resolve({ status: answer.statusCode ?? 0, text: all }), reject),
    );
    asked.once('error', reject).end(body);
  });
}
const json = async (
  method: string,
  ...params: unknown[]
): Promise<{ result?: string; error?: { message: string } }> =>
  JSON.parse(
    (await local('POST', '/jsonrpc', JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))).text,
  ) as { result?: string };

test('the socket that a dead process left is replaced, and only its owner may open the new one', () => {
  expect((statSync(socket).mode & 0o777).toString(8)).toBe('600');
});

test.each(['session.login_with_password', 'session.slave_local_login_with_password'])(
  'over the socket %s needs no password',
  async (method) => {
    const { result } = await json(method, 'anybody', 'nonsense');
    expect(await json('session.get_is_local_superuser', result, result)).toMatchObject({ result: true });
    const xml = `<methodCall><methodName>${method}</methodName><params><param><value>x</value></param><param><value>y</value></param></params></methodCall>`;
    expect((await local('POST', '/RPC2', xml)).text).toContain('<value>Success</value>');
  },
);

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
  expect(await thinXe(user, 'pool-dump-database', 'file-name=dump.xml')).toMatchObject({
    code: 0,
    error: '',
  });
  expect(files.get('dump.xml')?.toString()).toContain(`<row ref="OpaqueRef:`);
  expect(await thinXe({ ...user, password: 'wrong' }, 'host-list')).toMatchObject({
    code: 1,
    error: expect.stringContaining('Authentication failed') as string,
  });
});

test('the program xe takes the certificate that a new pool made for itself, for calls as for files', async () => {
  const xe = (...words: string[]) =>
    xeProgram(world.folder, ['--ssl', '-p', String(tlsPort), '-u', 'root', '-pw', password, ...words]);
  expect(await xe('host-list', '--minimal')).toEqual({
    code: 0,
    out: expect.stringMatching(/^[0-9a-f-]{36}\n$/) as string,
    error: '',
  });
  expect(await xe('pool-dump-database', 'file-name=by-program.xml')).toMatchObject({ code: 0, error: '' });
  expect(readFileSync(path.join(world.folder, 'by-program.xml'), 'utf8')).toContain('<row ref="OpaqueRef:');
  expect(await xe('-p', '1', 'host-list')).toMatchObject({
    code: 1,
    error: expect.stringContaining('Unable to contact server https://127.0.0.1:1') as string,
  });
});

/** The bytes that come back until the server closes. */
const spoken = async (connection: net.Socket, words: string): Promise<string> => {
  connection.write(words);
  return text(connection);
};
const overTls = (): net.Socket =>
  tls.connect({ port: tlsPort, host: '127.0.0.1', rejectUnauthorized: false });

test('who opens a connection and sends no whole head is told 408, on every way in', async () => {
  const ways = [net.connect(api.port, '127.0.0.1'), net.connect(socket), overTls()];
  const answers = await Promise.all(ways.map((way) => spoken(way, 'GET / HT')));
  expect(answers.map((answer) => answer.split('\r\n')[0])).toEqual(
    Array(3).fill('HTTP/1.1 408 Request Timeout'),
  );
});

test('no Host is needed over TLS either', async () => {
  expect(await spoken(overTls(), 'GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatch(
    /^HTTP\/1\.1 200 /,
  );
});

/** The fingerprint of what a client is shown, which it takes only if it trusts this authority. */
const shownTo = (authority: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const client = tls.connect({ port: tlsPort, host: '127.0.0.1', ca: authority }, () => {
      resolve(client.getPeerCertificate().fingerprint256);
      client.destroy();
    });
    client.on('error', reject);
  });

test('the certificate is that of the master, in every process, and another one that it is given is shown without a restart', async () => {
  const call = await login(world.url);
  const hosts = await call<string[]>('host.get_all');
  const [{ master = '' } = {}] = Object.values(
    await call<Record<string, { master: string }>>('pool.get_all_records'),
  );
  expect(hosts).toContain(master);
  const first = await call<string>('host.get_server_certificate', master);
  expect(await shownTo(first)).toBe(new X509Certificate(first).fingerprint256);
  // Made by the pool for all of its names, it is accepted by a client that knows it; another client gets an error.
  const made = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    keyType: 'rsa',
    keySize: 2048,
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  });
  await expect(shownTo(made.cert)).rejects.toThrow('self-signed certificate');
  await call('host.install_server_certificate', master, made.cert, made.private, '');
  expect(await eventually(() => shownTo(made.cert))).toBe(new X509Certificate(made.cert).fingerprint256);
  await call('host.reset_server_certificate', master);
  const third = await call<string>('host.get_server_certificate', master);
  expect(new X509Certificate(third).fingerprint256).not.toBe(new X509Certificate(first).fingerprint256);
  expect(await eventually(() => shownTo(third))).toBe(new X509Certificate(third).fingerprint256);
  const records = Object.values(
    await call<Record<string, { host: string; type: string; fingerprint_sha256: string }>>(
      'Certificate.get_all_records',
    ),
  );
  expect(
    records.filter(({ host, type }) => host === master && type === 'host').map((c) => c.fingerprint_sha256),
  ).toEqual([new X509Certificate(third).fingerprint256]);
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
