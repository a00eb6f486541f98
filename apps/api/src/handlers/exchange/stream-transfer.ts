/** Common to uploads and downloads: the head of the answer, bodies that are cut, the meaning of a cancelled task. */
import { pipeline } from 'node:stream/promises';
import { XenError } from '@xenplane/model';
import { importError } from '@xenplane/xapi';
import { responseOf, type Exchange } from './exchange';
import { Refusal } from './refusal';

const head = (exchange: Exchange, headers: Readonly<Record<string, string>>): Record<string, string> => ({
  server: 'Xenplane',
  connection: 'close',
  'cache-control': 'no-cache, no-store',
  ...(exchange.task ? { 'task-id': exchange.task.ref } : {}),
  ...headers,
});

/** Streams a file of unknown length; the connection's end is its end, and comes when the task has ended. */
export async function sendFile(
  exchange: Exchange,
  name: string,
  type: string,
  body: AsyncIterable<Uint8Array>,
): Promise<void> {
  const response = responseOf(exchange);
  response.writeHead(
    200,
    head(exchange, { 'content-type': type, 'content-disposition': `attachment; filename="${name}"` }),
  );
  response.flushHeaders();
  await stoppable(exchange, () => pipeline(body, response, { end: false }));
}

/** Some clients send no byte before they have read that they may. */
export function acceptBody(exchange: Exchange): void {
  const response = responseOf(exchange);
  response.writeHead(200, head(exchange, {}));
  response.flushHeaders();
}

/** 403 for bodies whose end only their framing shows, as in xapi. */
export function refuseChunked({ request }: Exchange): void {
  if (request.headers['transfer-encoding'] !== undefined)
    throw new Refusal(403, 'IMPORT_ERROR_CANNOT_HANDLE_CHUNKED: [  ]');
}

/** The length that the client says its body has. */
export function lengthOf({ request }: Exchange): number | undefined {
  const length = request.headers['content-length'];
  return length === undefined ? undefined : Number(length);
}

/** The body as far as it comes: a connection that is cut is the end. */
export async function* bodyUntilCut({ request }: Pick<Exchange, 'request'>): AsyncGenerator<Uint8Array> {
  const chunks = request[Symbol.asyncIterator]();
  for (;;) {
    const next = await chunks.next().catch(() => undefined);
    if (!next || next.done) return;
    yield next.value as Uint8Array;
  }
}

/** The same, while the task shows the progress. */
export async function* bodyCounted(exchange: Exchange): AsyncGenerator<Uint8Array> {
  const total = lengthOf(exchange);
  let done = 0;
  for await (const bytes of bodyUntilCut(exchange)) {
    yield bytes;
    done += bytes.length;
    if (total) await exchange.task?.progress(Math.min(0.99, done / total));
  }
}

/** Work on a body that ends when somebody cancels the task, and then fails with it. */
export async function stoppable<T>(exchange: Exchange, work: () => Promise<T>): Promise<T> {
  const { signal, socket, request, task } = exchange;
  let cancelled = false;
  const stop = (): void => {
    if (socket.destroyed) return;
    cancelled = true;
    request.destroy();
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const result = await work();
    if (cancelled) throw new Error('cancelled');
    return result;
  } catch (error) {
    throw cancelled ? new XenError('TASK_CANCELLED', task?.ref ?? '') : reported(error, socket.destroyed);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** A client that went away is no fault of ours. */
function reported(error: unknown, gone: boolean): unknown {
  const known = importError(error);
  return known instanceof XenError || !gone ? known : wentAway;
}
const wentAway = new XenError('INTERNAL_ERROR', 'The client closed the connection');
