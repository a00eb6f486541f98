/** Every HTTP handler for every role, over the wire, against the facts. */
import { readFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { asRef, handlers, roles, type HandlerFacts, type Role } from '@xenplane/model';
import { openSession } from '@xenplane/xapi';
import { startWorld, type World } from '../world';

const facts = JSON.parse(
  readFileSync(path.join(__dirname, '..', '..', 'libs', 'model', 'facts', 'roles.json'), 'utf8'),
) as {
  readonly http: Readonly<Record<string, string>>;
};
const order = ['local-root', ...roles];
function may(role: Role, fact: string): boolean {
  const [least = '', extra] = fact.split('+');
  return (
    (role === 'client-cert' && extra === 'client-cert') ||
    (order.indexOf(role) <= order.indexOf(least) && (role === 'local-root' || least !== 'local-root'))
  );
}

let world: World;
const tokens = new Map<Role, string>();
beforeAll(async () => {
  world = await startWorld({ hosts: 1, scheduler: false });
  const [api] = world.apis;
  for (const role of ['local-root', ...roles] as const)
    if (api)
      tokens.set(
        role,
        await openSession(api.plane, {
          user: role,
          root: role === 'local-root',
          role,
          originator: 'test',
          userRef: asRef('OpaqueRef:NULL'),
        }),
      );
});
afterAll(() => world?.stop());

/** Only the first line: what follows may be a stream without an end. */
function statusOf(method: string, target: string, headers: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(new URL(world.url).port), '127.0.0.1');
    let text = '';
    socket.on('data', (piece: Buffer) => {
      text += piece.toString('latin1');
      if (!text.includes('\r\n')) return;
      socket.destroy();
      resolve(text.split(' ')[1] ?? '');
    });
    socket.on('error', reject).on('end', () => reject(new Error(`no answer to ${method} ${target}`)));
    socket.write(
      [`${method} ${target} HTTP/1.1`, 'Host: any', 'Content-Length: 0', ...headers, '', ''].join('\r\n'),
    );
  });
}
const webSocket = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol: binary',
];
const closed = ['Connection: close'];

const guarded = Object.entries(handlers as Readonly<Record<string, HandlerFacts>>).filter(([, h]) => !h.open);

test('the facts name them all', () => {
  const named = Object.keys(handlers).map((name) => `http/${name}`);
  expect(named.sort()).toEqual(Object.keys(facts.http).sort());
  expect(guarded.length).toBeGreaterThan(40);
});

test.each(guarded)('%s', async (name, { method, path: target }) => {
  const fact = facts.http[`http/${name}`] ?? '';
  const headers = name === 'connect_console_ws' ? webSocket : closed;
  const anonymous = await statusOf(method, target, headers);
  const refused: string[] = [];
  for (const [role, token] of tokens) {
    const status = await statusOf(method, `${target}?session_id=${token}`, headers);
    if (status === '401' || (status === '403') === may(role, fact)) refused.push(`${role}: ${status}`);
  }
  expect([anonymous, refused]).toEqual(['401', []]);
});
