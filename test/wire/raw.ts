/** Requests and answers as bytes: no client library stands between the test and the server. */
import net from 'node:net';
import type { World } from '../world';

export interface RawAnswer {
  readonly status: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Whether the server closed before the client did. */
  readonly closed: boolean;
}

const headOf = (text: string): { status: string; headers: Record<string, string> } => {
  const [status = '', ...lines] = text.split('\r\n');
  return { status, headers: Object.fromEntries(lines.map((l) => [l.slice(0, l.indexOf(':')).toLowerCase(), l.slice(l.indexOf(':') + 1).trim()])) };
};

function answerIn(all: Buffer, closed: boolean): RawAnswer | undefined {
  const end = all.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const { status, headers } = headOf(all.subarray(0, end).toString('latin1'));
  const body = all.subarray(end + 4);
  const length = headers['content-length'];
  const whole = length === undefined ? closed : body.length >= Number(length);
  return whole || closed ? { status, headers, body: body.toString('utf8'), closed } : undefined;
}

/** Sends the bytes and reads one answer; then waits a moment for whether the server closes. */
export async function send(world: World, bytes: string | Buffer, limitMs = 10_000): Promise<RawAnswer> {
  const socket = net.connect(Number(new URL(world.url).port), '127.0.0.1');
  let all = Buffer.alloc(0);
  let closed = false;
  await new Promise<void>((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`no whole answer: ${all.toString('latin1')}`)), limitMs);
    const look = (): void => {
      const answer = answerIn(all, closed);
      // A server that says that it closes is given the time to.
      if (!answer || (!closed && answer.headers['connection'] === 'close')) return;
      clearTimeout(limit);
      setTimeout(resolve, closed ? 0 : 60);
    };
    socket.on('data', (piece) => {
      all = Buffer.concat([all, typeof piece === 'string' ? Buffer.from(piece) : piece]);
      look();
    });
    socket.on('error', reject).on('end', () => {
      closed = true;
      look();
    });
    socket.write(bytes);
  });
  socket.destroy();
  const answer = answerIn(all, closed);
  if (!answer) throw new Error('no answer');
  return answer;
}

export function request(method: string, path: string, body: string | Buffer = '', headers: readonly string[] = [], version = '1.1'): Buffer {
  const lines = [`${method} ${path} HTTP/${version}`, 'Host: any', `Content-Length: ${Buffer.byteLength(body)}`, ...headers];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), Buffer.from(body)]);
}
export const post = (world: World, path: string, body: string | Buffer, headers: readonly string[] = [], version = '1.1'): Promise<RawAnswer> =>
  send(world, request('POST', path, body, headers, version));

export const xmlCall = (method: string, ...values: readonly string[]): string =>
  `<?xml version="1.0"?><methodCall><methodName>${method}</methodName><params>${values.map((v) => `<param><value>${v}</value></param>`).join('')}</params></methodCall>`;

/** One call of JSON-RPC 1.0, whose errors are the whole description. */
export async function description(world: World, method: string, ...params: readonly unknown[]): Promise<unknown> {
  const { body } = await post(world, '/jsonrpc', JSON.stringify({ id: 1, method, params }));
  return (JSON.parse(body) as { error: unknown }).error;
}
export async function result<T>(world: World, method: string, ...params: readonly unknown[]): Promise<T> {
  const { body } = await post(world, '/jsonrpc', JSON.stringify({ id: 1, method, params }));
  const { result: value, error } = JSON.parse(body) as { result: T; error: unknown };
  if (error !== null) throw new Error(JSON.stringify(error));
  return value;
}
export const sessionOf = (world: World): Promise<string> => result<string>(world, 'session.login_with_password', 'root', world.password);
