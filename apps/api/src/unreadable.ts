/** Requests whose head cannot be read never become requests: they are answered on the bare connection, in the form of the interface. */
import type { Duplex } from 'node:stream';
import { Refusal, refusedBytes } from './handlers/exchange/refusal';

const refusals: Readonly<Record<string, Refusal>> = {
  ERR_HTTP_REQUEST_TIMEOUT: new Refusal(408, 'The head of the request did not come in time'),
  HPE_HEADER_OVERFLOW: new Refusal(431, 'The head of the request is too large'),
  HPE_INVALID_URL: new Refusal(400, 'The target of the request could not be read'),
  HPE_INVALID_METHOD: new Refusal(501, 'There is no such method'),
};
/** A request with two lengths may be two requests to two readers. */
const unclear = new Refusal(400, 'The length of the request is unclear');
const unreadable = new Refusal(500, 'The head of the request could not be read');

const refusalOf = (code: string): Refusal =>
  refusals[code] ?? (/LENGTH|TRANSFER_ENCODING/.test(code) ? unclear : unreadable);

/** Replaces the answers of the framework and of Node; a listener of `clientError`. */
export function answerUnreadable(error: Error & { readonly code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  socket.end(refusedBytes(refusalOf(error.code ?? '')), () => socket.destroy());
}
