/** Section 3.2 of the protocol notes and the transcript of the real xe: frames as bytes over a bare socket. */
import net from 'node:net';
import { eventually, startWorld, type World } from '../world';
import { result, sessionOf } from './raw';

let world: World;
beforeAll(async () => {
  world = await startWorld({ hosts: 1, scheduler: false });
});
afterAll(() => world?.stop());

const greeting = Buffer.concat([Buffer.from('XenSource thin CLI protocol'), Buffer.from([0, 0, 0, 0, 2, 0, 0, 0])]);
const int = (n: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(n);
  return bytes;
};
const text = (s: string): Buffer => Buffer.concat([int(Buffer.byteLength(s)), Buffer.from(s)]);
const frame = (...parts: readonly Buffer[]): Buffer => Buffer.concat([int(Buffer.concat(parts).length), ...parts]);
const print = (s: string): Buffer => frame(int(9), int(0), text(s));
const printError = (s: string): Buffer => frame(int(9), int(16), text(s));
const usage = printError("For usage run: 'xe help'\n");
const exit = (code: number): Buffer => frame(int(9), int(4), int(code));

/** All that the server sends behind its greeting, until it closes. */
async function said(words: readonly string[], end = ''): Promise<Buffer> {
  const socket = net.connect(Number(new URL(world.url).port), '127.0.0.1');
  let all = Buffer.alloc(0);
  let closed = false;
  socket.on('data', (piece) => (all = Buffer.concat([all, typeof piece === 'string' ? Buffer.from(piece) : piece]))).on('close', () => (closed = true));
  const body = words.join(`${end}\n`);
  socket.write(`POST /cli HTTP/1.0\r\nUser-agent: xe-cli/Unix/0.2\r\noriginator: cli\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  await eventually(async () => expect(all.length).toBeGreaterThanOrEqual(greeting.length));
  expect(all.subarray(0, greeting.length)).toEqual(greeting);
  socket.write(greeting);
  await eventually(async () => expect(closed).toBe(true));
  return all.subarray(greeting.length);
}
const root = (): string[] => ['username=root', `password=${world.password}`];

test.each<[string, string[], () => Buffer[]]>([
  ['an unknown command', ['bogus'], () => [printError('Unknown command: bogus\n'), usage, exit(1)]],
  ['a parameter that is missing', ['vm-param-get', 'uuid=x'], () => [printError('Required parameter not found: param-name\n'), usage, exit(1)]],
  ['a command on nothing', ['vm-start', 'vm=nobody'], () => [printError('Error: No matching VMs found\n'), exit(1)]],
  ['an unknown field', ['vm-list', 'nonsense=1'], () => [printError("Error: Unknown field 'nonsense'\n"), exit(1)]],
])('%s, byte for byte', async (_claim, words, frames) => {
  expect(Buffer.concat([await said([...words, ...root()])]).toString('latin1')).toBe(Buffer.concat(frames()).toString('latin1'));
});

test('a short list is one print of one line, then the exit', async () => {
  const session = await sessionOf(world);
  const [pool] = await result<string[]>(world, 'pool.get_all', session);
  const uuid = await result<string>(world, 'pool.get_uuid', session, pool);
  expect(await said(['pool-list', '--minimal', ...root()])).toEqual(Buffer.concat([print(uuid), exit(0)]));
  expect(await said(['pool-list', '--minimal', ...root()], '\r')).toEqual(Buffer.concat([print(uuid), exit(0)]));
  expect(await said([`session_id=${session}`, 'pool-list', '--minimal'], '\r')).toEqual(Buffer.concat([print(uuid), exit(0)]));
});

test('a record is one print that ends with an empty line of its own', async () => {
  const session = await sessionOf(world);
  const [host] = await result<string[]>(world, 'host.get_all', session);
  const uuid = await result<string>(world, 'host.get_uuid', session, host);
  expect(await said(['host-list', 'params=uuid,enabled', ...root()])).toEqual(
    Buffer.concat([print(`uuid ( RO)       : ${uuid}\n    enabled ( RO): true\n\n`), exit(0)]),
  );
});
