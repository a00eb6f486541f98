/** The body of a request, small and soon. */
import type { IncomingMessage } from 'node:http';

export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** A thousand renewals take about 250 kB. */
const limitBytes = 512 * 1024;

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes)
    throw new Refused(413, 'the body is too large');
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of request as AsyncIterable<Buffer>) {
      length += piece.length;
      if (length > limitBytes) break;
      pieces.push(piece);
    }
  } catch {
    throw new Refused(400, 'the body ended early');
  }
  if (length > limitBytes) throw new Refused(413, 'the body is too large');
  return Buffer.concat(pieces);
}
