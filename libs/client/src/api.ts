/** A session of the XenAPI over JSON-RPC 2.0. */
import { errorFrom, nullRefText } from '@xenplane/model';

export interface Api {
  /** Calls with the session put before the parameters; throws the XenError that the server gives. */
  call<T = unknown>(method: string, ...params: readonly unknown[]): Promise<T>;
  readonly url: string;
  readonly session: string;
  /** The same server, by another session that there is already. */
  as(session: string): Api;
}
/** Posts the text of a call to an address and answers what came back, read as JSON. */
export type Send = (address: string, body: string) => Promise<unknown>;
export interface Login {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly originator?: string;
  /** `fetch` by default: certificates are checked against those that the system trusts. */
  readonly send?: Send;
}
/** The server could not be reached or did not answer as one. */
export class Unreachable extends Error {
  constructor(url: string, cause: unknown) {
    super(`Unable to contact server ${url}. Please check server and port settings.`, { cause });
    this.name = 'Unreachable';
  }
}
interface Reply {
  readonly result?: unknown;
  readonly error?: { readonly message: string; readonly data?: readonly string[] };
}

export const callHeaders = { 'content-type': 'application/json' } as const;
const byFetch: Send = async (address, body) =>
  (await fetch(address, { method: 'POST', headers: callHeaders, body })).json();

async function post(send: Send, url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const reply = (await send(`${url}/jsonrpc`, body).catch((error: unknown) =>
    Promise.reject(new Unreachable(url, error)),
  )) as Reply | undefined;
  if (!reply) throw new Unreachable(url, 'what came back is no JSON');
  if (reply.error) throw errorFrom([reply.error.message, ...(reply.error.data ?? [])]);
  return reply.result;
}

export async function connect({
  url,
  user,
  password,
  originator = 'xenplane-client',
  send = byFetch,
}: Login): Promise<Api> {
  return inSession(
    send,
    url,
    String(await post(send, url, 'session.login_with_password', [user, password, '1.0', originator])),
  );
}
const inSession = (send: Send, url: string, session: string): Api => ({
  url,
  session,
  as: (other) => inSession(send, url, other),
  call: <T>(method: string, ...params: readonly unknown[]) =>
    post(send, url, method, [session, ...params]) as Promise<T>,
});
export const logOut = (api: Api): Promise<unknown> => api.call('session.logout').catch(() => undefined);

interface TaskRecord {
  readonly status: string;
  readonly progress: number;
  readonly result: string;
  readonly error_info: readonly string[];
}
interface Batch {
  readonly events: readonly { readonly operation: string; readonly snapshot?: TaskRecord }[];
  readonly token: string;
}

/** Called with the progress of a task, and when it is over. */
export type Progress = (fraction: number, over: boolean) => void;

/** Waits for the end of a task by events; answers the text of its result. */
export async function ended(api: Api, task: string, onProgress: Progress = () => undefined): Promise<string> {
  for (let token = ''; ;) {
    const batch = await api.call<Batch>('event.from', [`task/${task}`], token, 30);
    token = batch.token;
    const record = batch.events.at(-1)?.snapshot;
    if (record) onProgress(record.progress, record.status !== 'pending' && record.status !== 'cancelling');
    if (record?.status === 'success') return record.result;
    if (record?.status === 'failure') throw errorFrom(record.error_info);
    if (record?.status === 'cancelled') throw errorFrom(['TASK_CANCELLED', task]);
  }
}

/** Runs a call in the background and waits for its task; the task is destroyed at the end. Answers the text of its result. */
export async function follow(
  api: Api,
  method: string,
  params: readonly unknown[],
  onProgress: Progress = () => undefined,
): Promise<string> {
  const task = await api.call<string>(`Async.${method}`, ...params);
  try {
    return await ended(api, task, onProgress);
  } finally {
    await api.call('task.destroy', task).catch(() => undefined);
  }
}

export const isRef = (value: unknown): value is string =>
  typeof value === 'string' && value.startsWith('OpaqueRef:') && value !== nullRefText;
