/** Takes the requests of the HTTP handlers from the server before the framework sees them: they need the bare connection. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { asRef, errorFrom, handlerNamed, isNullRef, XenError, type HandlerFacts, type HandlerMethod, type Role } from '@xenplane/model';
import { HttpTask, type Dispatcher, type Plane, type Session, type TaskHead, type TransferBeats, type Way } from '@xenplane/xapi';
import { isLocal, wayOf } from '../local-socket';
import { otherConfigOf } from '../task-head';
import { assertRole, type Exchange, type Handler } from './exchange';
import { handlers } from './index';
import { cutLater, reasonOf, Refusal, refused, refusedBytes, shown } from './refusal';
import { bodyUntilCut } from './transfer';
import { followBody, isUnframed, watchUploads } from './unframed';
import { declineOffer, isWebSocket } from './upgrades';

interface Route extends HandlerFacts {
  readonly handler: Handler;
}
/** Longest path first: `/export` also answers `/export/`, but never what has a handler of its own. */
const routes: readonly Route[] = handlers.map((handler) => ({ ...handlerNamed(handler.name), handler })).sort((a, b) => b.path.length - a.path.length);

function routeOf(method: string | undefined, path: string): Route | undefined {
  return routes.find((r) => r.method === (method as HandlerMethod) && (path === r.path || path.startsWith(r.path.endsWith('/') ? r.path : `${r.path}/`)));
}

type Connection = Pick<Exchange, 'request' | 'response' | 'socket' | 'head'>;
interface Login {
  readonly token: string;
  readonly session: Session | undefined;
  /** Made for this request alone, from its Basic credentials. */
  readonly own: boolean;
}

export class Gateway {
  constructor(
    private readonly plane: Plane,
    private readonly dispatcher: Dispatcher,
    private readonly beats: TransferBeats,
  ) {}

  /** Whether the request is a handler's; then it is answered here. */
  takes(request: IncomingMessage, response: ServerResponse): boolean {
    const route = routeOf(request.method, pathOf(request));
    if (!route) return false;
    void this.serve(route, { request, response, socket: request.socket, head: Buffer.alloc(0) });
    return true;
  }

  /** CONNECT and upgrades, which the framework does not know. */
  listen(server: Server): void {
    const raw = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      socket.on('error', () => socket.destroy());
      const route = routeOf(request.method, pathOf(request));
      const connection = { request, response: undefined, socket, head };
      if (route) void this.serve(route, connection);
      else refuse(connection, new Refusal(403, 'There is no such handler'));
    };
    server.on('connect', raw);
    server.on('connection', watchUploads);
    server.on('upgrade', (request, socket: Socket, head) => {
      if (isUnframed(request)) this.receive(request, socket, head);
      else if (isWebSocket(request)) raw(request, socket, head);
      else declineOffer(server, request, socket, head);
    });
  }

  /** A body whose end is that of the connection. */
  private receive(head: IncomingMessage, socket: Socket, begun: Buffer): void {
    const { request, response } = followBody(head, socket, begun);
    const route = routeOf(request.method, pathOf(request));
    const connection = { request, response, socket, head: Buffer.alloc(0) };
    if (route) void this.serve(route, connection);
    else refuse(connection, new Refusal(403, 'There is no such handler'));
  }

  private async serve(route: Route, connection: Connection): Promise<void> {
    const gone = new AbortController();
    connection.socket.once('close', () => gone.abort());
    const query = queryOf(connection.request);
    try {
      const task = await this.adopted(query);
      try {
        await this.run(route, connection, { query, task, gone });
      } catch (error) {
        await task?.fail(asXenError(error));
        throw error;
      }
    } catch (error) {
      this.tell(route, error);
      refuse(connection, error);
    } finally {
      gone.abort();
    }
  }

  private tell({ handler }: Route, error: unknown): void {
    if (!(error instanceof XenError) && !(error instanceof Refusal)) this.plane.log.error({ handler: handler.name, error }, 'handler failed');
  }

  private async adopted(query: URLSearchParams): Promise<HttpTask | undefined> {
    const ref = query.get('task_id');
    return ref === null || isNullRef(asRef(ref)) ? undefined : HttpTask.adopt(this.plane, this.beats, ref);
  }

  private async run(
    route: Route,
    connection: Connection,
    { query, task: brought, gone }: { query: URLSearchParams; task: HttpTask | undefined; gone: AbortController },
  ): Promise<void> {
    const login = await this.logIn(route, connection.request, query).catch(notLetIn);
    try {
      if (login.session && !route.open && !isInternal(route, login.session.role)) assertRole(login.session.role, route.role, `http/${route.handler.name}`);
      const task = brought ?? (await this.ownTask(route.handler, login, { query, otherConfig: otherConfigOf(connection.request.headers) }));
      if (task) void task.whenCancelled(() => gone.abort(), gone.signal).catch(() => undefined);
      const exchange = { ...connection, path: pathOf(connection.request), query, ...login, task, plane: this.plane, dispatcher: this.dispatcher };
      await finish(brought ? undefined : task, task, () => route.handler.run({ ...exchange, signal: gone.signal }));
      finishAnswer(connection);
      this.audit(route, login, undefined);
    } catch (error) {
      this.audit(route, login, error);
      throw error;
    } finally {
      if (login.own && login.session) await this.dispatcher.sessions.close(login.session.ref);
    }
  }

  /** What anybody may read, and what is told of call by call, is not told of here. */
  private audit(route: Route, { session }: Login, error: unknown): void {
    if (!session || route.open || (route.method === 'GET' && route.role === 'read-only')) return;
    this.dispatcher.trail.handled(route.handler.name, session, { denied: error instanceof Refusal && error.status === 403, error });
  }

  private async ownTask(
    { task }: Handler,
    { session }: Login,
    { query, otherConfig }: { query: URLSearchParams } & Pick<TaskHead, 'otherConfig'>,
  ): Promise<HttpTask | undefined> {
    if (task === undefined || !session) return undefined;
    const parent = query.get('subtask_of');
    return HttpTask.make(this.plane, this.beats, { label: task, session, subtaskOf: parent === null ? undefined : asRef<'task'>(parent), otherConfig });
  }

  private async logIn(route: Route, request: IncomingMessage, query: URLSearchParams): Promise<Login> {
    const token = query.get('session_id');
    if (token !== null) return { token, session: await this.dispatcher.sessions.find(token), own: false };
    const basic = /^Basic (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (basic) return this.logInOnce(Buffer.from(basic, 'base64').toString('utf8'), wayOf(request.socket));
    if (isLocal(request.socket) && !route.open) return this.logInOnce(':', wayOf(request.socket));
    if (route.open) return { token: '', session: undefined, own: false };
    throw new XenError('SESSION_AUTHENTICATION_FAILED');
  }

  private async logInOnce(credentials: string, way: Way): Promise<Login> {
    const at = credentials.indexOf(':');
    const params = [at < 0 ? credentials : credentials.slice(0, at), at < 0 ? '' : credentials.slice(at + 1), '1.0', 'http'];
    const answer = await this.dispatcher.call({ method: 'session.login_with_password', params, signal: new AbortController().signal, way });
    const token = 'value' in answer ? String(answer.value) : '';
    return { token, session: await this.dispatcher.sessions.find(token), own: true };
  }
}

const isInternal = ({ clientCert }: Route, role: Role): boolean => clientCert === true && role === 'client-cert';

/** The task ends as the work does; one that the client brought is failed further out, where a refused login ends it too. */
async function finish(own: HttpTask | undefined, task: HttpTask | undefined, work: () => Promise<string | void>): Promise<void> {
  try {
    const result = (await work()) ?? '';
    await task?.succeed(result);
  } catch (error) {
    await own?.fail(asXenError(error));
    throw error;
  }
}

/** A client that sees the end of a transfer finds that it is over: nothing is busy with it any more. */
function finishAnswer({ response }: Connection): void {
  if (response?.headersSent && !response.writableEnded) response.end();
}

const asXenError = (error: unknown): XenError =>
  error instanceof XenError ? error : errorFrom(['INTERNAL_ERROR', error instanceof Error ? error.message : String(error)]);

const pathOf = (request: IncomingMessage): string => new URL(request.url ?? '/', 'http://any').pathname;

const ofCookie = ['session_id', 'task_id', 'subtask_of'];
function queryOf(request: IncomingMessage): URLSearchParams {
  const query = new URL(request.url ?? '/', 'http://any').searchParams;
  for (const part of (request.headers.cookie ?? '').split(/[;,]/)) {
    const [name = '', value = ''] = part.trim().split('=');
    if (ofCookie.includes(name) && !query.has(name)) query.set(name, decodeURIComponent(value));
  }
  return query;
}

const unauthorised = new Set(['SESSION_AUTHENTICATION_FAILED', 'SESSION_INVALID']);
/** Whatever was wrong with a login, a task that waits for it hears the same. */
function notLetIn(error: unknown): never {
  throw error instanceof XenError && unauthorised.has(error.code) ? new XenError('SESSION_AUTHENTICATION_FAILED') : error;
}

/** An upload whose answer has begun ends like any other, its task says how. */
async function endUpload({ request, response, socket }: Connection): Promise<void> {
  cutLater(socket);
  response?.end();
  for await (const _rest of bodyUntilCut({ request }));
}

/** In the form of the interface: a page. When the answer has begun it is too late for that, and a file that is sent is cut. */
function refuse(connection: Connection, error: unknown): void {
  const { request, response, socket } = connection;
  const refusal = asRefusal(error);
  if (response?.headersSent) return request.method === 'PUT' ? void endUpload(connection) : void response.destroy();
  const { headers, body } = refused(refusal);
  if (response) response.writeHead(refusal.status, reasonOf(refusal.status), headers).end(body);
  else if (socket.writable) socket.end(refusedBytes(refusal));
}

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (!(error instanceof XenError)) return new Refusal(500, 'The request could not be served');
  if (unauthorised.has(error.code)) return new Refusal(401, 'You are not allowed in', { 'www-authenticate': 'Basic realm="XenAPI"' });
  return new Refusal(error.code === 'RBAC_PERMISSION_DENIED' ? 403 : 500, shown(error));
}
