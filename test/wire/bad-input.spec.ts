/** The bad inputs of the security notes, by their numbers: what comes as bytes, before it is a call. Where the protocol has an answer of its own, that is it. */
import { createServer } from 'node:net';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { startWorld, type World } from '../world';
import { description, post, request, result, send, sessionOf, xmlCall } from './raw';

let world: World, session: string, vm: string;
let visits = 0;
const listener = createServer((socket) => {
  visits += 1;
  socket.destroy();
});
let listening: string;

beforeAll(async () => {
  world = await startWorld({ hosts: 1, scheduler: false });
  session = await sessionOf(world);
  const [template = ''] = await result<string[]>(
    world,
    'VM.get_by_name_label',
    session,
    'Other install media',
  );
  vm = await result(world, 'VM.clone', session, template, 'bad input');
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  listening = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/x.dtd`;
});
afterAll(async () => {
  listener.close();
  await world?.stop();
});
/** Whatever came before: the server lives, and nothing was made. */
afterEach(async () => {
  expect(await result(world, 'VM.get_name_label', session, vm)).toBe('bad input');
  expect(visits).toBe(0);
});

const xml = (body: string): string => `<?xml version="1.0"?>${body}`;
const named = (name: string): string => xmlCall('VM.set_name_label', session, vm, name);
const malformed = /^HTTP\/1\.1 500 /;

test.each<[string, () => string | Buffer, RegExp]>([
  ['1 an empty body', () => request('POST', '/'), malformed],
  [
    '2 GET of a way for calls',
    () => request('GET', '/jsonrpc', '', ['Connection: close']),
    /^HTTP\/1\.1 404 /,
  ],
  [
    '3 a body one byte over the limit',
    () => `POST / HTTP/1.1\r\nHost: any\r\nContent-Length: ${16 * 2 ** 20 + 1}\r\n\r\n`,
    /^HTTP\/1\.1 413 /,
  ],
  [
    '5 a line of 64 kB in the head',
    () => request('GET', '/', '', [`X: ${'x'.repeat(65_536)}`]),
    /^HTTP\/1\.1 431 /,
  ],
  [
    '7 both lengths',
    () => `POST / HTTP/1.1\r\nHost: any\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    /^HTTP\/1\.1 400 /,
  ],
  [
    '7 two lengths',
    () => `POST / HTTP/1.1\r\nHost: any\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc`,
    /^HTTP\/1\.1 400 /,
  ],
  [
    'a negative length',
    () => `POST / HTTP/1.1\r\nHost: any\r\nContent-Length: -1\r\n\r\n`,
    /^HTTP\/1\.1 400 /,
  ],
])('%s', async (_what, bytes, status) => expect((await send(world, bytes())).status).toMatch(status));

test.each(['/', '/jsonrpc', '/RPC2'])(
  '3 a body that is too large is told of on a page, and ends the connection: %s',
  async (path) => {
    const { status, headers, body, closed } = await post(world, path, Buffer.alloc(16 * 2 ** 20 + 1, ' '));
    expect([status, headers['content-type'], headers['connection'], closed]).toEqual([
      'HTTP/1.1 413 Request Entity Too Large',
      'text/html',
      'close',
      true,
    ]);
    expect(body).toMatch(/^<html><body><h1>HTTP 413 Request Entity Too Large<\/h1>/);
  },
);

test('4, 6 a body that stops coming, or never quite comes, is told 408; who waits for an answer is not', async () => {
  const rests = send(world, 'POST /jsonrpc HTTP/1.1\r\nHost: any\r\nContent-Length: 10\r\n\r\n12345');
  const waits = fetch(`${world.url}/jsonrpc`, {
    method: 'POST',
    body: JSON.stringify({ id: 1, method: 'event.from', params: [session, ['Bond'], await lastToken(), 25] }),
  });
  expect((await rests).status).toMatch(/^HTTP\/1\.1 408 /);
  expect(await (await waits).json()).toMatchObject({ result: { events: [] } });
});
const lastToken = async (): Promise<string> =>
  (await result<{ token: string }>(world, 'event.from', session, ['Bond'], '', 0)).token;

test('8 what is packed is not unpacked', async () => {
  const packed = gzipSync(Buffer.alloc(64 * 2 ** 20, ' '));
  const head = `POST / HTTP/1.1\r\nHost: any\r\nContent-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n`;
  expect((await send(world, Buffer.concat([Buffer.from(head), packed]))).status).toMatch(
    /^HTTP\/1\.1 (415|500) /,
  );
});

const laughs = Array.from({ length: 10 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('');
test.each<[string, () => string]>([
  ['9 a billion laughs', () => named('&l10;').replace('?>', `?><!DOCTYPE x [<!ENTITY l0 "ha">${laughs}]>`)],
  [
    '10 an entity from a file',
    () => named('&e;').replace('?>', '?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'),
  ],
  ['11 a definition from elsewhere', () => named('x').replace('?>', `?><!DOCTYPE x SYSTEM "${listening}">`)],
  [
    '11 an entity from elsewhere',
    () => named('&e;').replace('?>', `?><!DOCTYPE x [<!ENTITY e SYSTEM "${listening}">]>`),
  ],
  ['an entity that nobody has defined', () => named('&e;')],
  ['12 elements 100,000 deep', () => xml(`${'<a>'.repeat(100_000)}`)],
  [
    '12 arrays 100,000 deep',
    () =>
      xmlCall(
        'VM.set_tags',
        session,
        vm,
        `${'<array><data><value>'.repeat(100_000)}${'</value></data></array>'.repeat(100_000)}`,
      ),
  ],
  ['14 bytes that are no UTF-8 in the head of a call', () => '<methodCall><methodName>\uFFFF\u0001'],
])('%s', async (_what, body) => {
  const { status, body: answer } = await post(world, '/', body());
  expect(status).toMatch(malformed);
  expect(answer).not.toContain('root:');
});

test.each([
  [
    '13 arrays 100,000 deep',
    `{"jsonrpc":"2.0","id":1,"method":"VM.get_all","params":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
  ],
  [
    '13 objects 100,000 deep',
    `{"jsonrpc":"2.0","id":1,"method":"VM.get_all","params":[${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}]}`,
  ],
  [
    '21 a batch of 10,000',
    `[${Array(10_000).fill('{"jsonrpc":"2.0","id":1,"method":"system.listMethods","params":[]}').join()}]`,
  ],
  ['22 an object for an id', '{"jsonrpc":"2.0","id":{},"method":"system.listMethods","params":[]}'],
  ['22 no id', '{"jsonrpc":"2.0","method":"system.listMethods","params":[]}'],
])('%s', async (_what, body) => expect((await post(world, '/jsonrpc', body)).status).toMatch(malformed));

/** The answer to a call whose one text is these bytes, by XML. */
async function withBytes(...bytes: number[]): Promise<string> {
  const [before = '', after = ''] = named('MARK').split('MARK');
  const body = Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
  const head = `POST / HTTP/1.1\r\nHost: any\r\nContent-Length: ${body.length}\r\n\r\n`;
  const answer = await send(world, Buffer.concat([Buffer.from(head), body]));
  return `${answer.status} ${answer.body}`;
}
test.each([
  ['14 bytes that are no UTF-8', [0xc3, 0x28]],
  ['15 half of a pair in UTF-8', [0xed, 0xa0, 0x80]],
  ['14 a letter in more bytes than it needs', [0xc0, 0xaf]],
  ['14 half of a letter', [0xe2, 0x82]],
])('%s', async (_what, bytes) =>
  expect(await withBytes(...bytes)).toMatch(/ 500 |<value>(INVALID_VALUE|XMLRPC_UNMARSHAL_FAILURE)</),
);

test.each<[string, string]>([
  ['16 a zero', 'a\0b'],
  ['15 half of a pair', 'a\ud800b'],
  ['17 what is no character', 'a\ufffeb'],
  ['17 a control character', 'a\u0001b'],
  ['17 markup and quotes', `a<b>&"'\`--; DROP TABLE vm; ]]>`],
  ['17 from right to left', 'a\u202eb'],
  ['17 beyond the first plane', 'a\u{1f511}b'],
])('%s is refused, or is told again so that every reader can read it', async (_what, text) => {
  const error = await description(world, 'VM.set_name_description', session, vm, text);
  if (error) return expect(error).toEqual(['INVALID_VALUE', expect.any(String), expect.any(String)]);
  expect(await result(world, 'VM.get_name_description', session, vm)).toBe(text);
  const { body } = await post(world, '/', xmlCall('VM.get_name_description', session, vm));
  expect(body).not.toMatch(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u);
  expect(JSON.stringify(await result(world, 'event.from', session, ['vm'], '', 0))).toContain('bad input');
});

const record = (members: string): string =>
  xmlCall('network.create', session, `<struct>${members}</struct>`).replace(
    '<value><struct>',
    '<value><struct>',
  );
const member = (name: string, value: string): string =>
  `<member><name>${name}</name><value>${value}</value></member>`;
const networks = (): Promise<string[]> => result(world, 'network.get_all', session);

test.each<[string, () => [string, string]]>([
  [
    '18 a member with a name of 1 MB, in XML',
    () => [
      '/',
      record(
        member('name_label', 'n') +
          member('other_config', `<struct>${member('k'.repeat(2 ** 20), 'v')}</struct>`),
      ),
    ],
  ],
  [
    '18 a member with a name of 1 MB, in JSON',
    () => [
      '/jsonrpc',
      JSON.stringify({
        id: 1,
        method: 'network.create',
        params: [session, { name_label: 'n', other_config: { ['k'.repeat(2 ** 20)]: 'v' } }],
      }),
    ],
  ],
  [
    '19 a member twice, in XML',
    () => [
      '/',
      record(
        member('name_label', 'first') +
          member('name_label', 'second') +
          member('other_config', '<struct></struct>'),
      ),
    ],
  ],
  [
    '19 a member twice, in JSON',
    () => [
      '/jsonrpc',
      `{"id":1,"method":"network.create","params":["${session}",{"name_label":"first","name_label":"second","other_config":{}}]}`,
    ],
  ],
  [
    '19 a key twice, in JSON',
    () => [
      '/jsonrpc',
      `{"id":1,"method":"network.create","params":["${session}",{"name_label":"n","other_config":{"a":"1","a":"2"}}]}`,
    ],
  ],
])('%s', async (_what, call) => {
  const before = await networks();
  const [path, body] = call();
  const { status, body: answer } = await post(world, path, body);
  expect(`${status} ${answer.slice(0, 300)}`).toMatch(/ 500 |Failure|"error":\["/);
  expect(await networks()).toEqual(before);
});

test.each(['__proto__', 'constructor', 'prototype', 'hasOwnProperty'])(
  '20 %s is a key like others, by both ways',
  async (key) => {
    await result(world, 'VM.set_xenstore_data', session, vm, Object.fromEntries([[key, 'x']]));
    expect(Object.entries(await result<object>(world, 'VM.get_xenstore_data', session, vm))).toEqual([
      [key, 'x'],
    ]);
    expect((await post(world, '/', xmlCall('VM.get_xenstore_data', session, vm))).body).toContain(
      `<name>${key}</name>`,
    );
    expect(Object.hasOwn(Object.prototype, 'x')).toBe(false);
  },
);

test.each([
  'VM.__class__',
  'VM.constructor',
  '__proto__',
  'VM.__proto__.x',
  'constructor',
  'VM',
  'VM.',
  '.get_all',
  'vm.get_all\0',
  'x'.repeat(10_000),
])('23 %.20s is no method', async (method) => {
  const error = await description(world, method, session);
  expect(error).toEqual(
    method.includes('\0') ? expect.arrayContaining([expect.any(String)]) : ['MESSAGE_METHOD_UNKNOWN', method],
  );
});

/** xapi's error for a value of another type. */
const wrongType = ['INTERNAL_ERROR', expect.stringContaining('Expected')];
test.each([
  '9223372036854775808',
  '-9223372036854775809',
  '1e30',
  '12abc',
  '0x10',
  '1e3',
  '1.5',
  '',
  'NaN',
  '--1',
  '٣',
])('24, 25 %j is no whole number', async (text) => {
  for (const value of [text, `<int>${text}</int>`, `<i8>${text}</i8>`]) {
    const { status, body } = await post(world, '/', xmlCall('VM.set_user_version', session, vm, value));
    expect(`${status} ${body}`).toMatch(/ 500 |<value>INTERNAL_ERROR<.*Expected int/);
  }
  expect(await description(world, 'VM.set_user_version', session, vm, text)).toEqual(wrongType);
});
test('24 numbers of JSON are not rounded', async () => {
  for (const number of ['9223372036854775808', '1e400', '1.5']) {
    const { status, body } = await post(
      world,
      '/jsonrpc',
      `{"id":1,"method":"VM.set_user_version","params":["${session}","${vm}",${number}]}`,
    );
    expect(`${status} ${body}`).toMatch(/ 500 |"INTERNAL_ERROR",.*Expected int/);
  }
  expect(
    (
      await post(
        world,
        '/jsonrpc',
        `{"id":1,"method":"VM.set_user_version","params":["${session}","${vm}",9007199254740993]}`,
      )
    ).body,
  ).toContain('"INVALID_VALUE","int","9007199254740993"');
});
test.each(['abc', '1,5', '0x1', ''])('26 %j is no number', async (text) =>
  expect(await description(world, 'VM.set_HVM_shadow_multiplier', session, vm, text)).toEqual(wrongType),
);
test.each(['nan', 'inf', '-inf', 'NaN', 'Infinity'])('26 %j is no multiplier', async (text) => {
  const { body } = await post(
    world,
    '/',
    xmlCall('VM.set_HVM_shadow_multiplier', session, vm, `<double>${text}</double>`),
  );
  expect(body).toMatch(/<value>(INTERNAL_ERROR<.*Expected float|INVALID_VALUE<)/);
  expect(await result(world, 'VM.get_HVM_shadow_multiplier', session, vm)).toBe(1);
});
test.each(['99999999T99:99:99Z', '20260230T00:00:00Z', 'yesterday', '', '20260101'])(
  '27 %j is no moment',
  async (text) => {
    const { status, body } = await post(
      world,
      '/',
      xmlCall('message.get_since', session, `<dateTime.iso8601>${text}</dateTime.iso8601>`),
    );
    expect(`${status} ${body}`).toMatch(/ 500 |<value>INTERNAL_ERROR<.*Expected/);
  },
);
