/** Common to all HTTP handlers: authorization, tasks, and refusals in the form of the interface. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { eventually, login, password, startWorld, type Call, type World } from '../world';

let world: World;
let call: Call;
let token: string;
const dump = (query = '', headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${world.url}/pool/xmldbdump${query}`, { headers });
const basic = (user: string, pwd: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${user}:${pwd}`).toString('base64')}`,
});

beforeAll(async () => {
  world = await startWorld({ hosts: 1, scheduler: false });
  call = await login(world.url);
  const response = await fetch(`${world.url}/jsonrpc`, {
    method: 'POST',
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'session.login_with_password',
      params: ['root', password],
    }),
  });
  token = ((await response.json()) as { result: string }).result;
});
afterAll(() => world?.stop());

test('a session comes by query, by cookie, or as Basic credentials, whose session is gone afterwards', async () => {
  const answers = [
    await dump(`?session_id=${token}`),
    await dump('', { cookie: `session_id=${token}; other=1` }),
    await dump('', basic('root', password)),
  ];
  expect(answers.map((a) => a.status)).toEqual([200, 200, 200]);
  const [first] = await Promise.all(answers.map((a) => a.text()));
  expect(first).toMatch(
    /^<\?xml version="1.0" encoding="UTF-8"\?>\n<database>.*<table name="VM"><row ref="OpaqueRef:.*<\/database>$/s,
  );
  const [host] = await call<string[]>('host.get_all');
  expect(first).toContain(`<row ref="${host}" uuid="${await call('host.get_uuid', host)}"`);
  const left = (): Promise<unknown> | undefined =>
    world.apis[0]?.plane.store.query("SELECT ref FROM session WHERE originator = 'http'");
  await eventually(async () => expect(await left()).toEqual([]));
});

test('without credentials, or with wrong ones, 401 and how to come in', async () => {
  for (const answer of [
    await dump(),
    await dump('?session_id=OpaqueRef:nobody'),
    await dump('', basic('root', 'wrong')),
  ]) {
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="XenAPI"']);
    expect(answer.headers.get('content-type')).toBe('text/html');
    await answer.text();
  }
});

test("the client's task ends with the exchange, also when its session is refused", async () => {
  const good = await call<string>('task.create', 'mine', '');
  await (await dump(`/?session_id=${token}&task_id=${good}`)).text();
  await eventually(async () => expect(await call('task.get_status', good)).toBe('success'));
  const bad = await call<string>('task.create', 'mine', '');
  await (await dump(`?task_id=${bad}`)).text();
  expect(await call('task.get_error_info', bad)).toEqual(['SESSION_AUTHENTICATION_FAILED']);
  const unknown = await dump(`?session_id=${token}&task_id=OpaqueRef:none`);
  expect([unknown.status, await unknown.text()]).toEqual([
    500,
    expect.stringContaining('HANDLE_INVALID: [ task; OpaqueRef:none ]'),
  ]);
});

test('a CONNECT to nothing is refused as HTTP says', async () => {
  const { port } = new URL(world.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write('CONNECT /nowhere HTTP/1.0\r\n\r\n');
  expect(await text(socket)).toMatch(
    /^HTTP\/1\.1 403 Forbidden\r\n.*\r\n\r\n<html>.*There is no such handler/s,
  );
});

test('who offers another protocol is answered in this one, and keeps the connection', async () => {
  const { port } = new URL(world.url);
  const socket = connect(Number(port), '127.0.0.1');
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'host.get_all', params: [token] });
  const request = (extra: string): string =>
    `POST /jsonrpc HTTP/1.1\r\nHost: any\r\n${extra}Content-Length: ${body.length}\r\n\r\n${body}`;
  socket.write(
    request('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'),
  );
  let all = '';
  socket.on('data', (piece) => (all += String(piece)));
  const answers = (): string[] => all.match(/HTTP\/1\.1 200 OK/g) ?? [];
  await eventually(async () => expect(answers()).toHaveLength(1));
  socket.write(request('Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n'));
  await eventually(async () => expect(answers()).toHaveLength(2));
  socket.write(request('Connection: close\r\n'));
  await eventually(async () => expect(all.match(/"result":\["OpaqueRef:/g)).toHaveLength(3));
});
