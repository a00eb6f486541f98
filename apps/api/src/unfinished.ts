/** Calls whose bodies have stopped coming. Uploads, which may rest, are no business of this. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Within twice this time 408 tells the client, and the connection goes. */
const restMs = 10_000;

interface Begun {
  readonly response: ServerResponse;
  read: number;
}

export class Unfinished {
  private readonly begun = new Map<IncomingMessage, Begun>();
  private readonly timer = setInterval(() => this.look(), restMs).unref();

  watch(request: IncomingMessage, response: ServerResponse): void {
    if (request.headers['content-type'] === 'application/octet-stream') return;
    this.begun.set(request, { response, read: -1 });
    const over = (): void => void this.begun.delete(request);
    request.once('end', over).once('close', over);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    for (const [request, begun] of this.begun) {
      const { bytesRead } = request.socket;
      if (bytesRead === begun.read) giveUp(request, begun.response);
      begun.read = bytesRead;
    }
  }
}

function giveUp(request: IncomingMessage, response: ServerResponse): void {
  if (!response.headersSent) response.writeHead(408, { connection: 'close' }).end();
  request.socket.destroySoon();
}
