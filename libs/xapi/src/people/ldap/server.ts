/** The way to a directory: always encrypted, and only to the server that was named and can prove that it is. */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { DirectoryTrouble } from '../directory';

export interface Server {
  /** `ldaps:` is TLS from the first byte, `ldap:` turns to TLS before anything else is said. */
  readonly url: string;
  /** Certificates of those whom the pool trusts; without any, whom the system trusts. */
  readonly trusted: readonly string[];
}

const standardPorts: Readonly<Record<string, number>> = { 'ldap:': 389, 'ldaps:': 636 };

/** A socket on which all is encrypted; it is destroyed when the signal says so. */
export async function openServer({ url, trusted }: Server, signal: AbortSignal): Promise<TLSSocket> {
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const plain = connect({ host, port: Number(port) || standardPorts[protocol] || 0, signal });
  plain.on('error', () => undefined); // whoever waits hears of it
  try {
    await once(plain, 'connect');
    if (protocol === 'ldap:') await startTls(plain);
  } catch (error) {
    plain.destroy();
    const kind = /ENOTFOUND|EAI_AGAIN/.test(codeOf(error)) ? 'unknown' : 'unreachable';
    throw new DirectoryTrouble(
      kind,
      kind === 'unknown' ? `There is no host ${host}` : `${url} does not answer`,
      error,
    );
  }
  return encrypted(plain, host, trusted);
}
const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';

async function encrypted(plain: Socket, host: string, trusted: readonly string[]): Promise<TLSSocket> {
  const secure = connectTls({
    socket: plain,
    host,
    minVersion: 'TLSv1.2',
    ...(isIP(host) ? {} : { servername: host }),
    ...(trusted.length > 0 ? { ca: [...trusted] } : {}),
  });
  try {
    await once(secure, 'secureConnect');
    return secure.on('error', () => undefined);
  } catch (error) {
    plain.destroy();
    const kind = /CERT|ALTNAME|SIGNATURE|PURPOSE/.test(codeOf(error)) ? 'untrusted' : 'unreachable';
    throw new DirectoryTrouble(
      kind,
      kind === 'untrusted'
        ? `${host} cannot prove who it is: ${codeOf(error)}`
        : `${host} does not speak TLS`,
      error,
    );
  }
}

function once(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new Error('the connection was closed'));
    socket.once('error', reject).once('close', closed);
    socket.once(event, () => {
      socket.off('error', reject).off('close', closed);
      resolve();
    });
  });
}

/** The extended request of RFC 4511, 4.14, as its first message. */
const startTlsRequest = Buffer.concat([
  Buffer.from('301d02010177188016', 'hex'),
  Buffer.from('1.3.6.1.4.1.1466.20037'),
]);
/** Its answer: message 1, an extended response, success. */
const length = '(?:[0-7].|81..|82.{4}|83.{6}|84.{8})';
const startTlsGranted = new RegExp(`^30${length}02010178${length}0a0100`);
const longestAnswer = 1024;

/**
 * Not left to the library: what comes after the answer and before the handshake could be anybody's, and must not be taken
 * for a part of what is said in secret.
 */
async function startTls(socket: Socket): Promise<void> {
  socket.write(startTlsRequest);
  const answer = await wholeMessage(socket);
  if (!startTlsGranted.test(answer.toString('hex'))) throw new Error('TLS is refused');
}

function wholeMessage(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let got = Buffer.alloc(0);
    const failed = (): void => reject(new Error('no answer to the wish for TLS'));
    const take = (piece: Buffer): void => {
      got = Buffer.concat([got, piece]);
      const whole = lengthOf(got);
      if (got.length > longestAnswer || got.length > whole) return failed();
      if (got.length < whole) return;
      socket.off('data', take).off('close', failed).pause();
      resolve(got);
    };
    socket.on('data', take).once('close', failed);
  });
}
/** The length of the message that begins so; infinite while it is not known. Lengths above 127 come after the number of their bytes. */
function lengthOf(message: Buffer): number {
  const first = message[1] ?? NaN,
    more = first & 0x7f;
  if (first < 0x80) return 2 + first;
  return more < 1 || more > 4 || message.length < 2 + more
    ? Infinity
    : 2 + more + message.readUIntBE(2, more);
}
