/** The sender of a request that is no call: by a session, by name and password, or root over the local socket. */
import type { IncomingMessage } from 'node:http';
import { XenError } from '@xenplane/model';
import type { Dispatcher, Session, RequestOrigin } from '@xenplane/xapi';

export interface Login {
  readonly token: string;
  readonly session: Session | undefined;
  /** Made for this request alone, from its Basic credentials. */
  readonly own: boolean;
}
export interface LoginRequest {
  readonly query: URLSearchParams;
  readonly way: RequestOrigin;
  /** Strangers are answered as well. */
  readonly open?: true | undefined;
}

export async function logIn(
  dispatcher: Dispatcher,
  request: IncomingMessage,
  { query, way, open }: LoginRequest,
): Promise<Login> {
  const token = query.get('session_id');
  if (token !== null) return { token, session: await dispatcher.sessions.findNow(token), own: false };
  const basic = /^Basic (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (basic) return logInOnce(dispatcher, Buffer.from(basic, 'base64').toString('utf8'), way);
  if (way.local && !open) return logInOnce(dispatcher, ':', way);
  if (open) return { token: '', session: undefined, own: false };
  throw new XenError('SESSION_AUTHENTICATION_FAILED');
}

async function logInOnce(dispatcher: Dispatcher, credentials: string, way: RequestOrigin): Promise<Login> {
  const at = credentials.indexOf(':');
  const [uname, pwd] = at < 0 ? [credentials, ''] : [credentials.slice(0, at), credentials.slice(at + 1)];
  const answer = await dispatcher.call({
    method: 'session.login_with_password',
    named: { uname, pwd, version: '1.0', originator: 'http' },
    signal: new AbortController().signal,
    way,
  });
  const token = 'value' in answer ? String(answer.value) : '';
  return { token, session: await dispatcher.sessions.find(token), own: true };
}

export const unauthorised = new Set(['SESSION_AUTHENTICATION_FAILED', 'SESSION_INVALID']);
/** Whatever was wrong with a login, a task that waits for it hears the same. */
export function forbidden(error: unknown): never {
  throw error instanceof XenError && unauthorised.has(error.code)
    ? new XenError('SESSION_AUTHENTICATION_FAILED')
    : error;
}
