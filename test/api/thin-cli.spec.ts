/** The real client's protocol at /cli, spoken from its side: the bytes that it needs, and the commands that ask something of it. */
import net from 'node:net';
import { thinBody, thinXe, requestOf, type ThinRun, type ThinUser } from '../thin-client';
import { eventually, login, password, startWorld, type Call, type World } from '../world';

let world: World, call: Call, user: ThinUser;
beforeAll(async () => {
  world = await startWorld({ hosts: 2 });
  call = await login(world.url);
  user = { port: Number(new URL(world.url).port), password };
});
afterAll(() => world?.stop());

const xe = (...words: string[]): Promise<ThinRun> => thinXe(user, ...words);
async function line(...words: string[]): Promise<string> {
  const { code, out, error } = await xe(...words);
  expect([code, error]).toEqual([0, '']);
  return out.trim();
}

test('the server greets without any HTTP and closes after the exit code', async () => {
  const socket = net.connect(user.port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (d) => chunks.push(typeof d === 'string' ? Buffer.from(d) : d));
  socket.write(requestOf(`host-list\n--minimal\nusername=root\npassword=${password}`));
  await eventually(async () => expect(Buffer.concat(chunks).length).toBeGreaterThanOrEqual(35));
  const greeting = Buffer.from(
    '58656e536f75726365207468696e20434c492070726f746f636f6c0000000002000000',
    'hex',
  );
  expect(Buffer.concat(chunks)).toEqual(greeting);
  socket.write(greeting);
  await new Promise((resolve) => socket.once('close', resolve));
  const hosts = (await call<string[]>('host.get_all')).length;
  const rest = Buffer.concat(chunks).subarray(35);
  const text = 36 * hosts + hosts - 1;
  expect(rest.length).toBe(4 + 12 + text + 16);
  expect(rest.subarray(-16)).toEqual(Buffer.from('0c000000090000000400000000000000', 'hex'));
});

test('a record is one print with an end of line of its own, so two blank lines stand between records', async () => {
  const { commands, out } = await xe('host-list', 'params=uuid,enabled');
  expect(commands.map((c) => c.kind)).toEqual(['print', 'print', 'exit']);
  expect(out).toMatch(/^uuid \( RO\) {7}: [0-9a-f-]{36}\n {4}enabled \( RO\): true\n\n\nuuid/);
});

test.each([
  [['bogus'], "Unknown command: bogus\nFor usage run: 'xe help'\n"],
  [['vm-param-get', 'uuid=x'], "Required parameter not found: param-name\nFor usage run: 'xe help'\n"],
  [['vm-start', 'vm=nobody'], 'Error: No matching VMs found\n'],
  [['host-disable'], 'Error: Multiple matching hosts found. --multiple required to complete the operation\n'],
  [['vm-list', 'nonsense=1'], "Error: Unknown field 'nonsense'\n"],
])('%j is refused on standard error with exit code 1', async (words, error) => {
  expect(await xe(...words)).toMatchObject({ code: 1, out: '', error });
});

test('a wrong password and no user are told in the words of xe', async () => {
  expect(await thinXe({ ...user, password: 'wrong' }, 'vm-list')).toMatchObject({
    code: 1,
    error: "Authentication failed\nFor usage run: 'xe help'\n",
  });
  expect(await thinBody(user, 'vm-list\nusername=\npassword=')).toMatchObject({
    code: 1,
    error: "Username/password must be specified\nFor usage run: 'xe help'\n",
  });
});

test('a forwarded command brings its session, with the line ends of another server, and the session stays', async () => {
  const url = `${world.url}/jsonrpc`;
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'session.login_with_password',
    params: ['root', password],
  });
  const { result } = (await (await fetch(url, { method: 'POST', body })).json()) as { result: string };
  for (let i = 0; i < 2; i += 1) {
    const { code, out } = await thinBody(user, `session_id=${result}\r\npool-list\r\n--minimal`);
    expect([code, out.trim()]).toEqual([
      0,
      await call('pool.get_uuid', (await call<string[]>('pool.get_all'))[0]),
    ]);
  }
  expect(await thinBody(user, 'session_id=OpaqueRef:none\npool-list')).toMatchObject({ code: 1 });
});

test('a VM lives from install to uninstall, which asks first', async () => {
  const uuid = await line('vm-install', 'template=Debian Bookworm 12', 'new-name-label=thin');
  await line('vm-start', 'vm=thin');
  expect(await line('vm-list', `uuid=${uuid}`, 'params=power-state', '--minimal')).toBe('running');
  const again = await xe('vm-start', `uuid=${uuid}`);
  expect(again.code).toBe(1);
  expect(again.error).toContain(`vm: ${uuid} (thin)\nexpected: halted\nactual: running\n`);
  await line('vm-shutdown', '--force', 'vm=thin');
  const no = await thinXe({ ...user, types: 'no' }, 'vm-uninstall', 'vm=thin');
  expect(no.out).toMatch(
    /^The following items are about to be destroyed\nVM : .* \(thin\)\n(VDI: .* \n)+Type 'yes' to continue\nAborted \(you typed: 'no'\)\n$/,
  );
  const yes = await thinXe({ ...user, types: 'yes' }, 'vm-uninstall', 'vm=thin');
  expect([yes.code, yes.out.split('\n').at(-2)]).toEqual([0, 'All objects destroyed']);
  expect(await line('vm-list', `uuid=${uuid}`, '--minimal')).toBe('');
});

test('a file goes from the server to the user, and its task is gone', async () => {
  const files = new Map<string, Buffer>();
  const run = await thinXe({ ...user, files }, 'pool-dump-database', 'file-name=/tmp/dump.xml');
  expect([run.code, run.error]).toEqual([0, '']);
  expect(run.commands[0]).toMatchObject({ kind: 'httpGet', file: '/tmp/dump.xml' });
  expect(files.get('/tmp/dump.xml')?.toString()).toContain('<table name="VM">');
  expect((await call<string[]>('task.get_all')).length).toBe(0);
});

test('the content of a disk goes in and out, and the audit trail is saved', async () => {
  const content = Buffer.alloc(2 ** 20, 'thin');
  const files = new Map([['/tmp/in.raw', content]]);
  const sr = await line('pool-list', 'params=default-SR', '--minimal');
  const vdi = await line('vdi-create', `sr-uuid=${sr}`, 'name-label=moved', 'virtual-size=1MiB');
  const put = await thinXe({ ...user, files }, 'vdi-import', `uuid=${vdi}`, 'filename=/tmp/in.raw');
  expect([put.code, put.error]).toEqual([0, '']);
  const got = await thinXe(
    { ...user, files },
    'vdi-export',
    `uuid=${vdi}`,
    'filename=/tmp/out.raw',
    '--progress',
  );
  expect([got.code, got.error]).toEqual([
    0,
    expect.stringMatching(/ #{54}> \(100% ETA 00:00:00\) \nTotal time: [\d.]+m?s\n$/) as string,
  ]);
  expect(files.get('/tmp/out.raw')?.equals(content)).toBe(true);
  await line('vdi-destroy', `uuid=${vdi}`);
  const audit = await thinXe({ ...user, files }, 'audit-log-get', 'filename=/tmp/audit');
  expect([audit.code, files.get('/tmp/audit')?.toString()]).toEqual([
    0,
    expect.stringContaining('VDI.destroy'),
  ]);
});

test('a VM is saved in a file and comes back from it', async () => {
  const files = new Map<string, Buffer>();
  const uuid = await line('vm-install', 'template=Debian Bookworm 12', 'new-name-label=saved');
  const [disk = ''] = (await line('vbd-list', `vm-uuid=${uuid}`, 'params=vdi-uuid', '--minimal')).split(',');
  expect(disk).toMatch(/^[0-9a-f-]{36}$/);
  const saved = await thinXe({ ...user, files }, 'vm-export', `uuid=${uuid}`, 'filename=/tmp/saved.xva');
  expect([saved.code, saved.error, saved.out]).toEqual([0, '', 'Export succeeded\n']);
  await line('vm-uninstall', `uuid=${uuid}`, '--force');
  const back = await thinXe({ ...user, files }, 'vm-import', 'filename=/tmp/saved.xva');
  expect([back.code, back.error]).toEqual([0, '']);
  expect(await line('vm-list', `uuid=${back.out.trim()}`, 'params=name-label', '--minimal')).toBe('saved');
});

test('the content of a file of the user comes over the connection', async () => {
  const files = new Map([['/tmp/args', Buffer.from('from a file')]]);
  const [host] = (await line('host-list', '--minimal')).split(',');
  const run = await thinXe(
    { ...user, files },
    'host-call-plugin',
    `host-uuid=${host}`,
    'plugin=none',
    'fn=none',
    'args:text:file=/tmp/args',
  );
  expect(run.commands[0]).toEqual({ kind: 'load', file: '/tmp/args' });
  const missing = await thinXe(
    { ...user, files },
    'host-call-plugin',
    `host-uuid=${host}`,
    'plugin=none',
    'fn=none',
    'args:text:file=/tmp/none',
  );
  expect(missing).toMatchObject({ code: 1, error: 'Failed to read file /tmp/none\n' });
});

test('a client that goes away in the middle leaves the server as it was', async () => {
  const socket = net.connect(user.port, '127.0.0.1');
  socket.write(requestOf(`vm-list\nusername=root\npassword=${password}`));
  await new Promise((resolve) => socket.once('data', resolve));
  socket.destroy();
  const strange = net.connect(user.port, '127.0.0.1');
  strange.write(requestOf(`vm-list\nusername=root\npassword=${password}`));
  await new Promise((resolve) => strange.once('data', resolve));
  strange.write('GET / HTTP/1.1\r\nhost: x\r\naccept: everything\r\n\r\n');
  await new Promise((resolve) => strange.once('close', resolve));
  expect(await line('pool-list', '--minimal')).toMatch(/^[0-9a-f-]{36}$/);
});
