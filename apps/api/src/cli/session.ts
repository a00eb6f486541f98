/** The calls of a command, made in this process. */
import { XenError } from '@xenplane/model';
import type { Api, Opened } from '@xenplane/client';
import { inSlices } from '@xenplane/store';
import { encodeJson, membersOfBlocks, parseJsonCall, type Blocks } from '@xenplane/wire';
import type { Dispatcher, RequestOrigin } from '@xenplane/xapi';

const wordsOf = (method: string, params: readonly unknown[]): Buffer =>
  Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));

/** Answers what a client of JSON-RPC would see. */
async function call(
  dispatcher: Dispatcher,
  method: string,
  params: readonly unknown[],
  signal: AbortSignal,
  way?: RequestOrigin,
): Promise<unknown> {
  if (signal.aborted) throw new XenError('SESSION_INVALID', '');
  const answer = await dispatcher.call({
    ...parseJsonCall(wordsOf(method, params)),
    signal,
    ...(way ? { way } : {}),
  });
  return 'value' in answer ? JSON.parse(encodeJson(answer.type, answer.value)) : readBlocks(answer.blocks);
}

/** Very many records are read in slices. */
async function readBlocks(blocks: Blocks): Promise<Record<string, unknown>> {
  const members: Record<string, unknown> = {};
  for await (const [ref, record] of inSlices(membersOfBlocks(blocks))) members[ref] = record;
  return members;
}

export interface Credentials {
  readonly session: string | undefined;
  readonly user: string;
  readonly password: string;
  readonly way: RequestOrigin;
}

/** A session that was brought along stays open; one made for the command ends with it. */
export async function openSession(
  dispatcher: Dispatcher,
  { session, user, password, way }: Credentials,
  signal: AbortSignal,
): Promise<Opened> {
  if (session === undefined && user === '' && !way.local)
    throw new XenError('SESSION_AUTHENTICATION_FAILED', '', 'no user was given');
  const token =
    session ??
    String(await call(dispatcher, 'session.login_with_password', [user, password, '1.0', 'xe'], signal, way));
  const apiOf = (own: string): Api => ({
    url: '',
    session: own,
    call: <T>(method: string, ...params: readonly unknown[]) =>
      call(dispatcher, method, [own, ...params], signal) as Promise<T>,
    as: apiOf,
  });
  const api = apiOf(token);
  const close =
    session === undefined
      ? () => call(dispatcher, 'session.logout', [token], new AbortController().signal).catch(() => undefined)
      : () => Promise.resolve();
  return { api, close };
}
