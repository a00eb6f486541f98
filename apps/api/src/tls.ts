/** The same service over TLS, with an RSA certificate made at the first start: several clients speak only ECDHE-RSA. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import path from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { ApiSettings } from '@xenplane/config';
import { httpLimits } from './http-limits';
import { answerUnreadable } from './unreadable';

const tenYearsMs = 10 * 365 * 24 * 3600 * 1000;

async function certificate(folder: string): Promise<{ key: string; cert: string }> {
  const keyFile = path.join(folder, 'tls.key'),
    certFile = path.join(folder, 'tls.crt');
  if (!existsSync(keyFile) || !existsSync(certFile)) {
    mkdirSync(folder, { recursive: true });
    const { generate } = await import('selfsigned'); // seldom needed, and 10 MB of modules
    const made = await generate([{ name: 'commonName', value: 'xenplane' }], {
      keyType: 'rsa',
      keySize: 2048,
      algorithm: 'sha256',
      notAfterDate: new Date(Date.now() + tenYearsMs),
      extensions: [
        {
          name: 'subjectAltName',
          altNames: [
            { type: 2, value: 'localhost' },
            { type: 7, ip: '127.0.0.1' },
          ],
        },
      ],
    });
    writeFileSync(keyFile, made.private, { mode: 0o600 });
    writeFileSync(certFile, made.cert);
  }
  return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') };
}

export async function listenTls(app: NestFastifyApplication, settings: ApiSettings): Promise<Server> {
  const plain = app.getHttpServer();
  const server = createServer({ ...httpLimits, ...(await certificate(settings.data)), minVersion: 'TLSv1.2' });
  for (const event of ['request', 'upgrade', 'connect'] as const) server.on(event, (...args: unknown[]) => plain.emit(event, ...args));
  server.on('clientError', answerUnreadable);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(settings.tlsPort, settings.listen, resolve));
  return server;
}
