/** Another pool, as its clients see it: calls by JSON-RPC, work that is waited for by its task, and files that are sent to it. */
import http from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorFrom, isErrorCode, type Ref } from '@xenplane/model';
import type { Reader } from '@xenplane/store';
import { trustOf, type Trust } from './trust';

const jsonHeaders = { 'content-type': 'application/json' };
const timeoutMs = 10_000;
const lookMs = 200;

/** The other pool cannot be reached, or what is there does not answer as one. */
export class RemoteFailure extends Error {
  constructor(
    readonly reached: boolean,
    url: string,
    cause?: unknown,
  ) {
    super(`${url} ${reached ? 'does not answer as a pool' : 'cannot be reached'}`, { cause });
    this.name = 'RemoteFailure';
  }
}

/** Where another pool answers, without a path, and whose word is enough that it is that pool. */
export interface Address {
  readonly base: string;
  readonly trust: Trust;
}
interface Message {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}
export interface Answer {
  readonly status: number;
  /** Undefined when it is not JSON. */
  readonly body: unknown;
}

const requesting = ({ protocol }: URL): typeof http.request =>
  protocol === 'https:' ? https.request : http.request;

/** A message and its answer; RemoteFailure when there is none. Another place that it points to is not asked. */
export async function exchange(
  { base, trust }: Address,
  path: string,
  { method, headers, body }: Message,
): Promise<Answer> {
  const url = new URL(`${base}${path}`);
  try {
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      const request = requesting(url)(url, {
        method,
        headers,
        signal: AbortSignal.timeout(timeoutMs),
        ...trust,
      });
      request.on('response', resolve).on('error', reject).end(body);
    });
    return { status: response.statusCode ?? 0, body: await json(response).catch(() => undefined) };
  } catch (error) {
    throw new RemoteFailure(false, base, error);
  }
}

/** One call of the pool. Throws the XenError that the other side gives, or RemoteFailure. */
export async function callRemote<T>(
  address: Address,
  method: string,
  params: readonly unknown[],
): Promise<T> {
  const sent = {
    method: 'POST',
    headers: jsonHeaders,
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  };
  const body = (await exchange(address, '/jsonrpc', sent)).body as
    { result?: T; error?: { message?: unknown; data?: unknown } } | undefined;
  const told = body?.error?.message;
  if (!body || (told === undefined ? !('result' in body) : typeof told !== 'string' || !isErrorCode(told)))
    throw new RemoteFailure(true, address.base);
  if (body.error)
    throw errorFrom([
      String(body.error.message),
      ...(Array.isArray(body.error.data) ? body.error.data.map(String) : []),
    ]);
  return body.result as T;
}

/** For a client in this process: posts the text of a call to another pool and answers what it says. */
export const callSender =
  (reader: Reader) =>
  async (address: string, body: string): Promise<unknown> => {
    const { origin, pathname } = new URL(address);
    return (
      await exchange({ base: origin, trust: await trustOf(reader) }, pathname, {
        method: 'POST',
        headers: jsonHeaders,
        body,
      })
    ).body;
  };

export interface File {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly length: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}
interface RemoteTask {
  readonly status: string;
  readonly result: string;
  readonly error_info: readonly string[];
}

/** Another pool, by a session of it. */
export class RemotePool {
  private constructor(
    private readonly address: Address,
    private readonly session: string,
  ) {}

  /** RemoteFailure for an address that is none. */
  static async at(reader: Reader, url: string, session: string): Promise<RemotePool> {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) throw new RemoteFailure(false, url);
    return new RemotePool({ base: new URL(url).origin, trust: await trustOf(reader) }, session);
  }

  call<T = unknown>(method: string, ...params: readonly unknown[]): Promise<T> {
    return callRemote<T>(this.address, method, [this.session, ...params]);
  }

  /** A call that takes its time: answers the text of its task's result. */
  async follow(method: string, ...params: readonly unknown[]): Promise<string> {
    const task = await this.call<Ref<'task'>>(`Async.${method}`, ...params);
    return this.ended(task);
  }

  /** Sends a file to a handler; answers the text of the result of its task when all of it was taken. */
  async put(label: string, file: File): Promise<string> {
    const task = await this.call<Ref<'task'>>('task.create', label, '');
    const query = new URLSearchParams({ ...file.query, session_id: this.session, task_id: task });
    // A handler that refuses says why by the task, and may cut the body off.
    await this.send(new URL(`${this.address.base}${file.path}?${query.toString()}`), file).catch(
      async (error: unknown) => {
        if (!(error instanceof RemoteFailure)) throw error;
        const { status } = await this.call<RemoteTask>('task.get_record', task);
        if (status !== 'failure') throw error;
      },
    );
    return this.ended(task);
  }

  /** Throws RemoteFailure, or what went wrong with the bytes before they were sent. */
  private send(url: URL, { length, bytes }: File): Promise<void> {
    let own: unknown;
    async function* watched(): AsyncGenerator<Uint8Array> {
      try {
        yield* bytes;
      } catch (error) {
        own = error;
        throw error;
      }
    }
    return new Promise((resolve, reject) => {
      const options = {
        method: 'PUT',
        headers: { 'content-length': length, connection: 'close' },
        ...this.address.trust,
      };
      const request = requesting(url)(url, options);
      let status = 0;
      request.on('response', (response) => {
        status = response.statusCode ?? 0;
        response.resume();
        response.on('close', () =>
          status === 200 ? resolve() : reject(new RemoteFailure(true, url.origin)),
        );
      });
      const broken = (error: unknown): void => reject(own ?? new RemoteFailure(false, url.origin, error));
      request.on('error', broken);
      pipeline(Readable.from(watched(), { objectMode: true, highWaterMark: 1 }), request).catch(broken);
    });
  }

  private async ended(task: Ref<'task'>): Promise<string> {
    for (;;) {
      const record = await this.call<RemoteTask>('task.get_record', task);
      if (record.status === 'pending') {
        await sleep(lookMs);
        continue;
      }
      await this.call('task.destroy', task).catch(() => undefined);
      if (record.status === 'success') return record.result;
      throw errorFrom(record.status === 'cancelled' ? ['TASK_CANCELLED', task] : record.error_info);
    }
  }
}
