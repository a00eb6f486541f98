/** The same service on a unix socket that only the user of this process can open: who comes by it is root, without a password. */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Plane } from '@xenplane/xapi';
import { contain } from '@xenplane/http';
import { watchUploads } from './handlers/exchange/unframed';
import { httpLimits } from './http-limits';
import { answerUnreadable } from './unreadable';

const locals = new WeakSet<Duplex>();
/** True if a connection came by the local socket. */
export const isLocal = (socket: Duplex): boolean => locals.has(socket);

const isAnswered = (file: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(file, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** A socket that nobody listens on was left by a process that died; anything else at its place is not ours to take away. */
async function clear(file: string): Promise<void> {
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isSocket()) throw new Error(`${file} is there already and is no socket`);
  if (await isAnswered(file)) throw new Error(`another process listens on ${file}`);
  unlinkSync(file);
}

/** Answers how to stop; the file goes with it. */
export async function listenLocally(
  app: NestFastifyApplication,
  { log }: Pick<Plane, 'log'>,
  file: string,
): Promise<() => Promise<void>> {
  const plain = app.getHttpServer();
  await clear(file);
  const server = contain(createServer(httpLimits), (error) =>
    log.error({ error }, 'a local connection failed'),
  );
  server.on('connection', (socket) => locals.add(socket));
  server.on('connection', watchUploads);
  for (const event of ['request', 'upgrade', 'connect'] as const)
    server.on(event, (...args: unknown[]) => plain.emit(event, ...args));
  server.on('clientError', answerUnreadable);
  // Nobody else may open it at any moment, not even before its mode is set.
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(file, resolve);
      process.umask(before);
    });
  } finally {
    process.umask(before);
  }
  chmodSync(file, 0o600);
  return async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };
}
