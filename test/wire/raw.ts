/** Requests and answers as bytes: no client library stands between the test and the server. */
import net from 'node:net';
import type { World } from '../world';

export interface RawAnswer {
  readonly status: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** True when the server closed before the client did. */
  readonly closed: boolean;
}

const headOf = (text: string): { status: string; headers: Record<string, string> } => {
  const [status = '', ...lines] = text.split('\r\n');
  return {
    status,
    headers: Object.fromEntries(
      lines.map((l) => [l.slice(0, l.indexOf(':')).toLowerCase(), l.slice(l.indexOf(':') + 1).trim()]),
    ),
  };
};

interface Head {
  readonly status: string;
  readonly headers: Record<string, string>;
  /** Where the body begins. */
  readonly end: number;
}
function headIn(all: Buffer): Head | undefined {
  const end = all.indexOf('\r\n\r\n');
  return end < 0 ? undefined : { ...headOf(all.subarray(0, end).toString('latin1')), end: end + 4 };
}

/**
 * Sends the bytes and reads one answer. A server that says that it closes is given the time to;
 * of another, `watchMs` is how long is waited for whether it closes after all.
 */
export async function send(
  world: World,
  bytes: string | Buffer,
  { limitMs = 60_000, watchMs = 0 } = {},
): Promise<RawAnswer> {
  const socket = net.connect(Number(new URL(world.url).port), '127.0.0.1');
  const pieces: Buffer[] = [];
  let length = 0,
    closed = false;
  let head: Head | undefined;
  const isWhole = (): boolean => {
    head ??= headIn(pieces.length === 1 ? (pieces[0] ?? Buffer.alloc(0)) : Buffer.concat(pieces));
    if (closed || head === undefined || head.headers['connection'] === 'close') return closed;
    const said = head.headers['content-length'];
    return said !== undefined && length - head.end >= Number(said);
  };
  await new Promise<void>((resolve, reject) => {
    const limit = setTimeout(
      () => reject(new Error(`no whole answer: ${Buffer.concat(pieces).toString('latin1')}`)),
      limitMs,
    );
    const look = (): void => {
      if (!isWhole()) return;
      clearTimeout(limit);
      if (closed || watchMs === 0) resolve();
      else setTimeout(resolve, watchMs);
    };
    socket.on('data', (piece: Buffer) => {
      pieces.push(piece);
      length += piece.length;
      look();
    });
    socket.on('error', reject).on('end', () => {
      closed = true;
      look();
    });
    socket.write(bytes);
  });
  socket.destroy();
  if (!head) throw new Error('no answer');
  return {
    status: head.status,
    headers: head.headers,
    body: Buffer.concat(pieces).subarray(head.end).toString('utf8'),
    closed,
  };
}

export function request(
  method: string,
  path: string,
  body: string | Buffer = '',
  headers: readonly string[] = [],
  version = '1.1',
): Buffer {
  const lines = [
    `${method} ${path} HTTP/${version}`,
    'Host: any',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), Buffer.from(body)]);
}
export const post = (
  world: World,
  path: string,
  body: string | Buffer,
  headers: readonly string[] = [],
  version = '1.1',
): Promise<RawAnswer> => send(world, request('POST', path, body, headers, version));

export const xmlCall = (method: string, ...values: readonly string[]): string =>
  `<?xml version="1.0"?><methodCall><methodName>${method}</methodName><params>${values.map((v) => `<param><value>${v}</value></param>`).join('')}</params></methodCall>`;

/** One call of JSON-RPC 1.0, whose errors are the whole description. */
export async function description(
  world: World,
  method: string,
  ...params: readonly unknown[]
): Promise<unknown> {
  const { body } = await post(world, '/jsonrpc', JSON.stringify({ id: 1, method, params }));
  return (JSON.parse(body) as { error: unknown }).error;
}
export async function result<T>(world: World, method: string, ...params: readonly unknown[]): Promise<T> {
  const { body } = await post(world, '/jsonrpc', JSON.stringify({ id: 1, method, params }));
  const { result: value, error } = JSON.parse(body) as { result: T; error: unknown };
  if (error !== null) throw new Error(JSON.stringify(error));
  return value;
}
export const sessionOf = (world: World): Promise<string> =>
  result<string>(world, 'session.login_with_password', 'root', world.password);
