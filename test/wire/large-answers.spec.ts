/** Answers about very many objects, and calls that come while they are made. */
import net from 'node:net';
import { asRef } from '@xenplane/model';
import { inTransaction } from '@xenplane/store';
import { login, startWorld, type Call, type World } from '../world';
import { post, request, send, sessionOf, xmlCall } from './raw';

const many = 3_000;
let world: World, session: string, call: Call, vm: string;

beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
  session = await sessionOf(world);
  call = await login(world.url);
  const { plane } = world.apis[0] ?? fail();
  const template = (await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12'))[0] ?? '';
  const { ref: _ref, ...row } = { ...plane.replica.stored('VM', template) };
  await inTransaction(plane.store, (tx) =>
    tx.insertAll(
      'VM',
      Array.from({ length: many }, (_, i) => {
        const uuid = plane.ids.uuid();
        return {
          ...row,
          ref: asRef<'VM'>(`OpaqueRef:${uuid}`),
          uuid,
          name_label: `one of many ${i}`,
          is_a_template: false,
          is_default_template: false,
        };
      }),
    ),
  );
  vm = (await call<string[]>('VM.get_by_name_label', 'one of many 7'))[0] ?? '';
}, 180_000);
afterAll(() => world.stop());

function fail(): never {
  throw new Error('there is no API');
}

/** How many single reads, one after the other, are answered before the head of the long answer comes. */
async function answeredBefore(bytes: Buffer): Promise<{ before: number; all: Buffer }> {
  const socket = net.connect(Number(new URL(world.url).port), '127.0.0.1');
  const pieces: Buffer[] = [];
  let headCame = false,
    before = 0;
  const ended = new Promise<void>((resolve, reject) => {
    socket.on('data', (piece: Buffer) => {
      headCame = true;
      pieces.push(piece);
    });
    socket.on('error', reject).on('end', resolve);
  });
  socket.write(bytes);
  while (!headCame) {
    await call('VM.get_power_state', vm);
    if (!headCame) before += 1;
  }
  await ended;
  return { before, all: Buffer.concat(pieces) };
}
const closing = ['Connection: close'];
const xmlRequest = (method: string, ...values: string[]): Buffer =>
  request('POST', '/', xmlCall(method, session, ...values), closing);

async function spoilAll(): Promise<void> {
  await world.apis[0]?.plane.store.query(
    `UPDATE vm SET name_description = name_description || '.' WHERE name_label LIKE 'one of many %'`,
  );
}

const jsonRequest = (method: string, ...params: unknown[]): Buffer =>
  request('POST', '/jsonrpc', JSON.stringify({ id: 1, method, params: [session, ...params] }), closing);
const everyVm = '<array><data><value>vm</value></data></array>';
const last = `one of many ${many - 1}`;
const byName = `field &quot;name_label&quot; = &quot;${last}&quot;`;
test.each([
  ['VM.get_all_records by XML-RPC', () => xmlRequest('VM.get_all_records')],
  ['VM.get_all_records_where by XML-RPC', () => xmlRequest('VM.get_all_records_where', byName)],
  ['event.from everything by XML-RPC', () => xmlRequest('event.from', everyVm, '', '<double>0</double>')],
  ['VM.get_all_records by JSON-RPC', () => jsonRequest('VM.get_all_records')],
  [
    'VM.get_all_records_where by JSON-RPC',
    () => jsonRequest('VM.get_all_records_where', `field "name_label" = "${last}"`),
  ],
  ['event.from everything by JSON-RPC', () => jsonRequest('event.from', ['vm'], '', 0)],
])('%s lets others in between', async (_what, bytes) => {
  await spoilAll();
  const { before, all } = await answeredBefore(bytes());
  expect(before).toBeGreaterThanOrEqual(5);
  expect(all.includes(last)).toBe(true);
});

test('while the database is dumped others are answered', async () => {
  await spoilAll();
  const { before, all } = await answeredBefore(
    request('GET', `/pool/xmldbdump?session_id=${session}`, '', closing),
  );
  expect(before).toBeGreaterThanOrEqual(5);
  expect(all.includes(last)).toBe(true);
});

/** The head and the body of an answer that ends with the connection. */
async function answerTo(bytes: Buffer): Promise<{ head: string; body: string }> {
  const socket = net.connect(Number(new URL(world.url).port), '127.0.0.1');
  const pieces: Buffer[] = [];
  const ended = new Promise<void>((resolve, reject) => socket.on('error', reject).on('end', resolve));
  socket.on('data', (piece: Buffer) => pieces.push(piece)).write(bytes);
  await ended;
  const all = Buffer.concat(pieces).toString(),
    at = all.indexOf('\r\n\r\n');
  return { head: all.slice(0, at), body: all.slice(at + 4) };
}
const oldXml = (): Buffer => request('POST', '/', xmlCall('VM.get_all_records', session), [], '1.0');

test('a client of HTTP/1.0 gets a long answer whole, without chunks', async () => {
  const { head, body } = await answerTo(oldXml());
  expect(head).toMatch(/^HTTP\/1\.1 200 OK/);
  expect(head).not.toMatch(/transfer-encoding/i);
  expect(body.endsWith('</methodResponse>')).toBe(true);
  expect(body.split('<name>name_label</name>').length).toBeGreaterThan(many);
});

test('both wires say the same of many records, and JSON-RPC says how long that is', async () => {
  const json = await answerTo(jsonRequest('VM.get_all_records'));
  expect(Number(/content-length: (\d+)/i.exec(json.head)?.[1])).toBe(Buffer.byteLength(json.body));
  const { result: records } = JSON.parse(json.body) as { result: Record<string, { uuid: string }> };
  const { body: xml } = await answerTo(oldXml());
  const named = new Set(xml.match(/(?<=<name>)OpaqueRef:[^<]+/g)),
    uuids = new Set(xml.match(/(?<=<name>uuid<\/name><value>)[^<]+/g));
  expect(named).toEqual(new Set(Object.keys(records)));
  expect(uuids).toEqual(new Set(Object.values(records).map(({ uuid }) => uuid)));
});

const parts = {
  'empty values in XML': () =>
    xmlCall('VM.get_all', session, `<array><data>${'<value/>'.repeat(120_000)}</data></array>`),
  'entities in XML': () => xmlCall('VM.get_all', session, '&lt;'.repeat(120_000)),
  'comments in XML': () => xmlCall('VM.get_all', session, '<!---->'.repeat(120_000)),
  'numbers in JSON': () =>
    JSON.stringify({ id: 1, method: 'VM.get_all', params: [Array<number>(60_000).fill(1)] }),
  'long integers in JSON': () =>
    `{"id":1,"method":"VM.get_all","params":[[${Array<string>(2_000).fill('1234567890123456789').join()}]]}`,
};
test.each(Object.entries(parts))('a call of very many %s is not read', async (what, body) => {
  const { status } = await post(world, what.endsWith('JSON') ? '/jsonrpc' : '/', body());
  expect(status).toBe('HTTP/1.1 500 Internal Error');
});

test.each(['/', '/jsonrpc'])('a call of more than 8 MiB to %s is not read', async (path) => {
  const { status } = await send(world, request('POST', path, Buffer.alloc(8 * 2 ** 20 + 1, ' ')));
  expect(status).toBe('HTTP/1.1 413 Request Entity Too Large');
});
