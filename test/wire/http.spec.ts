/** Sections 0 and 1.1 of the protocol notes: heads, statuses and connections. */
import { startWorld, type World } from '../world';
import { post, request, result, send, sessionOf, xmlCall } from './raw';

let world: World;
let session: string;
let pool: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 1, scheduler: false });
  session = await sessionOf(world);
  [pool = ''] = await result<string[]>(world, 'pool.get_all', session);
});
afterAll(() => world?.stop());

const json = (method: string, params: unknown[]): string => JSON.stringify({ method, params, id: 7 });

test.each([
  [
    'JSON-RPC says exactly application/json',
    '/jsonrpc',
    () => json('host.get_all', [session]),
    'application/json',
  ],
  ['XML-RPC says exactly text/xml', '/RPC2', () => xmlCall('host.get_all', session), 'text/xml'],
  [
    'a failed call is 200 too',
    '/jsonrpc',
    () => json('host.get_record', [session, 'OpaqueRef:none']),
    'application/json',
  ],
  [
    'a failed call of XML is 200 too',
    '/RPC2',
    () => xmlCall('host.get_record', session, 'OpaqueRef:none'),
    'text/xml',
  ],
])('%s', async (_claim, path, body, type) => {
  const { status, headers } = await post(world, path, body());
  expect(status).toBe('HTTP/1.1 200 OK');
  expect(headers).toMatchObject({
    'content-type': type,
    'cache-control': 'no-cache, no-store',
    connection: 'keep-alive',
    'access-control-allow-origin': '*',
    'access-control-allow-headers': 'X-Requested-With',
  });
  expect(Number(headers['content-length'])).toBeGreaterThan(0);
});

test.each(['/', '/RPC2', '/xmlrpc', '/any/path', '/RPC2?x=1', '/json'])(
  'XML-RPC is answered on POST %s',
  async (path) => {
    const { body } = await post(world, path, xmlCall('pool.get_all', session));
    expect(body.replace(/^<\?xml[^>]*\?>/, '')).toContain(
      `<array><data><value>${pool}</value></data></array>`,
    );
  },
);

test.each([
  ['1.1 keeps the connection', '1.1', [], false],
  ['1.1 with Connection: close closes', '1.1', ['Connection: close'], true],
  ['1.0 closes', '1.0', [], true],
])('%s', async (_claim, version, headers, closed) => {
  const bytes = request('POST', '/jsonrpc', json('host.get_all', [session]), headers, version);
  expect((await send(world, bytes, { watchMs: 100 })).closed).toBe(closed);
});

test.each([
  'text/plain',
  'application/json; charset=utf-8',
  'application/json; charset=UTF-8',
  'application/x-www-form-urlencoded',
])('the content type %s of a request is not looked at', async (type) => {
  const { body } = await post(world, '/jsonrpc', json('pool.get_all', [session]), [`Content-Type: ${type}`]);
  expect(body).toBe(`{"result":["${pool}"],"error":null,"id":7}`);
});

test.each([
  ['XML that does not parse', '/RPC2', '<methodCall><methodName>x'],
  ['a call without params', '/RPC2', '<methodCall><methodName>host.get_all</methodName></methodCall>'],
  ['JSON that does not parse', '/jsonrpc', '{"id":1,'],
  ['JSON without an id', '/jsonrpc', '{"jsonrpc":"2.0","method":"host.get_all","params":[]}'],
  ['a null id', '/jsonrpc', '{"jsonrpc":"2.0","id":null,"method":"host.get_all","params":[]}'],
  ['an id that is no integer', '/jsonrpc', '{"jsonrpc":"2.0","id":1.5,"method":"host.get_all","params":[]}'],
  ['an id that is an object', '/jsonrpc', '{"jsonrpc":"2.0","id":{},"method":"host.get_all","params":[]}'],
  ['another version', '/jsonrpc', '{"jsonrpc":"3.0","id":1,"method":"host.get_all","params":[]}'],
  ['version 1 without params', '/jsonrpc', '{"id":1,"method":"system.listMethods"}'],
  ['version 1 with an object', '/jsonrpc', '{"id":1,"method":"system.listMethods","params":{}}'],
  ['a batch', '/jsonrpc', '[{"id":1,"method":"system.listMethods","params":[]}]'],
  ['no body', '/jsonrpc', ''],
])('malformed: %s', async (_claim, path, body) => {
  const { status, headers, body: page, closed } = await post(world, path, body);
  expect(status).toBe('HTTP/1.1 500 Internal Error');
  expect(headers).toMatchObject({
    'content-type': 'text/html',
    connection: 'close',
    'cache-control': 'no-cache, no-store',
  });
  expect(page).toMatch(/^<html>/);
  expect(closed).toBe(true);
});

test.each([
  ['without a length', () => `POST /jsonrpc HTTP/1.1\r\n\r\n`],
  ['of XML without a length', () => `POST /RPC2 HTTP/1.1\r\n\r\n`],
  [
    'in chunks',
    () => {
      const call = json('system.listMethods', []);
      return `POST /jsonrpc HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n${call.length.toString(16)}\r\n${call}\r\n0\r\n\r\n`;
    },
  ],
])('a call %s is not taken', async (_claim, bytes) => {
  expect(await send(world, bytes())).toMatchObject({
    status: 'HTTP/1.1 500 Internal Error',
    headers: { 'content-type': 'text/html' },
    closed: true,
  });
});

test.each(['/', '/json', '/jsonrpc', '/jsonrpc/', '/any/path'])(
  'OPTIONS %s tells browsers what they may',
  async (path) => {
    const { status, headers, body } = await send(world, request('OPTIONS', path));
    expect([status, body]).toEqual(['HTTP/1.1 200 OK', '']);
    expect(headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-headers': 'X-Requested-With',
      'access-control-allow-methods': 'PUT',
    });
  },
);
test('whatever heads a browser asks for are allowed', async () => {
  const { headers } = await send(
    world,
    request('OPTIONS', '/jsonrpc', '', [
      'Origin: http://other',
      'Access-Control-Request-Headers: content-type',
    ]),
  );
  expect(headers['access-control-allow-headers']).toBe('content-type, X-Requested-With');
});

test.each(['/jsonrpc/', '/jsonrpc/deeper', '/jsonrpc?x=1'])(
  'JSON-RPC is answered on POST %s',
  async (path) => {
    expect((await post(world, path, json('pool.get_all', [session]))).body).toBe(
      `{"result":["${pool}"],"error":null,"id":7}`,
    );
  },
);

test('the first page is a page', async () => {
  expect(await send(world, request('GET', '/'))).toMatchObject({
    status: 'HTTP/1.1 200 OK',
    headers: { 'content-type': 'text/html' },
  });
});

test.each([
  ['a file that is not there', 'GET', '/no/such/file', '404 Not Found'],
  ['the path of a call', 'GET', '/jsonrpc', '404 Not Found'],
  ['PUT to nothing', 'PUT', '/no/such/handler', '403 Forbidden'],
  ['CONNECT to nothing', 'CONNECT', '/no/such/handler', '403 Forbidden'],
  ['another method', 'DELETE', '/RPC2', '501 Method not implemented'],
  ['another method on a handler', 'PATCH', '/import', '501 Method not implemented'],
  ['a method that nobody has', 'FETCH', '/', '501 Method not implemented'],
  ['a handler without a session', 'GET', '/export', '401 Unauthorised'],
  ['a handler with a dead one', 'GET', '/export?session_id=OpaqueRef:none', '401 Unauthorised'],
  ['a handler that fails', 'GET', '/export?session_id=SESSION&ref=OpaqueRef:none', '500 Internal Error'],
])('%s: a page with the status, and the end', async (_claim, method, path, status) => {
  const answer = await send(world, request(method, path.replace('SESSION', session)));
  expect(answer).toMatchObject({
    status: `HTTP/1.1 ${status}`,
    headers: { 'content-type': 'text/html', connection: 'close', 'cache-control': 'no-cache, no-store' },
    closed: true,
  });
  expect(answer.body).toMatch(new RegExp(`^<html><body><h1>HTTP ${status}</h1>.+</body></html>$`));
});
test('a 401 says how to come in; an error of the API is told with its parameters', async () => {
  expect((await send(world, request('GET', '/export'))).headers['www-authenticate']).toMatch(
    /^Basic realm="[^"]+"$/,
  );
  expect((await send(world, request('GET', '/export', '', ['Cookie: pool_secret=any']))).status).toBe(
    'HTTP/1.1 401 Unauthorised',
  );
  const { body } = await send(world, request('GET', `/export?session_id=${session}&ref=OpaqueRef:none`));
  expect(body).toContain('HANDLE_INVALID: [ VM; OpaqueRef:none ]');
});

test.each([
  [
    'a head that is too large',
    () => request('GET', '/', '', [`X-Long: ${'x'.repeat(64 * 1024)}`]),
    '431 Request Header Fields Too Large',
  ],
  ['a head that is none', () => 'GET / HTTP/1.1\r\nno colon\r\n\r\n', '500 Internal Error'],
])('%s is %s', async (_claim, bytes, status) => {
  const answer = await send(world, bytes());
  expect(answer).toMatchObject({
    status: `HTTP/1.1 ${status}`,
    headers: { 'content-type': 'text/html', connection: 'close' },
    closed: true,
  });
});
test('no Host is needed', async () => {
  const body = json('pool.get_all', [session]);
  const answer = await send(world, `POST /jsonrpc HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  expect(answer.status).toBe('HTTP/1.1 200 OK');
});
