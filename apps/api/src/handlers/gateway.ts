/** Takes the requests of the HTTP handlers from the server before the framework sees them: they need the bare connection. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  asRef,
  handlerNamed,
  isNullRef,
  XenError,
  type HandlerFacts,
  type HandlerMethod,
  type Role,
} from '@xenplane/model';
import { BodyRefused, decoded, pathOf, queryOf, quiet, readTarget, type Bodies } from '@xenplane/http';
import {
  databaseError,
  errorOf,
  HttpTask,
  type Dispatcher,
  type Plane,
  type TaskHead,
  type TransferHeartbeats,
} from '@xenplane/xapi';
import { otherConfigOf } from '../task-head';
import { requestOrigin, type TrustedProxies } from '../request-origin';
import { assertRole, type Exchange, type Handler } from './exchange/exchange';
import { handlers } from '.';
import { logIn, forbidden, unauthorised, type Login } from './exchange/login';
import { closeLater, reasonOf, Refusal, refused, refusedBytes, shown } from './exchange/refusal';
import { bodyUntilCut } from './exchange/stream-transfer';
import { followBody, isUnframed, watchUploads } from './exchange/unframed';
import { refuseUpgrade, isWebSocket } from './pool-files/upgrades';

interface Route extends HandlerFacts {
  readonly handler: Handler;
}
/** Longest path first: `/export` also answers `/export/`, but never what has a handler of its own. */
const routes: readonly Route[] = handlers
  .map((handler) => ({ ...handlerNamed(handler.name), handler }))
  .sort((a, b) => b.path.length - a.path.length);

function routeOf(method: string | undefined, path: string): Route | undefined {
  return routes.find(
    (r) =>
      r.method === (method as HandlerMethod) &&
      (path === r.path || path.startsWith(r.path.endsWith('/') ? r.path : `${r.path}/`)),
  );
}

type Connection = Pick<Exchange, 'request' | 'response' | 'socket' | 'head'>;
export interface GatewayParts {
  readonly plane: Plane;
  readonly dispatcher: Dispatcher;
  readonly beats: TransferHeartbeats;
  readonly bodies: Bodies;
  readonly proxies: TrustedProxies;
}

export class Gateway {
  private readonly plane: Plane;
  private readonly dispatcher: Dispatcher;
  private readonly beats: TransferHeartbeats;
  private readonly bodies: Bodies;
  private readonly proxies: TrustedProxies;

  constructor({ plane, dispatcher, beats, bodies, proxies }: GatewayParts) {
    this.plane = plane;
    this.dispatcher = dispatcher;
    this.beats = beats;
    this.bodies = bodies;
    this.proxies = proxies;
  }

  /** True if the request is a handler's, or unreadable; then it is answered here. */
  takes(request: IncomingMessage, response: ServerResponse): boolean {
    quiet(request, response);
    const connection = { request, response, socket: request.socket, head: Buffer.alloc(0) };
    if (!readTarget(request)) {
      refuseUnread(connection);
      return true;
    }
    const route = routeOf(request.method, pathOf(request));
    if (!route) return false;
    this.begin(route, connection);
    return true;
  }

  /** CONNECT and upgrades, which the framework does not know. */
  listen(server: Server): void {
    const raw = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      socket.on('error', () => socket.destroy());
      const connection = { request, response: undefined, socket, head };
      if (!readTarget(request)) return refuse(connection, noTarget);
      const route = routeOf(request.method, pathOf(request));
      if (route) this.begin(route, connection);
      else refuse(connection, new Refusal(403, 'There is no such handler'));
    };
    server.on('connect', raw);
    server.on('connection', watchUploads);
    server.on('upgrade', (request, socket: Socket, head) => {
      if (isUnframed(request)) this.receive(request, socket, head);
      else if (isWebSocket(request)) raw(request, socket, head);
      else refuseUpgrade(server, request, socket, head);
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

  /** Whatever the handling of the request throws ends its connection and nothing else. */
  private begin(route: Route, connection: Connection): void {
    this.serve(route, connection).catch((error: unknown) => {
      this.tell(route, error);
      connection.socket.destroy();
    });
  }

  private async serve(route: Route, connection: Connection): Promise<void> {
    const gone = new AbortController();
    connection.socket.once('close', () => gone.abort());
    try {
      const query = parametersOf(connection.request);
      const task = await this.adopted(query);
      try {
        await this.run(route, connection, { query, task, gone });
      } catch (error) {
        await task?.fail(errorOf(error));
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
    if (![XenError, Refusal, BodyRefused].some((known) => error instanceof known))
      this.plane.log.error({ handler: handler.name, error }, 'handler failed');
  }

  private async adopted(query: URLSearchParams): Promise<HttpTask | undefined> {
    const ref = query.get('task_id');
    return ref === null || isNullRef(asRef(ref)) ? undefined : HttpTask.adopt(this.plane, this.beats, ref);
  }

  private async run(
    route: Route,
    connection: Connection,
    {
      query,
      task: brought,
      gone,
    }: { query: URLSearchParams; task: HttpTask | undefined; gone: AbortController },
  ): Promise<void> {
    const way = requestOrigin(connection.request, this.proxies);
    const login = await logIn(this.dispatcher, connection.request, { query, way, open: route.open }).catch(
      forbidden,
    );
    try {
      if (login.session) await brought?.assertMayUse(login.session);
      if (login.session && !route.open && !isInternal(route, login.session.role))
        assertRole(login.session.role, route.role, `http/${route.handler.name}`);
      if (login.session) await this.dispatcher.lanes.turnOf(login.session, way);
      const task =
        brought ??
        (await this.ownTask(route.handler, login, {
          query,
          otherConfig: otherConfigOf(connection.request.headers),
        }));
      if (task) void task.whenCancelled(() => gone.abort(), gone.signal).catch(() => undefined);
      const exchange = {
        ...connection,
        path: pathOf(connection.request),
        query,
        way,
        ...login,
        task,
        plane: this.plane,
        dispatcher: this.dispatcher,
        bodies: this.bodies,
      };
      await finish(brought ? undefined : task, task, () =>
        route.handler.run({ ...exchange, signal: gone.signal }),
      );
      finishAnswer(connection);
      this.audit(route, login, undefined);
    } catch (error) {
      this.audit(route, login, error);
      throw error;
    } finally {
      if (login.own && login.session) await this.dispatcher.sessions.close(login.session.ref);
    }
  }

  /** Public files and handlers that are audited call by call are not audited here. */
  private audit(route: Route, { session }: Login, error: unknown): void {
    if (!session || route.open || (route.method === 'GET' && route.role === 'read-only')) return;
    this.dispatcher.trail.handled(route.handler.name, session, {
      denied: error instanceof Refusal && error.status === 403,
      error,
    });
  }

  private async ownTask(
    { task }: Handler,
    { session }: Login,
    { query, otherConfig }: { query: URLSearchParams } & Pick<TaskHead, 'otherConfig'>,
  ): Promise<HttpTask | undefined> {
    if (task === undefined || !session) return undefined;
    const parent = query.get('subtask_of');
    return HttpTask.make(this.plane, this.beats, {
      label: task,
      session,
      subtaskOf: parent === null ? undefined : asRef<'task'>(parent),
      otherConfig,
    });
  }
}

const isInternal = ({ clientCert }: Route, role: Role): boolean =>
  clientCert === true && role === 'client-cert';

/** The task ends as the work does; one that the client brought is failed further out, where a refused login ends it too. */
async function finish(
  own: HttpTask | undefined,
  task: HttpTask | undefined,
  work: () => Promise<string | void>,
): Promise<void> {
  try {
    const result = (await work()) ?? '';
    await task?.succeed(result);
  } catch (error) {
    await own?.fail(errorOf(error));
    throw error;
  }
}

/** A client that sees the end of a transfer finds that it is over: nothing is busy with it any more. */
function finishAnswer({ response }: Connection): void {
  if (response?.headersSent && !response.writableEnded) response.end();
}

const noTarget = new Refusal(400, 'The target of the request could not be read');

const ofCookie = ['session_id', 'task_id', 'subtask_of'];
/** Of the address, and of the cookie what handlers take from there. */
export function parametersOf(request: IncomingMessage): URLSearchParams {
  const query = queryOf(request);
  for (const part of (request.headers.cookie ?? '').split(/[;,]/)) {
    const [name = '', escaped = ''] = part.trim().split('=');
    if (!ofCookie.includes(name) || query.has(name)) continue;
    const value = decoded(escaped);
    if (value === undefined) throw new Refusal(400, `The cookie ${name} could not be read`);
    query.set(name, value);
  }
  return query;
}

/** An upload whose answer has begun ends like any other, its task says how. */
async function endUpload({ request, response, socket }: Connection): Promise<void> {
  closeLater(socket);
  response?.end();
  for await (const _rest of bodyUntilCut({ request }));
}

/** In the form of the interface: a page. When the answer has begun it is too late for that, and a file that is sent is cut. */
function refuse(connection: Connection, error: unknown): void {
  const { request, response, socket } = connection;
  const refusal = asRefusal(error);
  if (response?.headersSent)
    return request.method === 'PUT' ? void endUpload(connection) : void response.destroy();
  const { headers, body } = refused(refusal);
  if (response) response.writeHead(refusal.status, reasonOf(refusal.status), headers).end(body);
  else if (socket.writable) socket.end(refusedBytes(refusal));
}

/** Of a request that may have a body: it is passed over, so that the client reads the answer. */
function refuseUnread(connection: Connection): void {
  connection.request.resume();
  refuse(connection, noTarget);
  closeLater(connection.socket);
}

export function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof BodyRefused) return new Refusal(error.status, error.message);
  if (!(error instanceof XenError))
    return new Refusal(databaseError(error) ? 503 : 500, 'The request could not be served');
  if (unauthorised.has(error.code))
    return new Refusal(401, 'You are not allowed in', { 'www-authenticate': 'Basic realm="XenAPI"' });
  if (error.code === 'TOO_BUSY') return new Refusal(503, shown(error), { 'retry-after': '1' });
  return new Refusal(error.code === 'RBAC_PERMISSION_DENIED' ? 403 : 500, shown(error));
}
