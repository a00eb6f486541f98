/** The same service over TLS, with the certificate of the pool, or of the host by whose name it was asked: another one that it is given is shown from the next second on. */
import { createServer, type ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { ApiSettings } from '@xenplane/config';
import { secureOptions, shownCertificate, type Plane } from '@xenplane/xapi';
import { contain, type Crowd } from '@xenplane/http';
import { watchUploads } from './handlers/exchange/unframed';
import { handshakeMs, httpLimits } from './http-limits';
import { answerUnreadable } from './unreadable';

export interface TlsListener {
  close(): void;
  /** Looks whether the pool has another certificate by now. */
  refresh(): Promise<void>;
}

export async function listenTls(
  app: NestFastifyApplication,
  {
    plane,
    halfOpen,
    byName,
  }: {
    readonly plane: Plane;
    readonly halfOpen: Crowd;
    readonly byName: NonNullable<ServerOptions['SNICallback']>;
  },
  { tlsPort, listen }: ApiSettings,
): Promise<TlsListener> {
  const plain = app.getHttpServer();
  let shown = await shownCertificate(plane);
  const options = {
    ...httpLimits,
    handshakeTimeout: handshakeMs,
    ...secureOptions(shown),
    SNICallback: byName,
  };
  const server = contain(createServer(options), (error) =>
    plane.log.error({ error }, 'a connection over TLS failed'),
  );
  for (const event of ['request', 'upgrade', 'connect'] as const)
    server.on(event, (...args: unknown[]) => plain.emit(event, ...args));
  server.on('connection', (socket: Socket) => halfOpen.enter(socket));
  server.on('secureConnection', watchUploads);
  server.on('clientError', answerUnreadable);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(tlsPort, listen, resolve));
  const refresh = async (): Promise<void> => {
    const now = await shownCertificate(plane);
    if (now.certificate === shown.certificate && now.key === shown.key && now.chain === shown.chain) return;
    server.setSecureContext(secureOptions(now));
    shown = now;
  };
  return { refresh, close: () => server.close() };
}
