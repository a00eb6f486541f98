/** The API service: any number of replicas over one database, none of them special. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { hostname } from 'node:os';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { ApiSettings } from '@xenplane/config';
import {
  Dispatcher,
  ensureDemoTemplate,
  ensurePool,
  openPlane,
  raiseAlarms,
  Sessions,
  TransferBeats,
  tellFailedLogins,
  type Plane,
  type RunningProcess,
} from '@xenplane/xapi';
import { XapiAdapter } from './adapter';
import { ApiModule } from './api.module';
import { Gateway } from './handlers/gateway';
import { httpLimits } from './http-limits';
import { listenLocally } from './local-socket';
import type { Serving } from './nbd/export';
import { NbdServer } from './nbd/server';
import { listenTls } from './tls';
import { Unfinished } from './unfinished';
import { answerUnreadable } from './unreadable';

const bodyLimitBytes = 16 * 2 ** 20;
const upkeepMs = 1000;
/** Metrics are watched by the minute. */
const watchMs = 60_000;
/** Who was refused at the door is told by the hour. */
const doorMs = 3_600_000;

export interface RunningApi extends RunningProcess {
  readonly url: string;
  readonly port: number;
  readonly plane: Plane;
}

export async function startApi(settings: ApiSettings): Promise<RunningApi> {
  let url = settings.url ?? '';
  const nbd: { port?: number | undefined } = {};
  const plane = await openPlane({ ...settings, url: () => url, nbdPort: () => nbd.port, name: 'api', replica: true });
  await ensurePool(plane, { seed: settings.seed, rootPassword: settings.rootPassword, vms: settings.vms });
  const sessions = new Sessions(plane);
  const beats = new TransferBeats(plane);
  beats.start();
  const dispatcher = new Dispatcher(plane, sessions, beats);
  const gateway = new Gateway(plane, dispatcher, beats);
  const app = await makeApp({ plane, dispatcher, gateway }, settings);
  const ways = await openWays(app, settings, { plane, sessions, beats }, (found) => (url ||= found)).catch(async (error: unknown) => {
    beats.stop();
    await app.close();
    await plane.close();
    throw error;
  });
  if (settings.imagesSecret)
    void keepTrying(
      () => ensureDemoTemplate(plane, settings.seed),
      (error) => plane.log.warn({ error: String(error) }, 'no demo template yet'),
    );
  const upkeep = async (): Promise<void> => {
    await sessions.tick();
    await dispatcher.trail.flush();
    await ways.refresh();
  };
  const every = (ms: number, what: () => Promise<unknown>, failure: string): NodeJS.Timeout =>
    setInterval(() => void what().catch((error: unknown) => plane.log.warn({ error }, failure)), ms);
  const timers = [
    every(upkeepMs, upkeep, 'upkeep failed'),
    every(watchMs, () => raiseAlarms(plane), 'alarms not looked for'),
    every(doorMs, () => tellFailedLogins(plane), 'failed logins not told'),
  ];
  nbd.port = ways.nbdPort;
  const { port } = new URL(await app.getUrl());
  const stop = async (): Promise<void> => {
    for (const timer of timers) clearInterval(timer);
    await ways.close();
    beats.stop();
    app.getHttpServer().closeAllConnections();
    await app.close();
    await dispatcher.trail.flush().catch((error: unknown) => plane.log.warn({ error }, 'the last lines of the audit trail are lost'));
    await plane.close();
  };
  return { url: `http://${settings.listen}:${port}`, port: Number(port), plane, stop };
}

const isAnywhere = (address: string): boolean => ['0.0.0.0', '::'].includes(address);

interface Ways {
  readonly nbdPort: number | undefined;
  refresh(): Promise<void>;
  /** Shuts those beside plain HTTP. */
  close(): Promise<void>;
}
/** Plain HTTP, whose address is told as soon as there is one, the local socket, TLS, NBD. */
async function openWays(app: NestFastifyApplication, settings: ApiSettings, serving: Serving, tell: (url: string) => void): Promise<Ways> {
  await app.listen(settings.port, settings.listen);
  const { port } = new URL(await app.getUrl());
  tell(`http://${isAnywhere(settings.listen) ? hostname() : settings.listen}:${port}`);
  const local = settings.socket ? await listenLocally(app, settings.socket) : undefined;
  const tls = settings.tlsPort > 0 ? await listenTls(app, serving.plane, settings) : undefined;
  const nbd = settings.nbdPort === undefined ? undefined : await NbdServer.listen(serving, settings.nbdPort, settings.listen);
  const close = async (): Promise<void> => {
    tls?.close();
    await local?.();
    await nbd?.stop();
  };
  return { nbdPort: nbd?.port, refresh: async () => tls?.refresh(), close };
}

const retryMs = 2000;
const mostTries = 30;

/** The image server may come up later than this process. */
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

function serverOf(gateway: Gateway, framework: RequestListener): Server {
  const unfinished = new Unfinished();
  const server = createServer(httpLimits, (request, response) => {
    if (gateway.takes(request, response)) return;
    unfinished.watch(request, response);
    framework(request, response);
  }).on('close', () => unfinished.stop());
  gateway.listen(server);
  return server;
}

interface Parts {
  readonly plane: Plane;
  readonly dispatcher: Dispatcher;
  readonly gateway: Gateway;
}

async function makeApp({ plane, dispatcher, gateway }: Parts, settings: ApiSettings): Promise<NestFastifyApplication> {
  const adapter = new XapiAdapter({
    bodyLimit: bodyLimitBytes,
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: true },
    clientErrorHandler: answerUnreadable,
    serverFactory: (framework: RequestListener) => serverOf(gateway, framework),
  });
  const app = await NestFactory.create<NestFastifyApplication>(ApiModule.of(plane, dispatcher, settings), adapter, {
    logger: false,
    bodyParser: false,
    abortOnError: false,
  });
  const fastify = app.getHttpAdapter().getInstance();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request: unknown, body: unknown, done: (error: Error | null, body: unknown) => void) =>
    done(null, body),
  );
  // Images pass through as they come; everything else is small enough to be held.
  fastify.addContentTypeParser('application/octet-stream', (_request: unknown, payload: unknown, done: (error: Error | null, body: unknown) => void) =>
    done(null, payload),
  );
  return app;
}
