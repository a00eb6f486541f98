/** The answer of an HTTP handler that refuses instead of sending its document. */
import type { Duplex } from 'node:stream';
import type { XenError } from '@xenplane/model';

/** A refusal with a status of its own; the text is shown to the client. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    text: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(text);
    this.name = 'Refusal';
  }
}

const escaped = (text: string): string => text.replace(/[<>&"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** An error of the XenAPI as xapi shows it to browsers: its code and parameters in the text. */
export const shown = (error: XenError): string => `${error.code}: [ ${error.params.join('; ')} ]`;

export const page = (status: number, text: string): Buffer =>
  Buffer.from(
    `<html><body><h1>HTTP ${status} ${escaped(reasonOf(status))}</h1>${escaped(text)}</body></html>`,
  );

/** The words behind a status, as xapi has them. */
export const reasonOf = (status: number): string => reasons[status] ?? 'Error';
const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorised',
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Request Timeout',
  413: 'Request Entity Too Large',
  431: 'Request Header Fields Too Large',
  500: 'Internal Error',
  501: 'Method not implemented',
  503: 'Service Unavailable',
};

interface Refused {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}
/** The last answer on a connection. */
export function refused({ status, message, headers }: Refusal): Refused {
  const body = page(status, message);
  const own = {
    connection: 'close',
    'cache-control': 'no-cache, no-store',
    'content-type': 'text/html',
    'content-length': String(body.length),
  };
  return { headers: { ...own, ...headers }, body };
}
/** The same as bytes, for a connection without a response. */
export function refusedBytes(refusal: Refusal): Buffer {
  const { headers, body } = refused(refusal);
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([
    Buffer.from(`HTTP/1.1 ${refusal.status} ${reasonOf(refusal.status)}\r\n${head.join('')}\r\n`),
    body,
  ]);
}

const lingerMs = 1_000;
/** Further bytes are read and dropped for a moment: a client that is cut off while it sends sees the reset and not the answer. */
export function closeLater(socket: Duplex): void {
  const cut = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(cut));
}
