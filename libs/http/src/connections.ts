/** Bounds the connections of a server that do nothing: those that have not sent a head yet, and those between two requests. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Crowd, type CrowdLimits } from './crowd';

/** Connections that have not sent a whole head yet: of one address half of all, the oldest goes first. */
export const halfOpenLimits = (inAll: number): CrowdLimits => ({ ofAddress: Math.ceil(inAll / 2), inAll });
/** Connections that rest between two requests. */
export const idleLimits: CrowdLimits = { ofAddress: 5_000, inAll: 10_000 };
/** Of a server that only programs of ours speak to. */
const ordinary = 2_000;

/**
 * Servers that share their half-open connections share the crowd. One that takes upgrades or CONNECT lets those connections
 * leave it itself: Node hands them over to whoever listens for them, and refuses them where nobody does.
 */
export function boundConnections<S extends Server>(
  server: S,
  halfOpen = new Crowd(halfOpenLimits(ordinary)),
): S {
  const idle = new Crowd(idleLimits);
  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    halfOpen.leave(socket);
    idle.leave(socket);
    response.once('close', () => idle.enter(socket));
  });
  server.on('connection', (socket: Socket) => halfOpen.enter(socket));
  return server;
}
