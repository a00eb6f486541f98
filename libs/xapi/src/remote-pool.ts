/** Another pool, as its clients see it: calls by JSON-RPC, work that is waited for by its task, and files that are sent to it. */
import http from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorFrom, isErrorCode, type Ref } from '@xenplane/model';

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

/** One call of the pool at an address without a path. Throws the XenError that the other side gives, or RemoteFailure. */
export async function callRemote<T>(base: string, method: string, params: readonly unknown[]): Promise<T> {
  const response = await fetch(`${base}/jsonrpc`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((error: unknown) => Promise.reject(new RemoteFailure(false, base, error)));
  const body = (await response.json().catch(() => undefined)) as { result?: T; error?: { message?: unknown; data?: unknown } } | undefined;
  const told = body?.error?.message;
  if (!body || (told === undefined ? !('result' in body) : typeof told !== 'string' || !isErrorCode(told))) throw new RemoteFailure(true, base);
  if (body.error) throw errorFrom([String(body.error.message), ...(Array.isArray(body.error.data) ? body.error.data.map(String) : [])]);
  return body.result as T;
}

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
  private readonly base: string;

  /** RemoteFailure for an address that is none. */
  constructor(
    address: string,
    private readonly session: string,
  ) {
    if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) throw new RemoteFailure(false, address);
    this.base = new URL(address).origin;
  }

  call<T = unknown>(method: string, ...params: readonly unknown[]): Promise<T> {
    return callRemote<T>(this.base, method, [this.session, ...params]);
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
    await this.send(new URL(`${this.base}${file.path}?${query.toString()}`), file).catch(async (error: unknown) => {
      if (!(error instanceof RemoteFailure)) throw error;
      const { status } = await this.call<RemoteTask>('task.get_record', task);
      if (status !== 'failure') throw error;
    });
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
      const request = (url.protocol === 'https:' ? https : http).request(url, { method: 'PUT', headers: { 'content-length': length, connection: 'close' } });
      let status = 0;
      request.on('response', (response) => {
        status = response.statusCode ?? 0;
        response.resume();
        response.on('close', () => (status === 200 ? resolve() : reject(new RemoteFailure(true, url.origin))));
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
