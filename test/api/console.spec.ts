/** Consoles over the real wire: a framebuffer and plain text behind CONNECT, the same through WebSockets, and pictures. */
import { connect, type Socket } from 'node:net';
import { asRef, type Role } from '@xenplane/model';
import { RfbClient, type ClientOptions } from '@xenplane/testing';
import { openSession } from '@xenplane/xapi';
import { WebSocket } from 'undici';
import type { RunningApi } from '../../apps/api/src/api';
import { eventually, login, startWorld, statusOf, untilGuestSpeaks, type Call, type World } from '../world';

let world: World;
let call: Call;
let token: string;
let vm: string;
let vmUuid: string;
let consoles: Record<string, { uuid: string; protocol: string; location: string }>;

const session = async (role: Role): Promise<string> => {
  const [api] = world.apis;
  if (!api) throw new Error('no API');
  return openSession(api.plane, {
    user: role,
    root: false,
    originator: 'test',
    role,
    userRef: asRef('OpaqueRef:NULL'),
  });
};
async function newVm(name: string, type = 'hvm'): Promise<string> {
  const made = await call<string>(
    'VM.clone',
    (await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12'))[0],
    name,
  );
  await call('VM.provision', made);
  await call('VM.set_domain_type', made, type);
  await call('VM.start', made, false, false);
  // Until the agent in the guest reports: then the boot is over, whatever the clock says.
  await untilGuestSpeaks(call, made);
  return made;
}
beforeAll(async () => {
  world = await startWorld({ hosts: 2, apis: 2 });
  call = await login(world.url);
  token = await session('pool-admin');
  vm = await newVm('shown');
  vmUuid = await call('VM.get_uuid', vm);
  const all =
    await call<Record<string, { uuid: string; protocol: string; location: string; VM: string }>>(
      'console.get_all_records',
    );
  consoles = Object.fromEntries(
    Object.values(all)
      .filter((c) => c.VM === vm)
      .map((c) => [c.protocol, c]),
  );
});
afterAll(() => world?.stop());

interface Connected {
  readonly socket: Socket;
  readonly head: string;
  /** All that came behind the head so far. */
  bytes(): Buffer;
}
/** As clients do: the path alone in the line of the request. */
async function dial(path: string, headers = '', url = world.url): Promise<Connected> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let all = Buffer.alloc(0);
  socket.on('data', (piece) => (all = Buffer.concat([all, piece])));
  socket.on('error', () => undefined);
  socket.write(`CONNECT ${path} HTTP/1.0\r\n${headers}\r\n`);
  const end = await eventually(async () => {
    const at = all.indexOf('\r\n\r\n');
    if (at < 0) throw new Error('no answer');
    return at + 4;
  });
  return { socket, head: all.toString('latin1', 0, end), bytes: () => all.subarray(end) };
}

async function look(
  path: string,
  options: ClientOptions = {},
  url = world.url,
): Promise<{ client: RfbClient; socket: Socket; screen(): string[] }> {
  const { socket, head, bytes } = await dial(path, '', url);
  expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  const client = new RfbClient((out) => socket.write(out), options);
  client.feed(bytes());
  socket.on('data', (piece) => client.feed(piece));
  await eventually(async () => expect(client.width).toBeGreaterThan(0));
  client.request(false);
  return { client, socket, screen: () => client.text().filter((line) => line !== '') };
}
/** Asks for what changed until the screen is as wanted. */
const untilShown = ({ client }: { readonly client: RfbClient }, wanted: RegExp): Promise<void> =>
  eventually(async () => {
    client.request(true);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(client.text().join('\n')).toMatch(wanted);
  });
const untilClosed = (socket: Socket): Promise<void> =>
  eventually(async () => expect(socket.closed || socket.readableEnded).toBe(true));

test('the framebuffer of a guest shows its login; what is typed is shown and answered', async () => {
  const { pathname, searchParams } = new URL(consoles['rfb']?.location ?? '');
  const seen = await look(`${pathname}?${searchParams}&session_id=${token}`);
  expect(seen.client.name).toBe('shown');
  await untilShown(seen, /^shown login:/m);
  expect(seen.client.text().join('\n')).toContain('OK  ] Started Xen guest agent.');
  seen.client.type('root\n');
  await untilShown(seen, /^Password:/m);
  seen.client.type('a secret\n');
  await untilShown(seen, /^root@shown:~#/m);
  seen.client.type('hostname\n');
  await untilShown(seen, /~# hostname\nshown\n/);
  expect(seen.client.text().join('\n')).not.toContain('a secret');
  expect([seen.client.width, seen.client.height]).toEqual([800, 592]);
  seen.socket.destroy();
});

test('all who look see the same, in whatever encoding; a picture shows it as well', async () => {
  const [raw, hextile] = [
    await look(`/console?ref=${vm}&session_id=${token}`, { encodings: [0] }),
    await look(`/console?uuid=${vmUuid}&session_id=${token}`),
  ];
  await untilShown(hextile, /~# hostname/);
  raw.client.type('echo both of us\n');
  for (const seen of [raw, hextile]) await untilShown(seen, /^both of us$/m);
  expect(new Set(raw.client.rectangles.map((r) => r.encoding))).toEqual(new Set([0]));
  for (const { socket } of [raw, hextile]) socket.destroy();
  const answer = await fetch(`${world.url}/vncsnapshot?uuid=${vmUuid}&session_id=${token}`);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
  const jpeg = Buffer.from(await answer.arrayBuffer());
  expect([jpeg.subarray(0, 2).toString('hex'), jpeg.subarray(-2).toString('hex')]).toEqual(['ffd8', 'ffd9']);
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
  expect([jpeg.readUInt16BE(frame + 5), jpeg.readUInt16BE(frame + 7)]).toEqual([592, 800]);
});

interface Shown {
  readonly uuid: string;
  readonly protocol: string;
  readonly location: string;
}
const consolesOf = async (of: string): Promise<Shown[]> =>
  Promise.all(
    (await call<string[]>('VM.get_consoles', of)).map((one) => call<Shown>('console.get_record', one)),
  );

test('a guest without a device model has a text console, which is plain text, and the same as a screen', async () => {
  const plain = await newVm('plain', 'pv');
  const shown = await consolesOf(plain);
  expect(shown.map(({ protocol }) => protocol).sort()).toEqual(['rfb', 'vt100']);
  const of = (protocol: string): string => shown.find((one) => one.protocol === protocol)?.uuid ?? '';
  const { socket, head, bytes } = await dial(
    `/console?uuid=${of('vt100')}`,
    `Cookie: session_id=${token}\r\n`,
  );
  expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  await eventually(async () => expect(bytes().toString()).toMatch(/plain login: $/));
  expect(bytes().toString()).toMatch(/^Xenplane virtual firmware 1\.0\r\n/);
  socket.write('root\r');
  await eventually(async () => expect(bytes().toString()).toMatch(/Password: $/));
  socket.write('secret\r');
  await eventually(async () => expect(bytes().toString()).toMatch(/~# $/));
  socket.write('whoami\r');
  await eventually(async () => expect(bytes().toString()).toMatch(/~# whoami\r\nroot\r\nroot@plain:~# $/));
  const screen = await look(`/console?uuid=${of('rfb')}&session_id=${token}`);
  await untilShown(screen, /~# whoami\nroot\n/);
  for (const one of [socket, screen.socket]) one.destroy();
  await call('VM.hard_shutdown', plain);
});

describe.each([
  ['hvm', {}, {}, ['rfb']],
  ['hvm', { firmware: 'uefi', order: 'cdn' }, { disable_pv_vnc: '1' }, ['rfb']],
  ['pv', {}, {}, ['rfb', 'vt100']],
  ['pvh', {}, {}, ['rfb', 'vt100']],
  ['pv_in_pvh', {}, {}, ['rfb', 'vt100']],
  ['pv', {}, { disable_pv_vnc: '' }, ['vt100']],
])('a guest of type %s with %j and %j', (type, boot, other, wanted) => {
  test(`has the consoles ${wanted.join(' and ')}, whatever it has been through, and none at rest`, async () => {
    const guest = await call<string>(
      'VM.clone',
      (await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12'))[0],
      type,
    );
    await call('VM.provision', guest);
    await call('VM.set_domain_type', guest, type);
    await call('VM.set_HVM_boot_params', guest, {
      ...(await call<object>('VM.get_HVM_boot_params', guest)),
      ...boot,
    });
    for (const [key, value] of Object.entries(other)) await call('VM.add_to_other_config', guest, key, value);
    const protocols = async (): Promise<string[]> =>
      (await consolesOf(guest)).map(({ protocol }) => protocol).sort();
    await call('VM.start', guest, true, false);
    expect(await protocols()).toEqual(wanted);
    await call('VM.unpause', guest);
    await untilGuestSpeaks(call, guest);
    await call('VM.suspend', guest);
    expect(await protocols()).toEqual([]);
    await call('VM.resume', guest, false, false);
    expect(await protocols()).toEqual(wanted);
    await untilGuestSpeaks(call, guest);
    await call('VM.clean_reboot', guest);
    expect(await protocols()).toEqual(wanted);
    await call('VM.hard_shutdown', guest);
    expect(await protocols()).toEqual([]);
  });
});

test('a WebSocket carries the same bytes', async () => {
  const socket = new WebSocket(
    `${world.url.replace('http', 'ws')}/console?uuid=${consoles['rfb']?.uuid}&session_id=${token}`,
    ['binary'],
  );
  socket.binaryType = 'arraybuffer';
  const client = new RfbClient((out) => socket.send(out));
  socket.addEventListener('message', (event) => client.feed(new Uint8Array(event.data as ArrayBuffer)));
  await eventually(async () => expect(client.width).toBeGreaterThan(0));
  expect(socket.protocol).toBe('binary');
  client.request(false);
  await untilShown({ client }, /both of us/);
  client.type('uname -r\n');
  await untilShown({ client }, /^6\.1\.0-25-amd64$/m);
  const closed = new Promise<number>((resolve) =>
    socket.addEventListener('close', ({ code }) => resolve(code)),
  );
  socket.close(1000);
  expect(await closed).toBe(1000);
});

test.each([
  ['no name', '/console', 400],
  ['nothing of that name', '/console?uuid=none', 404],
  ['nothing of that reference', '/console?ref=OpaqueRef:none', 404],
])('CONNECT to %s is refused', async (_what, path, status) => {
  const { head } = await dial(`${path}${path.includes('?') ? '&' : '?'}session_id=${token}`);
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
});

test('who may: operators of VMs; the console of a host is for administrators of the pool', async () => {
  const dom0 = await call<string>('host.get_control_domain', (await call<string[]>('host.get_all'))[0]);
  const status = async (ref: string, role: Role): Promise<string> => {
    const { head, socket } = await dial(`/console?ref=${ref}&session_id=${await session(role)}`);
    socket.destroy();
    return head.slice(9, 12);
  };
  expect([await status(vm, 'read-only'), await status(vm, 'vm-operator')]).toEqual(['403', '200']);
  expect([await status(dom0, 'pool-operator'), await status(dom0, 'pool-admin')]).toEqual(['403', '200']);
  const picture = async (ref: string, role: Role): Promise<number> =>
    await statusOf(fetch(`${world.url}/vncsnapshot?ref=${ref}&session_id=${await session(role)}`));
  expect([
    await picture(vm, 'read-only'),
    await picture(dom0, 'pool-operator'),
    await picture(dom0, 'pool-admin'),
  ]).toEqual([403, 403, 200]);
  expect((await dial(`/console?ref=${vm}`)).head).toMatch(/^HTTP\/1\.1 401 /);
  expect(await statusOf(fetch(`${world.url}/console?ref=${vm}&session_id=${token}`))).toBe(400);
});

test('the console of a host shows its control domain', async () => {
  const [host] = await call<string[]>('host.get_all');
  const shown = await call<string[]>('VM.get_consoles', await call('host.get_control_domain', host));
  const records = await Promise.all(
    shown.map((c) => call<{ protocol: string; location: string }>('console.get_record', c)),
  );
  expect(records.map((c) => c.protocol).sort()).toEqual(['rfb', 'vt100']);
  const { pathname, searchParams } = new URL(records.find((c) => c.protocol === 'rfb')?.location ?? '');
  const seen = await look(`${pathname}?${searchParams}&session_id=${token}`);
  await untilShown(seen, new RegExp(`^${await call('host.get_hostname', host)} login:`, 'm'));
  seen.socket.destroy();
});

test('the pool may allow one at a time, and no sleepers', async () => {
  const [pool] = await call<string[]>('pool.get_all');
  const path = `/console?ref=${vm}&session_id=${token}`;
  await call('pool.set_limit_console_sessions', pool, true);
  const first = await look(path);
  expect((await dial(path)).head).toMatch(/^HTTP\/1\.1 503 /);
  first.socket.destroy();
  await eventually(async () => expect((await dial(path)).head).toMatch(/^HTTP\/1\.1 200 /));
  await call('pool.set_limit_console_sessions', pool, false);
  await call('pool.set_vm_console_idle_timeout', pool, 1);
  const sleeper = await look(path);
  const awake = await look(path);
  const typing = setInterval(() => awake.client.key(0xffe1), 50);
  const pressing = setInterval(() => awake.client.type('x'), 200);
  await untilClosed(sleeper.socket);
  expect(awake.socket.readableEnded || awake.socket.closed).toBe(false);
  for (const timer of [typing, pressing]) clearInterval(timer);
  await untilClosed(awake.socket);
  await call('pool.set_vm_console_idle_timeout', pool, 0);
});

test('a client that speaks another language is left', async () => {
  const { socket } = await dial(`/console?ref=${vm}&session_id=${token}`);
  socket.write('GET / HTTP/1.1\r\n\r\n');
  await untilClosed(socket);
});

test('a console ends with the session, and with the VM', async () => {
  const own = await login(world.url);
  const ownToken = await session('vm-admin');
  const leaving = await look(`/console?ref=${vm}&session_id=${ownToken}`);
  await fetch(`${world.url}/jsonrpc`, {
    method: 'POST',
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'session.logout', params: [ownToken] }),
  });
  await untilClosed(leaving.socket);

  const task = await own<string>('task.create', 'looking', '');
  const staying = await look(`/console?ref=${vm}&session_id=${token}&task_id=${task}`);
  await own('VM.hard_shutdown', vm);
  await untilClosed(staying.socket);
  await eventually(async () => expect(await own('task.get_status', task)).toBe('success'));
  expect((await dial(`/console?ref=${vm}&session_id=${token}`)).head).toMatch(/^HTTP\/1\.1 404 /);
  expect(await statusOf(fetch(`${world.url}/vncsnapshot?ref=${vm}&session_id=${token}`))).toBe(404);

  await own('VM.start', vm, false, false);
  const again = await look(`/console?ref=${vm}&session_id=${token}`);
  await untilShown(again, /login:/);
  expect(again.client.text().join('\n')).not.toContain('both of us');
  again.socket.destroy();
});

describe('two APIs', () => {
  const other = (): string => world.apis[1]?.url ?? '';

  test('show the same console, and what is typed through one is seen through the other', async () => {
    const guest = await newVm('common');
    const path = `/console?ref=${guest}&session_id=${token}`;
    const [left, right] = [await look(path), await look(path, {}, other())];
    for (const seen of [left, right]) await untilShown(seen, /^common login:/m);
    left.client.type('root\n');
    for (const seen of [left, right]) await untilShown(seen, /^Password:/m);
    right.client.type('secret\necho from the right\n');
    for (const seen of [left, right]) await untilShown(seen, /^from the right$/m);
    left.client.type('echo from the left\n');
    for (const seen of [left, right]) await untilShown(seen, /^from the left$/m);
    for (const { socket } of [left, right]) socket.destroy();
    const late = await look(path, {}, other());
    await untilShown(late, /^from the right\n.*\nfrom the left$/m);
    await call('VM.hard_shutdown', guest);
    await untilClosed(late.socket);
  });

  test('keep to the one client that the pool allows', async () => {
    const [pool] = await call<string[]>('pool.get_all');
    const guest = await newVm('single');
    const path = `/console?ref=${guest}&session_id=${token}`;
    await call('pool.set_limit_console_sessions', pool, true);
    const first = await look(path);
    expect((await dial(path, '', other())).head).toMatch(/^HTTP\/1\.1 503 /);
    first.socket.destroy();
    await eventually(async () => {
      const { head, socket } = await dial(path, '', other());
      socket.destroy();
      expect(head).toMatch(/^HTTP\/1\.1 200 /);
    });
    await call('pool.set_limit_console_sessions', pool, false);
    await call('VM.hard_shutdown', guest);
  });
});

test('what was typed is still on the screen after a suspend, and after a migration', async () => {
  const guest = await newVm('remembering');
  const path = `/console?ref=${guest}&session_id=${token}`;
  const before = await look(path);
  await untilShown(before, /login:/);
  before.client.type('root\nsecret\necho to be remembered\n');
  await untilShown(before, /^to be remembered$/m);
  await call('VM.suspend', guest);
  await untilClosed(before.socket);
  await call('VM.resume', guest, false, false);
  const resumed = await look(path);
  await untilShown(resumed, /^to be remembered$/m);
  const here = await call<string>('VM.get_resident_on', guest);
  const there = (await call<string[]>('host.get_all')).find((host) => host !== here);
  await call('VM.pool_migrate', guest, there, {});
  await untilClosed(resumed.socket);
  const moved = await look(path);
  await untilShown(moved, /^to be remembered$/m);
  moved.client.type('whoami\n');
  await untilShown(moved, /~# whoami\nroot\n/);
  moved.socket.destroy();
  await call('VM.hard_shutdown', guest);
});

test('the console of a host bears the name that the host has now', async () => {
  const [host] = await call<string[]>('host.get_all');
  const before = await call<string>('host.get_hostname', host);
  await call('host.set_hostname_live', host, 'renamed');
  const dom0 = await call<string>('host.get_control_domain', host);
  const seen = await look(`/console?ref=${dom0}&session_id=${token}`);
  await untilShown(seen, /renamed login:/);
  seen.socket.destroy();
  await call('host.set_hostname_live', host, before);
});

test('while the agent is away a console cannot be had, and one that is open ends', async () => {
  const alone = await startWorld({ hosts: 1 });
  const ask = await login(alone.url);
  const dom0 = await ask<string>('host.get_control_domain', (await ask<string[]>('host.get_all'))[0]);
  const session_id = await openSession((alone.apis[0] as RunningApi).plane, {
    user: 'root',
    root: true,
    originator: 'test',
    role: 'pool-admin',
    userRef: asRef('OpaqueRef:NULL'),
  });
  const path = `/console?ref=${dom0}&session_id=${session_id}`;
  const open = await dial(path, '', alone.url);
  expect(open.head).toMatch(/^HTTP\/1\.1 200 /);
  await alone.agent.stop();
  await untilClosed(open.socket);
  expect((await dial(path, '', alone.url)).head).toMatch(/^HTTP\/1\.1 500 /);
  await alone.stop();
});
