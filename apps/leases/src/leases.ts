/**
 * Renews the leases of hosts and does nothing else, in a process of its own with connections of its own: whatever blocks,
 * overloads or ends an API costs no guest. Any number of these may run.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LeasesSettings } from '@xenplane/config';
import { boundConnections, contain } from '@xenplane/http';
import { makeLog, type Log, type RunningProcess } from '@xenplane/process';
import { openDatabase, type LeaseDatabase } from './database';
import { RenewalAuthorization } from './renewal-authorization';
import { readBody, Refused } from './body';
import { BadShape, readMessage, renewalsReader, type RenewalRequest } from '@xenplane/hypervisor';
import { renewLeases } from '@xenplane/leases';

const limits = {
  requestTimeout: 5_000,
  headersTimeout: 3_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 60_000,
  maxHeaderSize: 8_192,
};

export interface RunningLeases extends RunningProcess {
  readonly url: string;
}

export async function startLeases(settings: LeasesSettings): Promise<RunningLeases> {
  const log = makeLog('leases', settings.logLevel);
  const database = openDatabase(settings.databaseUrl);
  const door = new RenewalAuthorization(database);
  const server = contain(
    boundConnections(
      createServer(limits, (request, response) => void answer(request, response, { database, door, log })),
    ),
    (error) => log.error({ error }, 'a request failed outside of its handler'),
  );
  server.on('clientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(settings.port, settings.listen, resolve),
  );
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
    await database.close();
  };
  return { url: `http://${settings.listen}:${port}`, stop };
}

interface Parts {
  readonly database: LeaseDatabase;
  readonly door: RenewalAuthorization;
  readonly log: Log;
}

async function answer(request: IncomingMessage, response: ServerResponse, parts: Parts): Promise<void> {
  request.on('error', () => undefined);
  response.on('error', () => undefined);
  try {
    send(response, 200, await resultOf(request, parts));
  } catch (error) {
    if (!(error instanceof Refused))
      parts.log.warn({ error: error instanceof Error ? error.message : String(error) }, 'leases not renewed');
    send(response, error instanceof Refused ? error.status : 503, {
      error: error instanceof Refused ? error.message : 'the database does not answer',
    });
  }
}

function resultOf(request: IncomingMessage, { database, door }: Parts): Promise<object> {
  if (request.method === 'POST' && request.url === '/agent/v1/renewals')
    return renewals(request, database, door);
  if (request.method === 'GET' && request.url === '/health/live') return Promise.resolve({ status: 'ok' });
  if (request.method === 'GET' && request.url === '/health/ready')
    return door.look().then(() => ({ status: 'ok' }));
  return Promise.reject(new Refused(404, 'there is no such thing'));
}

/** The token first: no byte of the body of a stranger is read. */
async function renewals(
  request: IncomingMessage,
  database: LeaseDatabase,
  door: RenewalAuthorization,
): Promise<object> {
  await door.admit(request.headers.authorization);
  return renewLeases(database, read(await readBody(request)));
}

function read(body: Buffer): RenewalRequest {
  try {
    return readMessage(renewalsReader, body);
  } catch (error) {
    throw error instanceof BadShape ? new Refused(400, error.complaint) : error;
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent || response.destroyed) return;
  // The rest of a body is not waited for.
  const rest = status === 200 ? {} : { connection: 'close' };
  response.writeHead(status, { 'content-type': 'application/json', ...rest }).end(JSON.stringify(body));
}
