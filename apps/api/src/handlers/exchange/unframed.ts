/**
 * Uploads that give no length: their body lasts until the connection ends, as HTTP/1.0 has it and as xapi takes it of any version.
 * Node's parser takes such a request for one without a body and what follows for another request; it is set to leave the
 * connection after the head instead, as for a change of protocols.
 */
import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { closeLater } from './refusal';

/** `upgrade`: whether the connection is left by this protocol. */
type Incoming = IncomingMessage & { upgrade?: boolean };
type Take = (request: Incoming, keepAlive: boolean) => number | undefined;
/** The part of a connection of Node's HTTP server that this hooks into: its parser hands over each head and takes what is to follow it. */
interface Parsed extends Socket {
  readonly parser?: { onIncoming?: Take } | null;
}
/** A state in which the parser expects nothing more of this protocol. */
const leaves = 2;

const unframed = new WeakSet<IncomingMessage>();
/** True if the body of a request lasts until the connection ends. */
export const isUnframed = (request: IncomingMessage): boolean => unframed.has(request);

const hasFrame = ({ headers }: IncomingMessage): boolean =>
  headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;

/** To be called for each connection of a server, once the server itself has taken it. */
export function watchUploads(socket: Parsed): void {
  const { parser } = socket;
  const take = parser?.onIncoming;
  if (!parser || !take) return;
  parser.onIncoming = (request, keepAlive) => {
    if (request.method !== 'PUT' || hasFrame(request)) return take(request, keepAlive);
    unframed.add(request);
    request.upgrade = true;
    return leaves;
  };
}

/** The head again, with a body that comes as the connection is read. */
class FollowedRequest extends IncomingMessage {
  constructor(head: IncomingMessage, socket: Socket) {
    super(socket);
    const { method, url, httpVersion, httpVersionMajor, httpVersionMinor, rawHeaders, headers } = head;
    Object.assign(this, {
      method,
      url,
      httpVersion,
      httpVersionMajor,
      httpVersionMinor,
      rawHeaders,
      headers,
    });
  }
  override _read(): void {
    this.socket.resume();
  }
}

export function followBody(
  head: IncomingMessage,
  socket: Socket,
  begun: Buffer,
): { readonly request: IncomingMessage; readonly response: ServerResponse } {
  const request = new FollowedRequest(head, socket);
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => {
    socket.end();
    // The rest of a refused body may still come.
    request.resume();
    closeLater(socket);
  });
  const end = (): void => {
    request.complete = true;
    request.push(null);
  };
  socket.on('error', () => socket.destroy());
  socket.once('end', end).once('close', () => {
    if (!request.complete) request.destroy();
  });
  socket.on('data', (bytes: Buffer) => {
    if (!request.push(bytes)) socket.pause();
  });
  if (begun.length > 0) request.push(begun);
  return { request, response };
}
