/**
 * Clients that offer HTTP/2 or TLS with their first request (`Upgrade: h2c`) want an ordinary answer when the server does not
 * take the offer. A Node server that listens for upgrades gets all of them: those are given back to it without the offer.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

export const isWebSocket = ({ headers }: IncomingMessage): boolean =>
  headers.upgrade?.toLowerCase() === 'websocket';

const ofOffer = new Set(['upgrade', 'http2-settings']);
const isOffer = (name: string): boolean => ofOffer.has(name.trim().toLowerCase());

/** The head of the request as it was sent, but for the offer. */
function headWithout({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const [name = '', value = ''] = [rawHeaders[i], rawHeaders[i + 1]];
    if (isOffer(name)) continue;
    const kept =
      name.toLowerCase() === 'connection' ? value.split(',').filter((token) => !isOffer(token)) : [value];
    if (kept.length > 0) lines.push(`${name}: ${kept.join(',').trim()}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** The connection begins anew, with the same request first. */
export function refuseUpgrade(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.unshift(Buffer.concat([headWithout(request), head]));
  server.emit('connection', socket);
}
