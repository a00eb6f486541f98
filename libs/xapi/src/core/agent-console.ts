/** Opens consoles at agents: a connection that is upgraded to the bytes of a terminal. */
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { consoleProtocol, historyHead, mostHistoryBytes } from '@xenplane/hypervisor';

export interface AgentConsole {
  readonly socket: Duplex;
  /** What it had written before, and maybe the first of what it has written since. */
  readonly written: Buffer;
}
/** The agent opens none: a status of HTTP. */
export class ConsoleRefused extends Error {
  constructor(readonly status: number) {
    super(`the agent answered ${status}`);
    this.name = 'ConsoleRefused';
  }
}

export interface ConsoleRequest {
  readonly url: string;
  readonly key: string;
  /** Without a whole history in this time it has failed. */
  readonly limitMs: number;
}

export async function openConsole({ url, key, limitMs }: ConsoleRequest): Promise<AgentConsole> {
  const limit = AbortSignal.timeout(limitMs);
  const { answer, socket, head } = await upgraded(url, key, limit);
  socket.on('error', () => socket.destroy());
  const length = Number(answer.headers[historyHead]);
  if (!(length >= 0 && length <= mostHistoryBytes)) {
    socket.destroy();
    throw new Error('the agent does not say what was written before');
  }
  const stop = (): void => void socket.destroy();
  limit.addEventListener('abort', stop);
  try {
    return { socket, written: await historyOf(socket, head, length) };
  } finally {
    limit.removeEventListener('abort', stop);
  }
}

interface Upgraded {
  readonly answer: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}
function upgraded(url: string, key: string, signal: AbortSignal): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    const request = (url.startsWith('https:') ? https : http).request(url, {
      agent: false,
      signal,
      headers: { authorization: `Bearer ${key}`, connection: 'Upgrade', upgrade: consoleProtocol },
    });
    request.on('upgrade', (answer, socket, head) => resolve({ answer, socket, head }));
    request.on('response', (answer) => {
      answer.resume();
      reject(new ConsoleRefused(answer.statusCode ?? 0));
    });
    request.on('error', reject);
    request.end();
  });
}

/** At least so many bytes, for they follow at once. */
function historyOf(socket: Duplex, head: Buffer, length: number): Promise<Buffer> {
  const pieces = [head];
  let bytes = head.length;
  return new Promise((resolve, reject) => {
    const done = (): void => {
      socket.pause();
      socket.off('data', take);
      socket.off('close', cut);
      resolve(Buffer.concat(pieces));
    };
    const cut = (): void => reject(new Error('the agent closed the console'));
    const take = (piece: Buffer): void => {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes >= length) done();
    };
    if (bytes >= length) return done();
    socket.once('close', cut);
    socket.on('data', take);
  });
}
