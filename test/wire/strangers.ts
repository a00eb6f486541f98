/** The input of strangers: listed inputs and random ones, repeatable by their seed, as bytes over a bare connection. */
import net from 'node:net';
import tls from 'node:tls';

export type Way = { readonly port: number; readonly tls?: true } | { readonly path: string };

export function open(way: Way): net.Socket {
  if ('path' in way) return net.connect(way.path);
  return way.tls
    ? tls.connect({ port: way.port, host: '127.0.0.1', rejectUnauthorized: false })
    : net.connect(way.port, '127.0.0.1');
}

/** Sends the bytes and answers what came back until the server closed, or until it was silent for a moment after it had spoken. */
export function exchangeBytes(
  way: Way,
  bytes: string | Buffer,
  { quietMs = 100, silentMs = 5_000 } = {},
): Promise<string> {
  return new Promise((resolve) => {
    const socket = open(way);
    let all = '';
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(all);
    };
    let timer = setTimeout(done, silentMs);
    socket.on('data', (piece) => {
      all += piece.toString('latin1');
      clearTimeout(timer);
      timer = setTimeout(done, quietMs);
    });
    socket.on('error', done).on('close', done);
    const write = (): void => void socket.write(bytes);
    if ('tls' in way) socket.once('secureConnect', write);
    else write();
  });
}

/** Numbers in [0, 1), the same for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Targets that name no path, or one in an unusual form. */
export const oddTargets = [
  ...[
    '//',
    '///',
    '//a:b/',
    'http://[',
    'http://a:b/',
    '//[',
    '/\\',
    '\\\\',
    '/%',
    '/%zz',
    '/%E0%A4%A',
    '/%00',
    '/..//..',
    '/%2e%2e//',
    '*',
    '?',
    '#',
    '/?%E0%A4%A',
  ],
  ...[
    '/export?session_id=%E0%A4%A',
    '//export',
    '/export//',
    '//jsonrpc',
    '/images/..%2f..',
    '/hosts/..%2fx/vms/%00',
    'host:1',
    ':',
    '/:',
    '/@',
    'http://',
    'x://y',
  ],
  ...[
    '/agent/v1/invitations/%ff',
    '/layers/%c0%ae',
    `/${'a'.repeat(4000)}`,
    `/${'%41'.repeat(1000)}`,
    '/console',
    '/cli',
    '/\u00ff\u00fe',
  ],
];
const methods = ['GET', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'HEAD', 'PATCH', 'TRACE', 'BREW'];
const heads = [
  ...[
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Upgrade: h2c',
    'Expect: 100-continue',
    'Expect: x',
    'Transfer-Encoding: chunked',
    'Content-Length: 3',
  ],
  ...[
    'Cookie: session_id=%E0%A4%A',
    'Cookie: session_id=%;task_id=%%',
    'Authorization: Basic %%%',
    'Authorization: Basic Og==',
    'Authorization: Session',
    'Host: [',
  ],
  ...[
    'Content-Type: application/json',
    'Content-Type: ;;;',
    'Content-Type: application/octet-stream',
    'Range: bytes=9-1',
    'Sec-WebSocket-Key: x',
    'task-id: \u0001',
  ],
];
const bodies = [
  '',
  'abc',
  '{',
  'null',
  '[]',
  '{"joins":null}',
  '<?xml',
  '0\r\n\r\n',
  'ffffffff\r\n',
  'XenSource thin CLI protocol',
  '\0\0\0\0',
];

/** One request that is nearly one. */
export function oddRequest(random: () => number): Buffer {
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  if (random() < 0.1)
    return Buffer.from(Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256)));
  const some = heads.filter(() => random() < 0.15);
  const text = `${one(methods)} ${one(oddTargets)} HTTP/${one(['1.1', '1.1', '1.1', '1.0', '2.0'])}\r\n${some.map((h) => `${h}\r\n`).join('')}\r\n${one(bodies)}`;
  const bytes = Buffer.from(text, 'latin1');
  return random() < 0.2 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes;
}
/** Frames of NBD that are nearly some. */
export function oddNbd(random: () => number): Buffer {
  const word = Buffer.alloc(4);
  word.writeUInt32BE(random() < 0.8 ? Math.floor(random() * 4) : Math.floor(random() * 2 ** 32));
  const option = Buffer.alloc(16);
  option.write('IHAVEOPT', 0, 'latin1');
  option.writeUInt32BE(Math.floor(random() * 10), 8);
  option.writeUInt32BE(random() < 0.7 ? Math.floor(random() * 40) : Math.floor(random() * 2 ** 32), 12);
  const data = Buffer.from(
    Array.from({ length: Math.floor(random() * 60) }, () => Math.floor(random() * 256)),
  );
  return Buffer.concat([word, option, data]);
}
