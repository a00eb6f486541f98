/** Which host a request was made to: by the address that it came to, else by the name that it was sent to. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Ref } from '@xenplane/model';
import type { Plane } from '@xenplane/xapi';

const nameOf = (header: string | undefined): string =>
  (header ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');

/** Undefined for a request to no host in particular. */
export function addressedHost(
  { addresses }: Plane,
  { socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>,
): Ref<'host'> | undefined {
  return (
    addresses.at(socket.localAddress) ??
    addresses.at(nameOf(headers.host)) ??
    addresses.at(serverName(socket))
  );
}
/** The name by which a client of TLS asks for the server. */
const serverName = (socket: Socket): string | undefined =>
  socket instanceof TLSSocket && typeof socket.servername === 'string' ? socket.servername : undefined;
