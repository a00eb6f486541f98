/** Consoles at the agent's own port: who asks is looked at first, and nobody holds or ends the agent by one. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { connect, type Socket } from 'node:net';
import { consoleProtocol, historyHead } from '@xenplane/hypervisor';
import { eventually, login, startWorld, untilGuestSpeaks, type Call, type World } from '../world';

let world: World;
let call: Call;
let host: string, vm: string, key: string;

beforeAll(async () => {
  world = await startWorld({ hosts: 1 });
  call = await login(world.url);
  const [template] = await call<string[]>('VM.get_by_name_label', 'Debian Bookworm 12');
  const ref = await call<string>('VM.clone', template, 'shown');
  await call('VM.provision', ref);
  await call('VM.start', ref, false, false);
  await untilGuestSpeaks(call, ref);
  vm = await call('VM.get_uuid', ref);
  const [row] =
    (await world.apis[0]?.plane.store.query<{ uuid: string; command_key: string }>(
      'SELECT uuid, command_key FROM host_run',
    )) ?? [];
  [host, key] = [row?.uuid ?? '', row?.command_key ?? ''];
});
afterAll(() => world?.stop());
/** Whatever came before. */
afterEach(async () => expect((await fetch(`${world.agent.url}/health/live`)).status).toBe(200));

interface Asking {
  readonly target?: string;
  readonly authorization?: string;
  readonly upgrade?: string;
  readonly method?: string;
}
interface Answered {
  readonly socket: Socket;
  text(): string;
}
async function ask({
  target = `/hosts/${host}/vms/${vm}/console`,
  authorization = `Bearer ${key}`,
  upgrade = consoleProtocol,
  method = 'GET',
}: Asking = {}): Promise<Answered> {
  const socket = connect(Number(new URL(world.agent.url).port), '127.0.0.1').on('error', () => undefined);
  let all = '';
  socket.on('data', (piece) => (all += piece.toString('latin1')));
  socket.write(
    `${method} ${target} HTTP/1.1\r\nHost: any\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\nAuthorization: ${authorization}\r\n\r\n`,
  );
  await eventually(async () => expect(all.includes('\r\n\r\n') || socket.closed).toBe(true));
  return { socket, text: () => all };
}
const nobody = '00000000-0000-4000-8000-000000000001';

test.each<[string, () => Asking, number]>([
  ['without the key of the host', () => ({ authorization: 'Bearer none' }), 403],
  ['of a host that is not here', () => ({ target: `/hosts/${nobody}/vms/${vm}/console` }), 403],
  ['of something else, by a stranger', () => ({ target: '/hosts', authorization: '' }), 403],
  ['of a guest that is not here', () => ({ target: `/hosts/${host}/vms/${nobody}/console` }), 404],
  ['of what is no name', () => ({ target: `/hosts/${host}/vms/..%2f..%2fetc/console` }), 400],
  ['by another protocol', () => ({ upgrade: 'websocket' }), 400],
  ['by another method', () => ({ method: 'PUT' }), 400],
  ['of the host, which is not named', () => ({ target: `/hosts/${host}/console` }), 400],
  ['of the host, named by no JSON', () => ({ target: `/hosts/${host}/console?names=%7B` }), 400],
  ['of the host, named by a list', () => ({ target: `/hosts/${host}/console?names=%5B%5D` }), 400],
  ['by a target that cannot be read', () => ({ target: '/hosts/%ff/console' }), 400],
])('a console %s is refused and its connection closed', async (_what, asking, status) => {
  const { socket, text } = await ask(asking());
  expect(text()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  await eventually(async () => expect(socket.closed || socket.readableEnded).toBe(true));
  socket.destroy();
});

test('it begins with what was written before, and says how much that is; then keys are answered', async () => {
  const { socket, text } = await ask();
  expect(text()).toMatch(/^HTTP\/1\.1 101 /);
  const length = Number(new RegExp(`${historyHead}: (\\d+)`).exec(text())?.[1]);
  const body = (): string => text().slice(text().indexOf('\r\n\r\n') + 4);
  await eventually(async () => expect(body().length).toBeGreaterThanOrEqual(length));
  expect(body().slice(0, length)).toMatch(/login: $/);
  socket.write('root\r');
  await eventually(async () => expect(body()).toMatch(/Password: $/));
  socket.write('pw\r');
  await eventually(async () => expect(body()).toMatch(/~# $/));
  socket.destroy();
});

test('one that wants to be alone is refused while another is there, and has it when that one left', async () => {
  const first = await ask();
  const target = `/hosts/${host}/vms/${vm}/console?alone=true`;
  expect((await ask({ target })).text()).toMatch(/^HTTP\/1\.1 409 /);
  first.socket.destroy();
  await eventually(async () => {
    const { socket, text } = await ask({ target });
    socket.destroy();
    expect(text()).toMatch(/^HTTP\/1\.1 101 /);
  });
});

test('a guest has so many consoles and no more; those that leave make room', async () => {
  const open = [];
  let last = await ask();
  for (; last.text().startsWith('HTTP/1.1 101'); last = await ask()) open.push(last);
  expect(last.text()).toMatch(/^HTTP\/1\.1 503 /);
  expect(open.length).toBeGreaterThanOrEqual(60);
  for (const { socket } of open) socket.destroy();
  await eventually(async () => {
    const { socket, text } = await ask();
    socket.destroy();
    expect(text()).toMatch(/^HTTP\/1\.1 101 /);
  });
});

test('megabytes of keys whose echo nobody reads neither stop the agent nor other consoles', async () => {
  const flood = await ask();
  flood.socket.pause();
  const line = Buffer.from(`${'help\r'.repeat(13_000)}`);
  for (let i = 0; i < 60; i += 1) flood.socket.write(line);
  // The agent is in this process: how much it computes between two turns of the event loop is independent of how busy the machine is.
  let longest = 0;
  for (let turn = 0; turn < 2_000 && !flood.socket.closed; turn += 1) {
    const before = process.cpuUsage();
    await nextTurn();
    const { user, system } = process.cpuUsage(before);
    longest = Math.max(longest, (user + system) / 1000);
  }
  expect(longest).toBeLessThan(500);
  const other = await ask();
  expect(other.text()).toMatch(/^HTTP\/1\.1 101 /);
  for (const { socket } of [flood, other]) socket.destroy();
});

test('a console ends with its guest', async () => {
  const { socket } = await ask();
  const ref = await call<string>('VM.get_by_uuid', vm);
  await call('VM.hard_shutdown', ref);
  await eventually(async () => expect(socket.closed || socket.readableEnded).toBe(true));
  expect((await ask()).text()).toMatch(/^HTTP\/1\.1 404 /);
});
