/** The client's side of the thin protocol, byte for byte as the real xe behaves: it follows the server's commands and does nothing else. */
import net from 'node:net';
import tls from 'node:tls';
import {
  decodeThin,
  encodeThinAnswer,
  greetingLength,
  isThinGreeting,
  thinGreeting,
  thinLength,
  type ThinCommand,
} from '@xenplane/wire';

export interface ThinUser {
  readonly port: number;
  readonly host?: string;
  /** Over TLS, without a look at the certificate, as the real xe. */
  readonly tls?: boolean;
  /** A unix socket instead of the port. */
  readonly path?: string;
  readonly username?: string;
  readonly password: string;
  /** The user's input when asked. */
  readonly types?: string;
  /** The user's files; what is fetched is put here. */
  readonly files?: Map<string, Buffer>;
}
export interface ThinRun {
  readonly code: number;
  readonly out: string;
  readonly error: string;
  /** Every command that the server sent. */
  readonly commands: readonly ThinCommand[];
}

/** Bytes in the order in which they come. */
class Stream {
  private held = Buffer.alloc(0);
  private over = false;
  private wake: () => void = () => undefined;
  constructor(readonly socket: net.Socket) {
    const ended = (): void => {
      this.over = true;
      this.wake();
    };
    socket.on('data', (piece) => {
      this.held = Buffer.concat([this.held, typeof piece === 'string' ? Buffer.from(piece) : piece]);
      this.wake();
    });
    socket.on('close', ended).on('error', ended).on('end', ended);
  }
  async take(count: number): Promise<Buffer> {
    while (this.held.length < count) {
      if (this.over)
        throw new Error(
          `the server closed with ${this.held.length} bytes of ${count}: ${this.held.toString('latin1')}`,
        );
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    const taken = this.held.subarray(0, count);
    this.held = this.held.subarray(count);
    return taken;
  }
  async rest(): Promise<Buffer> {
    while (!this.over) await new Promise<void>((resolve) => (this.wake = resolve));
    return this.held;
  }
  async head(): Promise<string> {
    let text = '';
    while (!text.endsWith('\r\n\r\n')) text += (await this.take(1)).toString('latin1');
    return text;
  }
}

function connectionOf({ port, host = '127.0.0.1', tls: secure = false, path }: ThinUser): net.Socket {
  if (path !== undefined) return net.connect(path);
  return secure ? tls.connect({ port, host, rejectUnauthorized: false }) : net.connect(port, host);
}

async function dial(user: ThinUser): Promise<Stream> {
  const socket = connectionOf(user);
  await new Promise<void>((resolve, reject) =>
    socket
      .once(user.tls && user.path === undefined ? 'secureConnect' : 'connect', resolve)
      .once('error', reject),
  );
  return new Stream(socket);
}
/** A body that is sent only after the server has said yes, and one that ends with the connection. */
async function side(
  user: ThinUser,
  method: 'GET' | 'PUT',
  url: string,
  body: Buffer | undefined,
): Promise<Buffer | undefined> {
  const stream = await dial(user);
  stream.socket.write(`${method} ${url} HTTP/1.0\r\n${body ? `Content-length: ${body.length}\r\n` : ''}\r\n`);
  const status = Number((await stream.head()).split(' ')[1]);
  if (status === 200 && body) stream.socket.write(body);
  const content = await stream.rest();
  stream.socket.destroy();
  return status === 200 ? content : undefined;
}

const answer = (stream: Stream, good: boolean): void =>
  void stream.socket.write(encodeThinAnswer({ kind: good ? 'ok' : 'failed' }));
function sendBlob(stream: Stream, bytes: Buffer): void {
  stream.socket.write(encodeThinAnswer({ kind: 'chunk', size: bytes.length }));
  stream.socket.write(bytes);
  stream.socket.write(encodeThinAnswer({ kind: 'end' }));
}
async function obey(command: ThinCommand, stream: Stream, user: ThinUser): Promise<void> {
  const files = user.files ?? new Map<string, Buffer>();
  if (command.kind === 'prompt') sendBlob(stream, Buffer.from(user.types ?? ''));
  if (command.kind === 'load') {
    const content = files.get(command.file);
    answer(stream, content !== undefined);
    if (content) sendBlob(stream, content);
  }
  if (command.kind === 'httpGet') {
    const content = await side(user, 'GET', command.url, undefined);
    // A heartbeat, as after a long transfer.
    stream.socket.write(encodeThinAnswer({ kind: 'wait' }));
    if (content) files.set(command.file, content);
    answer(stream, content !== undefined);
  }
  if (command.kind === 'httpPut')
    answer(
      stream,
      (await side(user, 'PUT', command.url, files.get(command.file) ?? Buffer.alloc(0))) !== undefined,
    );
  if (command.kind === 'httpConnect') answer(stream, false);
}

/** The request of the real client: no Host, no Connection, no Authorization. */
export const requestOf = (body: string): string =>
  `POST /cli HTTP/1.0\r\nUser-agent: xe-cli/Unix/0.2\r\noriginator: cli\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

export async function thinXe(user: ThinUser, ...words: readonly string[]): Promise<ThinRun> {
  return thinBody(
    user,
    [...words, `username=${user.username ?? 'root'}`, `password=${user.password}`].join('\n'),
  );
}
export async function thinBody(user: ThinUser, body: string): Promise<ThinRun> {
  const stream = await dial(user);
  stream.socket.write(requestOf(body));
  if (!isThinGreeting(await stream.take(greetingLength)))
    throw new Error('this is no server of the thin protocol');
  stream.socket.write(thinGreeting());
  const commands: ThinCommand[] = [];
  let out = '',
    error = '';
  for (;;) {
    const command = decodeThin(await stream.take(thinLength(await stream.take(4))));
    commands.push(command);
    if (command.kind === 'print') out += `${command.text}\n`;
    if (command.kind === 'printError') error += command.text;
    if (command.kind === 'error')
      error += `Error code: ${command.code}\nError parameters: ${command.params.join(', ')}\n`;
    if (command.kind === 'exit') {
      stream.socket.destroy();
      return { code: command.code, out, error, commands };
    }
    await obey(command, stream, user);
  }
}
