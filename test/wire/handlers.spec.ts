/** Section 3 of the protocol notes: status lines, heads and refusals of the HTTP handlers, and the layout of archives. */
import net from 'node:net';
import { handlers, type HandlerFacts } from '@xenplane/model';
import { eventually, startWorld, type World } from '../world';
import { request, result, send, sessionOf, type RawAnswer } from './raw';

let world: World;
let session: string;
let vm: string;
let vdi: string;
let sr: string;
let srUuid: string;
let iso: string;
beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
  session = await sessionOf(world);
  const [template = ''] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  vm = await call('VM.clone', template, 'handled');
  await call('VM.provision', vm);
  sr = await call('pool.get_default_SR', (await call<string[]>('pool.get_all'))[0]);
  srUuid = await call('SR.get_uuid', sr);
  const storages = Object.entries(await call<Record<string, { content_type: string }>>('SR.get_all_records'));
  iso = storages.find(([, { content_type: type }]) => type === 'iso')?.[0] ?? '';
  vdi = await call('VDI.create', {
    SR: sr,
    virtual_size: 3 * 2 ** 20,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
    name_label: 'handled',
  });
});
afterAll(() => world?.stop());

const call = <T = string>(method: string, ...params: unknown[]): Promise<T> =>
  result<T>(world, method, session, ...params);
const at = (path: string): string =>
  [
    ['SESSION', session],
    ['VM_REF', vm],
    ['VDI_REF', vdi],
    ['ISO_REF', iso],
    ['SR_UUID', srUuid],
    ['SR_REF', sr],
  ].reduce((text, [name = '', value = '']) => text.replace(name, value), path);
const get = (path: string, ...headers: string[]): Promise<RawAnswer> =>
  send(world, `GET ${at(path)} HTTP/1.0\r\n${headers.map((h) => `${h}\r\n`).join('')}\r\n`);

test.each<[string, string, string, object]>([
  [
    'an archive',
    '/export?session_id=SESSION&ref=VM_REF&use_compression=false',
    'application/octet-stream',
    { 'content-disposition': 'attachment; filename="export.xva"' },
  ],
  [
    'an archive, the path with a slash',
    '/export/?session_id=SESSION&ref=VM_REF&use_compression=false',
    'application/octet-stream',
    { 'task-id': expect.stringMatching(/^OpaqueRef:/) },
  ],
  ['a raw disk', '/export_raw_vdi?session_id=SESSION&vdi=VDI_REF&format=raw', 'application/octet-stream', {}],
  ['a disk as vhd', '/export_raw_vdi?session_id=SESSION&vdi=VDI_REF&format=vhd', 'application/vhd', {}],
  ['a disk as tar', '/export_raw_vdi?session_id=SESSION&vdi=VDI_REF&format=tar', 'application/x-tar', {}],
  [
    'a disk as qcow2',
    '/export_raw_vdi?session_id=SESSION&vdi=VDI_REF&format=qcow2',
    'application/x-qemu-disk',
    {},
  ],
])('%s ends with the connection, without a length', async (_claim, path, type, more) => {
  const { status, headers, closed, body } = await get(path);
  expect(status).toMatch(/^HTTP\/1\.[01] 200 OK$/);
  expect(headers).toMatchObject({ 'content-type': type, ...more });
  expect(headers).not.toHaveProperty('content-length');
  expect(headers).not.toHaveProperty('transfer-encoding');
  expect(closed).toBe(true);
  expect(body.length).toBeGreaterThan(0);
});

test.each<[string, string, RegExp]>([
  ['metadata', '/export_metadata?session_id=SESSION&ref=VM_REF', /^application\//],
  ['measurements as XML', '/rrd_updates?session_id=SESSION&start=0&host=true', /xml/],
  ['measurements as JSON', '/rrd_updates?session_id=SESSION&start=0&host=true&json=true', /json/],
  ['the measurements of the host', '/host_rrd?session_id=SESSION', /xml/],
])('%s come with their length', async (_claim, path, type) => {
  const { status, headers, body } = await get(path);
  expect(status).toBe('HTTP/1.1 200 OK');
  expect(headers['content-type']).toMatch(type);
  expect(Number(headers['content-length'])).toBe(Buffer.byteLength(body));
});

test.each<[string, string, string, RegExp]>([
  ['no session', 'GET', '/export?ref=VM_REF', /401/],
  ['an unknown format', 'GET', '/export_raw_vdi?session_id=SESSION&vdi=VDI_REF&format=nope', /404/],
  ['measurements without a start', 'GET', '/rrd_updates?session_id=SESSION', /400/],
  ['measurements of a VM without a name', 'GET', '/vm_rrd?session_id=SESSION', /400/],
  ['measurements of nobody', 'GET', '/vm_rrd?session_id=SESSION&uuid=none', /404/],
  ['a blob without a name', 'GET', '/blob?session_id=SESSION', /400/],
  ['a disk from nowhere to nowhere', 'PUT', '/import_raw_vdi?session_id=SESSION', /400/],
  ['there is no /remote_cmd', 'PUT', '/remote_cmd', /403/],
  ['there is no /update_repository', 'GET', '/update_repository', /404/],
])('refused: %s', async (_claim, method, path, status) => {
  const answer = await send(world, request(method, at(path)));
  expect(answer.status).toMatch(status);
  expect(answer.headers['content-type']).toBe('text/html');
  expect(answer.headers['connection']).toBe('close');
  expect(answer.body).toMatch(/^<html>/);
});
test('an archive in chunks is refused', async () => {
  const head = `PUT /import?session_id=${session} HTTP/1.1\r\nHost: any\r\nTransfer-Encoding: chunked\r\n\r\n`;
  expect((await send(world, `${head}0\r\n\r\n`)).status).toMatch(/^HTTP\/1\.1 403 /);
});

test.each([
  'session_id=SESSION',
  'session_id=SESSION; task_id=OpaqueRef:NULL',
  'other=1; session_id=SESSION',
])('a cookie lets in: %s', async (cookie) => {
  expect((await get('/host_rrd', `Cookie: ${at(cookie)}`)).status).toBe('HTTP/1.1 200 OK');
});

test.each(Object.entries<HandlerFacts>(handlers).filter(([, facts]) => !facts.open))(
  'without a session %s is 401, and says how to come in',
  async (_name, { method, path }) => {
    const answer = await send(world, `${method} ${path} HTTP/1.1\r\nHost: any\r\nContent-Length: 0\r\n\r\n`);
    expect(answer).toMatchObject({ status: 'HTTP/1.1 401 Unauthorised', closed: true });
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html',
      connection: 'close',
      'www-authenticate': 'Basic realm="XenAPI"',
    });
  },
);

const basic = (password: string): string =>
  `Authorization: Basic ${Buffer.from(`root:${password}`).toString('base64')}\r\n`;
test.each<[string, string, () => string, RegExp, (vm: string) => string[]]>([
  [
    'a session that is none',
    '/export?session_id=OpaqueRef:none&ref=VM_REF',
    () => '',
    /401/,
    () => ['SESSION_AUTHENTICATION_FAILED'],
  ],
  [
    'a wrong password',
    '/export?ref=VM_REF',
    () => basic('wrong'),
    /401/,
    () => ['SESSION_AUTHENTICATION_FAILED'],
  ],
  ['no session', '/export?ref=VM_REF', () => '', /401/, () => ['SESSION_AUTHENTICATION_FAILED']],
  [
    'a VM that is none',
    '/export?session_id=SESSION&ref=OpaqueRef:none',
    () => '',
    /500/,
    () => ['HANDLE_INVALID', 'VM', 'OpaqueRef:none'],
  ],
])('the task of a refused request has failed: %s', async (_claim, path, headers, status, error) => {
  const task = await call('task.create', 'refused', '');
  const answer = await send(
    world,
    `GET ${at(path)}&task_id=${task} HTTP/1.1\r\nHost: any\r\n${headers()}\r\n`,
  );
  expect(answer.status).toMatch(status);
  expect(await call<object>('task.get_record', task)).toMatchObject({
    status: 'failure',
    error_info: error(vm),
  });
  if (/500/.exec(answer.status)) expect(answer.body).toContain('HANDLE_INVALID: [ VM; OpaqueRef:none ]');
});
test.each<[string, string, string, RegExp, () => string[]]>([
  [
    'a disk from nowhere to nowhere',
    'PUT',
    '/import_raw_vdi?session_id=SESSION',
    /400/,
    () => ['VDI_MISSING', 'OpaqueRef:NULL', 'OpaqueRef:NULL'],
  ],
  [
    'an archive into discs',
    'PUT',
    '/import?session_id=SESSION&sr_id=ISO_REF',
    /400/,
    () => ['SR_OPERATION_NOT_SUPPORTED', iso],
  ],
])(
  'an upload that cannot be is refused before a byte of it, and so is its task: %s',
  async (_claim, method, path, status, error) => {
    const task = await call('task.create', 'refused', '');
    const answer = await send(world, request(method, `${at(path)}&task_id=${task}`));
    expect(answer.status).toMatch(status);
    expect(await call<object>('task.get_record', task)).toMatchObject({
      status: 'failure',
      error_info: error(),
    });
  },
);

test.each([
  ['the path of a VM', 'GET', '/vncsnapshot?session_id=SESSION', /400/],
  ['a picture of nobody', 'GET', '/vncsnapshot?session_id=SESSION&uuid=none', /404/],
  ['a console of nobody', 'CONNECT', '/console?session_id=SESSION&uuid=none', /404/],
  ['a console without a name', 'CONNECT', '/console?session_id=SESSION', /400/],
  ['a console without a session', 'CONNECT', '/console?uuid=none', /401/],
  ['a tunnel to nothing', 'CONNECT', '/nothing', /403/],
  ['an upload to nothing', 'PUT', '/nothing', /403/],
  ['a file that is none', 'GET', '/nothing', /404/],
  ['a blob that is none', 'GET', '/blob?ref=OpaqueRef:none', /404/],
  ['measurements of a storage without a name', 'GET', '/sr_rrd?session_id=SESSION', /400/],
  ['measurements of a storage that is none', 'GET', '/sr_rrd?session_id=SESSION&uuid=none', /404/],
  ['measurements from no time', 'GET', '/rrd_updates?session_id=SESSION&start=then', /400/],
  ['an unknown way of doing things', 'DELETE', '/', /501/],
])('refused as a page, and closed: %s', async (_claim, method, path, status) => {
  const answer = await send(world, `${method} ${at(path)} HTTP/1.0\r\n\r\n`);
  expect(answer.status).toMatch(status);
  expect(answer.headers).toMatchObject({ 'content-type': 'text/html', connection: 'close' });
  expect(answer.closed).toBe(true);
});

test.each([
  [
    'the audit trail',
    '/audit_log?session_id=SESSION',
    /^text\/plain/,
    /^\[\d{8}T\d\d:\d\d:\d\d\.\d{3}Z\|info\|.*'session\.login_with_password'/,
  ],
  [
    'the audit trail of what comes',
    '/audit_log?session_id=SESSION&since=20990101T00:00:00Z',
    /^text\/plain/,
    /^$/,
  ],
  [
    'the database',
    '/pool/xmldbdump?session_id=SESSION',
    /^text\/xml$/,
    /^<\?xml version="1\.0" encoding="UTF-8"\?>\s*<database><manifest>/,
  ],
  ['what there is beside it', '/services?session_id=SESSION', /^application\/json$/, /^\{"services":/],
  [
    'measurements of a storage',
    '/sr_rrd?session_id=SESSION&uuid=SR_UUID',
    /^text\/xml$/,
    /^<\?xml version="1\.0"\?><rrd><version>0003<\/version><step>5<\/step>/,
  ],
  [
    'measurements of a while ago',
    '/rrd_updates?session_id=SESSION&start=-600&host=true&cf=AVERAGE',
    /^text\/xml$/,
    /^<\?xml version="1\.0"\?><xport><meta><start>\d+<\/start><step>5<\/step><end>\d+<\/end><rows>\d+<\/rows><columns>\d+<\/columns><legend><entry>AVERAGE:host:/,
  ],
])('%s', async (_claim, path, type, body) => {
  const answer = await get(path);
  expect(answer.status).toBe('HTTP/1.1 200 OK');
  expect(answer.headers['content-type']).toMatch(type);
  expect(answer.body).toMatch(body);
  expect(answer.closed).toBe(true);
});

const fields = (bytes: Buffer): string =>
  /<value>(OpaqueRef:[^<]*)<\/value>/.exec(bytes.toString())?.[1] ?? '';
test.each([
  ['of a disk into a new one', () => `/import_raw_vdi?session_id=${session}&sr_id=${sr}&format=raw`, 2 ** 20],
  [
    'of a disk into one that is there',
    () => `/import_raw_vdi?session_id=${session}&vdi=${vdi}&format=raw`,
    2 ** 20,
  ],
])('an upload %s is answered before a byte of it is sent', async (_claim, path, size) => {
  const task = await call('task.create', 'upload', '');
  const socket = net.connect(Number(new URL(world.url).port), '127.0.0.1');
  let heard = '';
  socket.on('data', (piece) => (heard += String(piece))).on('error', () => undefined);
  socket.write(`PUT ${path()}&task_id=${task} HTTP/1.0\r\nContent-length: ${size}\r\n\r\n`);
  await eventually(async () => expect(heard).toMatch(/^HTTP\/1\.1 200 OK\r\n(.*\r\n)*\r\n/));
  expect(await call('task.get_status', task)).toBe('pending');
  socket.write(Buffer.alloc(size, 7));
  await eventually(async () => expect(await call('task.get_status', task)).toBe('success'));
  expect(
    await call('VDI.get_record', fields(Buffer.from(await call('task.get_result', task)))),
  ).toMatchObject({ managed: true });
  socket.destroy();
});

test('the probe of xen-api, an empty body without a task, harms no disk', async () => {
  const before = (await get('/export_raw_vdi?session_id=SESSION&vdi=VDI_REF&format=raw')).body;
  expect(
    (await send(world, request('PUT', at('/import_raw_vdi?session_id=SESSION&vdi=VDI_REF&format=raw'))))
      .status,
  ).toBe('HTTP/1.1 200 OK');
  await eventually(async () =>
    expect((await get('/export_raw_vdi?session_id=SESSION&vdi=VDI_REF&format=raw')).body).toBe(before),
  );
});

describe('an upload that gives no length lasts until the connection ends', () => {
  const content = Buffer.alloc(2 ** 20, 'until the end ');
  /** Sends the head, the body in pieces, and then closes its side. */
  async function putUntilEnd(path: string, version: string, pieces: readonly Buffer[]): Promise<string> {
    const socket = net.connect(Number(new URL(world.url).port), '127.0.0.1');
    const heard: Buffer[] = [];
    socket.on('data', (piece: Buffer) => heard.push(piece));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const [first = Buffer.alloc(0), ...rest] = pieces;
    socket.write(Buffer.concat([Buffer.from(`PUT ${at(path)} HTTP/${version}\r\nHost: any\r\n\r\n`), first]));
    for (const piece of rest) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      socket.write(piece);
    }
    socket.end();
    await closed;
    return Buffer.concat(heard).toString('latin1');
  }
  const inPieces = (bytes: Buffer): Buffer[] =>
    Array.from({ length: 16 }, (_, i) =>
      bytes.subarray((i * bytes.length) / 16, ((i + 1) * bytes.length) / 16),
    );

  test.each([
    ['1.0', 'head and body in one packet', [content]],
    ['1.0', 'the body in pieces', [Buffer.alloc(0), ...inPieces(content)]],
    ['1.1', 'the body in pieces', inPieces(content)],
  ])('HTTP/%s, %s: the disk has all of it, and one answer comes', async (version, _form, pieces) => {
    const session = await sessionOf(world);
    const vdi = await result<string>(world, 'VDI.create', session, {
      name_label: 'unframed',
      SR: (await result<string[]>(world, 'SR.get_by_name_label', session, 'Shared storage'))[0],
      virtual_size: content.length,
      type: 'user',
      sharable: false,
      read_only: false,
      other_config: {},
    });
    const told = await putUntilEnd(
      `/import_raw_vdi?session_id=SESSION&format=raw&vdi=${vdi}`,
      version,
      pieces,
    );
    expect(told.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200']);
    await eventually(async () =>
      expect(await result(world, 'VDI.get_current_operations', session, vdi)).toEqual({}),
    );
    const back = Buffer.from(
      await (
        await fetch(`${world.url}${at('/export_raw_vdi?session_id=SESSION&format=raw')}&vdi=${vdi}`)
      ).arrayBuffer(),
    );
    expect(back.equals(content)).toBe(true);
  });

  test('every handler of uploads takes it so: what it says is of the whole body, and there is one answer', async () => {
    for (const { path } of Object.values(handlers).filter(({ method }) => method === 'PUT')) {
      const told = await putUntilEnd(`${path}?session_id=SESSION&vdi=VDI_REF`, '1.0', [
        Buffer.from('no such thing\r\n\r\n'),
        Buffer.from('GET / HTTP/1.0\r\n\r\n'),
      ]);
      expect([path, told.match(/HTTP\/1\.1 \d+/g)?.length]).toEqual([path, 1]);
    }
  });

  test('a blob holds all that came', async () => {
    const session = await sessionOf(world);
    const blob = await result<string>(world, 'blob.create', session, 'text/plain', true);
    expect(
      await putUntilEnd(`/blob?session_id=SESSION&ref=${blob}`, '1.0', [
        Buffer.from('one '),
        Buffer.from('two'),
      ]),
    ).toMatch(/^HTTP\/1\.1 200 /);
    expect(await (await fetch(`${world.url}/blob?ref=${blob}`)).text()).toBe('one two');
  });
});

test('measurements: newest first, values as texts in JSON, the step that was asked for, legends of four parts', async () => {
  const now = Math.floor(Date.now() / 1000);
  const { body } = await get(
    `/rrd_updates?session_id=SESSION&start=${now - 600}&interval=60&cf=AVERAGE&host=true&json=true`,
  );
  const { meta, data } = JSON.parse(body) as {
    meta: { start: string; step: string; rows: string; columns: string; legend: string[] };
    data: { t: string; values: string[] }[];
  };
  expect([meta.step, meta.rows, meta.columns]).toEqual([
    '60',
    String(data.length),
    String(meta.legend.length),
  ]);
  expect(meta.start).toBe(String(Math.floor((now - 600) / 60) * 60 + 60));
  for (const entry of meta.legend) expect(entry).toMatch(/^AVERAGE:(host|vm|sr):[0-9a-f-]{36}:[^:]+$/);
  for (const row of data) expect(row.values.every((v) => typeof v === 'string')).toBe(true);
  expect(data.every((row) => typeof row.t === 'string')).toBe(true);
  expect(data.map((row) => Number(row.t))).toEqual(
    data.map((row) => Number(row.t)).toSorted((a, b) => b - a),
  );
});

/** The members of a tar: names and contents. */
function members(tar: Buffer): { name: string; content: Buffer }[] {
  const found: { name: string; content: Buffer }[] = [];
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
    const size = parseInt(tar.toString('latin1', at + 124, at + 136), 8);
    found.push({
      name: tar.toString('latin1', at, at + 100).replace(/\0.*$/s, ''),
      content: tar.subarray(at + 512, at + 512 + size),
    });
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return found;
}
test('an archive is a tar: its records first, then each block followed by its checksum, and two blocks of zeroes', async () => {
  const answer = await fetch(
    `${world.url}${at('/export?session_id=SESSION&ref=VM_REF&use_compression=false')}`,
  );
  const tar = Buffer.from(await answer.arrayBuffer());
  const [ova, ...blocks] = members(tar);
  expect(ova?.name).toBe('ova.xml');
  const xml = ova?.content.toString() ?? '';
  expect(xml).toContain('<name>export_vsn</name><value>2</value>');
  for (const member of [
    'hostname',
    'date',
    'product_version',
    'product_brand',
    'build_number',
    'xapi_major',
    'xapi_minor',
  ])
    expect(xml).toContain(`<name>${member}</name>`);
  expect(xml).toMatch(/<name>class<\/name><value>VM<\/value>/);
  expect(xml).toMatch(/<name>id<\/name><value>Ref:\d+<\/value>/);
  expect(xml.match(/OpaqueRef:(?!NULL)/)).toBeNull();
  expect(blocks.length).toBeGreaterThan(1);
  blocks.forEach(({ name, content }, i) => {
    expect(name).toMatch(i % 2 === 0 ? /^Ref:\d+\/\d{8}$/ : /^Ref:\d+\/\d{8}\.xxhash$/);
    if (i % 2 === 1)
      expect([name, content.toString()]).toEqual([
        `${blocks[i - 1]?.name}.xxhash`,
        expect.stringMatching(/^[0-9A-F]{16}$/),
      ]);
    else expect(content.length).toBeLessThanOrEqual(2 ** 20);
  });
  expect(tar.subarray(-1024)).toEqual(Buffer.alloc(1024));
});
