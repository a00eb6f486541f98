/** Exceptions that escape from the handling of one connection or request: they end that connection, and never the process. */
import type { EventEmitter } from 'node:events';
import { ServerResponse } from 'node:http';
import { Duplex } from 'node:stream';

/** Events of a server that say something of one connection. Others, such as `error`, are about the server itself. */
const ofConnections = new Set<string | symbol>([
  'connection',
  'secureConnection',
  'request',
  'upgrade',
  'connect',
  'clientError',
  'tlsClientError',
  'checkContinue',
  'checkExpectation',
]);

export type Escaped = (error: unknown) => void;

/** Ends what the arguments of an event speak of: a response that has not begun says 500 first. */
function cut(args: readonly unknown[]): void {
  for (const one of args) {
    if (one instanceof ServerResponse) {
      if (one.headersSent) one.destroy();
      else one.writeHead(500, { connection: 'close', 'content-length': '0' }).end();
    }
  }
  if (args.some((one) => one instanceof ServerResponse)) return;
  for (const one of args) if (one instanceof Duplex) one.destroy();
}

/** An exception of a listener of the server is passed to `escaped`, and the connection that it was about is ended. */
export function contain<S extends EventEmitter>(server: S, escaped: Escaped): S {
  const emit = server.emit.bind(server);
  const contained = (event: string | symbol, ...args: unknown[]): boolean => {
    if (!ofConnections.has(event)) return emit(event, ...args);
    try {
      return emit(event, ...args);
    } catch (error) {
      escaped(error);
      cut(args);
      return true;
    }
  };
  return Object.assign(server, { emit: contained });
}

/** An error of a stream that nobody listens to would end the process; the connection's end is all that it means here. */
export function quiet(...streams: readonly EventEmitter[]): void {
  for (const stream of streams) stream.on('error', () => undefined);
}
