/** Sections 0, 1.1, 1.2 and 1.3 of the protocol notes: the endpoints of calls, byte for byte. */
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

const json = (method: string, params: unknown[], more: object = { id: 7 }): string => JSON.stringify({ method, params, ...more });
const inXml = (inner: string): string => `<methodResponse><params><param>${inner}</param></params></methodResponse>`;

describe('the HTTP layer', () => {
  test.each([
    ['JSON-RPC says exactly application/json', '/jsonrpc', () => json('host.get_all', [session]), 'application/json'],
    ['XML-RPC says exactly text/xml', '/RPC2', () => xmlCall('host.get_all', session), 'text/xml'],
    ['a failed call is 200 too', '/jsonrpc', () => json('host.get_record', [session, 'OpaqueRef:none']), 'application/json'],
    ['a failed call of XML is 200 too', '/RPC2', () => xmlCall('host.get_record', session, 'OpaqueRef:none'), 'text/xml'],
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

  test.each(['/', '/RPC2', '/xmlrpc', '/any/path', '/RPC2?x=1', '/json'])('XML-RPC is answered on POST %s', async (path) => {
    const { body } = await post(world, path, xmlCall('pool.get_all', session));
    expect(body.replace(/^<\?xml[^>]*\?>/, '')).toContain(`<array><data><value>${pool}</value></data></array>`);
  });

  test.each([
    ['1.1 keeps the connection', '1.1', [], false],
    ['1.1 with Connection: close closes', '1.1', ['Connection: close'], true],
    ['1.0 closes', '1.0', [], true],
  ])('%s', async (_claim, version, headers, closed) => {
    expect((await post(world, '/jsonrpc', json('host.get_all', [session]), headers, version)).closed).toBe(closed);
  });

  test.each(['text/plain', 'application/json; charset=utf-8', 'application/json; charset=UTF-8', 'application/x-www-form-urlencoded'])(
    'the content type %s of a request is not looked at',
    async (type) => {
      const { body } = await post(world, '/jsonrpc', json('pool.get_all', [session]), [`Content-Type: ${type}`]);
      expect(body).toBe(`{"result":["${pool}"],"error":null,"id":7}`);
    },
  );

  test.each([
    ['XML that does not parse', '/RPC2', '<methodCall><methodName>x'],
    ['a call without params', '/RPC2', '<methodCall><methodName>host.get_all</methodName></methodCall>'],
    ['JSON that does not parse', '/jsonrpc', '{"id":1,'],
    ['JSON without an id', '/jsonrpc', '{"jsonrpc":"2.0","method":"host.get_all","params":[]}'],
    ['a null id', '/jsonrpc', '{"jsonrpc":"2.0","id":null,"method":"host.get_all","params":[]}'],
    ['another version', '/jsonrpc', '{"jsonrpc":"3.0","id":1,"method":"host.get_all","params":[]}'],
    ['version 1 without params', '/jsonrpc', '{"id":1,"method":"system.listMethods"}'],
    ['version 1 with an object', '/jsonrpc', '{"id":1,"method":"system.listMethods","params":{}}'],
    ['a batch', '/jsonrpc', '[{"id":1,"method":"system.listMethods","params":[]}]'],
    ['no body', '/jsonrpc', ''],
  ])('malformed: %s', async (_claim, path, body) => {
    const { status, headers, body: page, closed } = await post(world, path, body);
    expect(status).toMatch(/^HTTP\/1\.1 500 /);
    expect(headers).toMatchObject({ 'content-type': 'text/html', connection: 'close' });
    expect(page).toMatch(/^<html>/);
    expect(closed).toBe(true);
  });

  test.each(['/', '/json', '/jsonrpc'])('OPTIONS %s tells browsers what they may', async (path) => {
    const { status, headers } = await send(world, request('OPTIONS', path));
    expect(status).toBe('HTTP/1.1 200 OK');
    expect(headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-headers': 'X-Requested-With',
      'access-control-allow-methods': 'PUT',
    });
  });

  test.each<[string, string, string, RegExp, string]>([
    ['the first page', 'GET', '/', /^HTTP\/1\.1 200 OK$/, 'text/html'],
    ['a file that is not there', 'GET', '/no/such/file', /^HTTP\/1\.1 404 /, 'text/html'],
    ['PUT to nothing', 'PUT', '/no/such/handler', /^HTTP\/1\.1 403 /, 'text/html'],
    ['another method', 'DELETE', '/RPC2', /^HTTP\/1\.1 501 /, 'text/html'],
    ['another method on a handler', 'PATCH', '/import', /^HTTP\/1\.1 501 /, 'text/html'],
  ])('%s', async (_claim, method, path, status, type) => {
    const answer = await send(world, request(method, path, '', ['Connection: close']));
    expect(answer.status).toMatch(status);
    expect(answer.headers['content-type']).toBe(type);
  });

  test('a head that is too large is 431', async () => {
    expect((await send(world, request('GET', '/', '', [`X-Long: ${'x'.repeat(64 * 1024)}`]))).status).toMatch(/^HTTP\/1\.1 431 /);
  });
  test('no Host is needed', async () => {
    const body = json('pool.get_all', [session]);
    const answer = await send(world, `POST /jsonrpc HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    expect(answer.status).toBe('HTTP/1.1 200 OK');
  });
});

describe('XML-RPC', () => {
  const answerOf = async (method: string, ...values: string[]): Promise<string> =>
    (await post(world, '/RPC2', xmlCall(method, ...values))).body.replace(/^<\?xml[^>]*\?>\s*/, '');
  const success = (value: string): string =>
    inXml(`<value><struct><member><name>Status</name><value>Success</value></member><member><name>Value</name>${value}</member></struct></value>`);

  test.each<[string, string, () => string[], (() => string) | string]>([
    ['text is untyped', 'pool.get_name_label', () => [pool], '<value></value>'],
    ['a flag is 0 or 1', 'pool.get_ha_enabled', () => [pool], '<value><boolean>0</boolean></value>'],
    ['an integer is untyped', 'pool.get_ha_host_failures_to_tolerate', () => [pool], '<value>0</value>'],
    ['void is the empty text, and there', 'pool.set_tags', () => [pool, '<array><data></data></array>'], '<value></value>'],
    ['a set is an array', 'pool.get_all', () => [], () => `<value><array><data><value>${pool}</value></data></array></value>`],
  ])('%s', async (_claim, method, values, expected) => {
    await result(world, 'pool.set_name_label', session, pool, '');
    expect(await answerOf(method, session, ...values())).toBe(success(typeof expected === 'string' ? expected : expected()));
  });

  test('a failure is a struct with an array of texts, never a fault', async () => {
    const error = ['HANDLE_INVALID', 'VM', 'OpaqueRef:none'].map((v) => `<value>${v}</value>`).join('');
    expect(await answerOf('VM.get_record', session, 'OpaqueRef:none')).toBe(
      inXml(
        `<value><struct><member><name>Status</name><value>Failure</value></member><member><name>ErrorDescription</name><value><array><data>${error}</data></array></value></member></struct></value>`,
      ),
    );
  });

  test.each([['no session'], ['surplus parameters', '<i4>1</i4>', 'x']])('system.listMethods is the bare list: %s', async (_claim, ...values) => {
    const body = await answerOf('system.listMethods', ...values);
    expect(body).toMatch(/^<methodResponse><params><param><value><array><data><value>/);
    expect(body).toContain('<value>VM_guest_metrics.get_all_records</value>');
    expect(body).not.toContain('Status');
  });

  test('only <, >, & and " are escaped in what was given, and control characters are dropped', async () => {
    await result(world, 'pool.set_name_description', session, pool, 'a<b>&"c\'\u0001\td');
    expect(await answerOf('pool.get_name_description', session, pool)).toBe(success("<value>a&lt;b&gt;&amp;&quot;c'\td</value>"));
  });

  test.each([
    ['a date', 'task.get_created', /<value><dateTime\.iso8601>\d{8}T\d\d:\d\d:\d\dZ<\/dateTime\.iso8601><\/value>/],
    ['never', 'task.get_finished', /<value><dateTime\.iso8601>19700101T00:00:00Z<\/dateTime\.iso8601><\/value>/],
    ['a float', 'task.get_progress', /<value><double>0(\.0)?<\/double><\/value>/],
    ['an enum', 'task.get_status', /<value>pending<\/value>/],
    ['a map', 'task.get_other_config', /<value><struct><\/struct><\/value>|<value><struct\/><\/value>/],
    ['the null reference', 'task.get_subtask_of', /<value>OpaqueRef:NULL<\/value>/],
  ])('%s on the wire', async (_claim, method, form) => {
    const task = await result<string>(world, 'task.create', session, 'typed', '');
    expect(await answerOf(method, session, task)).toMatch(form);
  });

  test.each([
    ['an integer as i4', '<i4>2</i4>'],
    ['an integer as int', '<int>2</int>'],
    ['an integer as i8', '<i8>2</i8>'],
    ['an integer as text', '2'],
    ['an integer as typed text', '<string>2</string>'],
  ])('%s is taken', async (_claim, value) => {
    const [network = ''] = await result<string[]>(world, 'network.get_all', session);
    expect(await answerOf('network.set_MTU', session, network, value)).toBe(success('<value></value>'));
    expect(await answerOf('network.get_MTU', session, network)).toBe(success('<value>2</value>'));
  });
});

describe('JSON-RPC', () => {
  test.each<[string, () => object, () => string]>([
    ['1.0, a result', () => ({ method: 'pool.get_all', params: [session], id: 7 }), () => `{"result":["${pool}"],"error":null,"id":7}`],
    [
      '1.0, an error',
      () => ({ method: 'VM.get_record', params: [session, 'OpaqueRef:x'], id: 7 }),
      () => '{"result":null,"error":["HANDLE_INVALID","VM","OpaqueRef:x"],"id":7}',
    ],
    ['2.0, a result', () => ({ jsonrpc: '2.0', method: 'pool.get_all', params: [session], id: 7 }), () => `{"jsonrpc":"2.0","result":["${pool}"],"id":7}`],
    [
      '2.0, an error',
      () => ({ jsonrpc: '2.0', method: 'VM.get_record', params: [session, 'OpaqueRef:x'], id: 7 }),
      () => '{"jsonrpc":"2.0","error":{"code":1,"message":"HANDLE_INVALID","data":["VM","OpaqueRef:x"]},"id":7}',
    ],
    [
      'an id of text is echoed as text',
      () => ({ jsonrpc: '2.0', method: 'pool.get_all', params: [session], id: '7' }),
      () => `{"jsonrpc":"2.0","result":["${pool}"],"id":"7"}`,
    ],
    [
      'void is the empty text',
      () => ({ jsonrpc: '2.0', method: 'pool.set_tags', params: [session, pool, []], id: 1 }),
      () => '{"jsonrpc":"2.0","result":"","id":1}',
    ],
    [
      'there is no system.multicall',
      () => ({ jsonrpc: '2.0', method: 'system.multicall', id: 1 }),
      () => '{"jsonrpc":"2.0","error":{"code":1,"message":"MESSAGE_METHOD_UNKNOWN","data":["system.multicall"]},"id":1}',
    ],
    [
      'an integer is a number',
      () => ({ jsonrpc: '2.0', method: 'pool.get_ha_host_failures_to_tolerate', params: [session, pool], id: 1 }),
      () => '{"jsonrpc":"2.0","result":0,"id":1}',
    ],
    [
      'a flag is a flag',
      () => ({ jsonrpc: '2.0', method: 'pool.get_ha_enabled', params: [session, pool], id: 1 }),
      () => '{"jsonrpc":"2.0","result":false,"id":1}',
    ],
  ])('%s', async (_claim, call, expected) => {
    expect((await post(world, '/jsonrpc', JSON.stringify(call()))).body).toBe(expected());
  });

  test.each([
    ['absent', {}],
    ['null', { params: null }],
    ['an empty list', { params: [] }],
  ])('in 2.0 the params may be %s', async (_claim, more) => {
    const { body } = await post(world, '/jsonrpc', JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'system.listMethods', ...more }));
    expect(JSON.parse(body)).toMatchObject({ jsonrpc: '2.0', id: 1, result: expect.arrayContaining(['VM.start', 'event.from']) });
  });
});
