/** The API service: any number of replicas over one database, none of them special. */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { hostname } from 'node:os';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiSettings } from '@xenplane/config';
import { messageLimits } from '@xenplane/hypervisor';
import { Bodies, boundConnections, contain, Crowd, halfOpenLimits, type Wanted } from '@xenplane/http';
import {
  Dispatcher,
  ensureDemoTemplates,
  ensurePool,
  openPlane,
  raiseAlarms,
  settleAddresses,
  Sessions,
  showApi,
  TransferHeartbeats,
  alertFailedLogins,
  type Plane,
  type RunningProcess,
} from '@xenplane/xapi';
import { refuse, XapiAdapter } from './adapter';
import { guardAgentRoutes, isAgentRoute } from './agent-routes';
import { ApiModule } from './api.module';
import { Gateway } from './handlers/gateway';
import { Refusal } from './handlers/exchange/refusal';
import { HostAddresses } from './host-addresses';
import { bodyLimits, httpLimits, mostCallBytes } from './http-limits';
import { listenLocally } from './local-socket';
import type { Serving } from './nbd/export';
import { NbdServer } from './nbd/server';
import { listenTls } from './tls';
import { TrustedProxies } from './request-origin';
import { answerUnreadable } from './unreadable';

const upkeepMs = 1000;
/** How often an API says that it lives. */
const aliveMs = 5_000;
/** Metrics are watched by the minute. */
const watchMs = 60_000;
/** Failed logins are summarised in one alert an hour. */
const failedLoginsMs = 3_600_000;

export interface RunningApi extends RunningProcess {
  readonly url: string;
  readonly port: number;
  readonly plane: Plane;
}

export async function startApi(settings: ApiSettings): Promise<RunningApi> {
  let url = settings.url ?? '';
  const nbd: { port?: number | undefined } = {};
  const opened: { hosts?: HostAddresses } = {};
  const plane = await openPlane({
    ...settings,
    url: () => url,
    nbdPort: () => nbd.port,
    addressing: () => opened.hosts?.addressing,
    entrance: () => opened.hosts?.entrance(),
    name: 'api',
    replica: true,
  });
  await ensurePool(plane, { seed: settings.seed, rootPassword: settings.rootPassword, vms: settings.vms });
  const hosts = await HostAddresses.choose(plane, settings);
  opened.hosts = hosts;
  await settleAddresses(plane);
  const sessions = new Sessions(plane);
  const beats = new TransferHeartbeats(plane);
  beats.start();
  const dispatcher = new Dispatcher(plane, sessions, beats);
  const bodies = new Bodies(bodyLimits(settings.bodyMebibytes));
  const halfOpen = new Crowd(halfOpenLimits(settings.halfOpen));
  const gateway = new Gateway({
    plane,
    dispatcher,
    beats,
    bodies,
    proxies: new TrustedProxies(settings.trustedProxies),
  });
  const app = await makeApp({ plane, dispatcher, gateway, bodies, halfOpen }, settings);
  const ways = await openListeners(
    { app, hosts },
    settings,
    { plane, sessions, beats, halfOpen },
    (found) => (url ||= found),
  ).catch(async (error: unknown) => {
    beats.stop();
    await hosts.close();
    await app.close();
    await plane.close();
    throw error;
  });
  if (settings.imagesSecret) void makeDemoTemplates(plane, settings.seed);
  const timers = startUpkeep({ plane, sessions, dispatcher, ways });
  nbd.port = ways.nbdPort;
  await showApi(plane).catch((error: unknown) =>
    plane.log.warn({ error }, 'this API could not say that it lives'),
  );
  const { port } = new URL(await app.getUrl());
  let stopped: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    for (const timer of timers) clearInterval(timer);
    await ways.close();
    beats.stop();
    app.getHttpServer().closeAllConnections();
    await app.close();
    await dispatcher.trail
      .flush()
      .catch((error: unknown) => plane.log.warn({ error }, 'the last lines of the audit trail are lost'));
    await plane.close();
  };
  return {
    url: `http://${settings.listen}:${port}`,
    port: Number(port),
    plane,
    stop: () => (stopped ??= close()),
  };
}

/** The image server may come up later than this process. */
const makeDemoTemplates = (plane: Plane, seed: ApiSettings['seed']): Promise<void> =>
  keepTrying(
    () => ensureDemoTemplates(plane, seed),
    (error) => plane.log.warn({ error: String(error) }, 'no demo templates yet'),
  );

interface Upkept {
  readonly plane: Plane;
  readonly sessions: Sessions;
  readonly dispatcher: Dispatcher;
  readonly ways: Listeners;
}
/** The periodic work of an API. */
function startUpkeep({ plane, sessions, dispatcher, ways }: Upkept): NodeJS.Timeout[] {
  const upkeep = async (): Promise<void> => {
    await sessions.tick();
    await dispatcher.trail.flush();
    await ways.refresh();
  };
  const every = (ms: number, what: () => Promise<unknown>, failure: string): NodeJS.Timeout =>
    setInterval(() => void what().catch((error: unknown) => plane.log.warn({ error }, failure)), ms);
  return [
    every(upkeepMs, upkeep, 'upkeep failed'),
    every(aliveMs, () => showApi(plane), 'this API could not say that it lives'),
    every(watchMs, () => raiseAlarms(plane), 'alarms not looked for'),
    every(failedLoginsMs, () => alertFailedLogins(plane), 'no alert of failed logins'),
  ];
}

const isAnywhere = (address: string): boolean => ['0.0.0.0', '::'].includes(address);

interface Listeners {
  readonly nbdPort: number | undefined;
  refresh(): Promise<void>;
  /** Shuts those beside plain HTTP. */
  close(): Promise<void>;
}
/** Plain HTTP, whose address is published as soon as there is one, the local socket, TLS, NBD; the same at the addresses of hosts. */
async function openListeners(
  { app, hosts }: { app: NestFastifyApplication; hosts: HostAddresses },
  settings: ApiSettings,
  serving: Serving & { readonly halfOpen: Crowd },
  tell: (url: string) => void,
): Promise<Listeners> {
  await app.listen(settings.port, settings.listen);
  const { port } = new URL(await app.getUrl());
  tell(`http://${isAnywhere(settings.listen) ? hostname() : settings.listen}:${port}`);
  const local = settings.socket ? await listenLocally(app, serving.plane, settings.socket) : undefined;
  const tls =
    settings.tlsPort > 0
      ? await listenTls(app, { ...serving, byName: hosts.contexts.byName }, settings)
      : undefined;
  const nbd =
    settings.nbdPort === undefined
      ? undefined
      : await NbdServer.listen(serving, settings.nbdPort, settings.listen);
  await hosts.listen({ http: app.getHttpServer(), port: Number(port), nbd });
  const close = async (): Promise<void> => {
    await hosts.close();
    tls?.close();
    await local?.();
    await nbd?.stop();
  };
  const refresh = async (): Promise<void> => {
    await tls?.refresh();
    await hosts.refresh();
  };
  return { nbdPort: nbd?.port, refresh, close };
}

const retryMs = 2000;
const mostTries = 30;

async function keepTrying(work: () => Promise<void>, failed: (error: unknown) => void): Promise<void> {
  for (let tried = 1; tried <= mostTries; tried += 1) {
    try {
      return await work();
    } catch (error) {
      failed(error);
      await new Promise((resolve) => setTimeout(resolve, retryMs).unref());
    }
  }
}

function serverOf({ gateway, plane, bodies, halfOpen }: Parts, framework: RequestListener): Server {
  const server = createServer(httpLimits, (request, response) => {
    bodies.expect(request, response);
    if (!gateway.takes(request, response)) framework(request, response);
  }).on('close', () => bodies.stop());
  boundConnections(server, halfOpen);
  for (const event of ['upgrade', 'connect'])
    server.on(event, ({ socket }: IncomingMessage) => halfOpen.leave(socket));
  gateway.listen(server);
  return contain(server, (error) => plane.log.error({ error }, 'a request failed outside of its handler'));
}

interface Parts {
  readonly plane: Plane;
  readonly dispatcher: Dispatcher;
  readonly gateway: Gateway;
  readonly bodies: Bodies;
  readonly halfOpen: Crowd;
}

const ofAgent: Wanted = { mostBytes: messageLimits.bytes };
const session = /OpaqueRef:[0-9a-f-]{36}/;
/** A large call is read on when it names a session that is good. */
const ofCall = ({ sessions }: Dispatcher): Wanted => ({
  mostBytes: mostCallBytes,
  isKnown: async (head) => {
    const [token] = session.exec(head.toString('latin1')) ?? [];
    return token !== undefined && (await sessions.find(token)) !== undefined;
  },
});

async function makeApp(parts: Parts, settings: ApiSettings): Promise<NestFastifyApplication> {
  const adapter = new XapiAdapter({
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: true },
    clientErrorHandler: answerUnreadable,
    frameworkErrors: (error: FastifyError, _request: FastifyRequest, reply: FastifyReply) =>
      refuse(reply, new Refusal(error.statusCode ?? 400, error.message)),
    serverFactory: (framework: RequestListener) => serverOf(parts, framework),
  });
  const app = await NestFactory.create<NestFastifyApplication>(
    ApiModule.of(parts.plane, parts.dispatcher, settings),
    adapter,
    {
      logger: false,
      bodyParser: false,
      abortOnError: false,
    },
  );
  const fastify = app.getHttpAdapter().getInstance();
  fastify.removeAllContentTypeParsers();
  guardAgentRoutes(fastify, parts);
  fastify.addContentTypeParser('*', (request: FastifyRequest) =>
    parts.bodies.take(request.raw, isAgentRoute(request) ? ofAgent : ofCall(parts.dispatcher)),
  );
  // Images pass through as they come; everything else is small enough to be held.
  fastify.addContentTypeParser(
    'application/octet-stream',
    (_request: unknown, payload: unknown, done: (error: Error | null, body: unknown) => void) =>
      done(null, payload),
  );
  return app;
}
