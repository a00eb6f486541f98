/** Calls of the pool that speak with other machines, outside of any transaction. */
import { request } from 'node:https';
import { connect } from 'node:tls';
import { XenError, type Ref } from '@xenplane/model';
import { reading } from '@xenplane/store';
import type { Outside } from '../core/context';

const timeoutMs = 10_000;
const mostAnswerBytes = 2 ** 20;

/** A POST over TLS; the certificate is not checked, as this only tests whether there is somebody. */
const testPost = (host: string, port: number, body: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const failed = (): void => reject(new XenError('TLS_CONNECTION_FAILED', host, String(port)));
    if (!/^[\w.:-]{1,253}$/.test(host) || port < 1 || port > 65_535) return failed();
    const sent = request(
      {
        host,
        port,
        method: 'POST',
        path: '/',
        rejectUnauthorized: false,
        timeout: timeoutMs,
        headers: { 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        const pieces: Buffer[] = [];
        let size = 0;
        response.on('data', (piece: Buffer) =>
          (size += piece.length) > mostAnswerBytes ? response.destroy() : pieces.push(piece),
        );
        response.on('close', () => resolve(Buffer.concat(pieces).toString('utf8')));
      },
    );
    sent.on('timeout', () => sent.destroy());
    sent.on('error', failed);
    sent.end(body);
  });

/** The other pool must prove itself by the certificate that was given; what it then offers is taken, and pools of this kind offer none. */
const proven = (host: string, certificate: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const failed = (): void => reject(new XenError('TLS_CONNECTION_FAILED', host, '443'));
    if (!/^[\w.:-]{1,253}$/.test(host) || !certificate.includes('BEGIN CERTIFICATE')) return failed();
    const socket = connect(
      { host, port: 443, ca: certificate, checkServerIdentity: () => undefined, timeout: timeoutMs },
      () => {
        socket.destroy();
        resolve();
      },
    );
    socket.on('timeout', () => socket.destroy(new Error('timeout')));
    socket.on('error', failed);
  });

async function syncTrusted(
  { plane }: Outside,
  { self, remote_pool, remote_certificate }: Sync,
): Promise<Ref<'Certificate'>[]> {
  await reading(plane.store, (tx) => tx.get('pool', self));
  await proven(remote_pool, remote_certificate);
  return [];
}
interface Sync {
  readonly self: Ref<'pool'>;
  readonly remote_pool: string;
  readonly remote_certificate: string;
}

export const poolOutsiders = {
  send_test_post: (
    _outside: Outside,
    { host, port, body }: { host: string; port: number; body: string },
  ): Promise<string> => testPost(host, port, body),
  sync_trusted_certificates_from: syncTrusted,
};
