/**
 * Calls of the pool that speak with other machines, outside of any transaction. A pool of Xenplane grows by hosts whose
 * agents ask to be let in, not by pools that are merged: joining another checks all that can stand in the way, in the
 * order that clients know, and then says by which way it is done.
 */
import { request } from 'node:https';
import { connect } from 'node:tls';
import { XenError, type Ref } from '@xenplane/model';
import { reading, type Tx } from '@xenplane/store';
import type { Outside } from '../context';
import { callRemote, RemoteFailure } from '../remote-pool';

interface Join {
  readonly master_address: string;
  readonly master_username: string;
  readonly master_password: string;
}
const timeoutMs = 10_000;
const mostAnswerBytes = 2 ** 20;

/** What goes wrong on the way is told in the words of a join. */
const remote = <T>(base: string, method: string, params: readonly unknown[]): Promise<T> =>
  callRemote<T>(base, method, params).catch((error: unknown) =>
    Promise.reject(error instanceof RemoteFailure ? new XenError(error.reached ? 'JOINING_HOST_SERVICE_FAILED' : 'JOINING_HOST_CONNECTION_FAILED') : error),
  );

function baseOf(address: string): string {
  const url = address.includes('://') ? address : `http://${address}`;
  if (!URL.canParse(url)) throw new XenError('JOINING_HOST_CONNECTION_FAILED');
  return new URL(url).origin;
}

/** What of this pool forbids that it goes into another. */
async function assertMayLeave(tx: Tx): Promise<void> {
  const [pool] = await tx.find('pool', {});
  if (pool?.ha_enabled) throw new XenError('HA_IS_ENABLED');
  const [found] = await tx.query<{ hosts: number; running: boolean; busy: boolean; shared: boolean }>(
    `SELECT (SELECT count(*)::int FROM host) AS hosts, EXISTS (SELECT 1 FROM vm WHERE power_state IN ('Running', 'Paused') AND NOT is_control_domain) AS running,
            EXISTS (SELECT 1 FROM vm WHERE current_operations <> '{}') AS busy,
            EXISTS (SELECT 1 FROM sr JOIN pbd p ON p."SR" = sr.ref WHERE sr.shared AND sr.type NOT IN ('iso', 'image')) AS shared`,
    [],
  );
  if (found && found.hosts > 1) throw new XenError('JOINING_HOST_CANNOT_BE_MASTER_OF_OTHER_HOSTS');
  if (found?.running) throw new XenError('JOINING_HOST_CANNOT_HAVE_RUNNING_VMS');
  if (found?.busy) throw new XenError('JOINING_HOST_CANNOT_HAVE_VMS_WITH_CURRENT_OPERATIONS');
  if (found?.shared) throw new XenError('JOINING_HOST_CANNOT_CONTAIN_SHARED_SRS');
}

interface RemotePool {
  readonly uuid: string;
  readonly master: string;
}
interface RemoteHost {
  readonly software_version: Readonly<Record<string, string>>;
  readonly external_auth_type: string;
}
async function assertFits({ plane }: Outside, base: string, { master_username, master_password }: Join): Promise<void> {
  const session = await remote<string>(base, 'session.login_with_password', [master_username, master_password, '2.21', 'pool.join']);
  try {
    const [theirs] = Object.values(await remote<Record<string, RemotePool>>(base, 'pool.get_all_records', [session]));
    const master = theirs && (await remote<RemoteHost>(base, 'host.get_record', [session, theirs.master]));
    const own = await reading(plane.store, async (tx) => ({
      pool: (await tx.find('pool', {}))[0],
      host: (await tx.query<RemoteHost>('SELECT software_version, external_auth_type FROM host LIMIT 1'))[0],
    }));
    if (!theirs || !master || theirs.uuid === own.pool?.uuid) throw new XenError('JOINING_HOST_SERVICE_FAILED');
    if (master.software_version['product_version'] !== own.host?.software_version['product_version'])
      throw new XenError('POOL_JOINING_HOST_MUST_HAVE_SAME_PRODUCT_VERSION');
    if (master.external_auth_type !== own.host?.external_auth_type) throw new XenError('POOL_JOINING_EXTERNAL_AUTH_MISMATCH');
  } finally {
    await remote(base, 'session.logout', [session]).catch(() => undefined);
  }
}

async function join(outside: Outside, given: Join, force: boolean): Promise<void> {
  if (!force) await reading(outside.plane.store, assertMayLeave);
  await assertFits(outside, baseOf(given.master_address), given);
  throw new XenError(
    'OPERATION_NOT_ALLOWED',
    `A host joins by its agent: start it with ${given.master_address} as the address of its control plane and the join key of that pool`,
  );
}

/** A POST over TLS; the certificate is not checked, as this only tests whether there is somebody. */
const testPost = (host: string, port: number, body: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const failed = (): void => reject(new XenError('TLS_CONNECTION_FAILED', host, String(port)));
    if (!/^[\w.:-]{1,253}$/.test(host) || port < 1 || port > 65_535) return failed();
    const sent = request(
      { host, port, method: 'POST', path: '/', rejectUnauthorized: false, timeout: timeoutMs, headers: { 'content-length': Buffer.byteLength(body) } },
      (response) => {
        const pieces: Buffer[] = [];
        let size = 0;
        response.on('data', (piece: Buffer) => ((size += piece.length) > mostAnswerBytes ? response.destroy() : pieces.push(piece)));
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
    const socket = connect({ host, port: 443, ca: certificate, checkServerIdentity: () => undefined, timeout: timeoutMs }, () => {
      socket.destroy();
      resolve();
    });
    socket.on('timeout', () => socket.destroy(new Error('timeout')));
    socket.on('error', failed);
  });

async function syncTrusted({ plane }: Outside, { self, remote_pool, remote_certificate }: Sync): Promise<Ref<'Certificate'>[]> {
  await reading(plane.store, (tx) => tx.get('pool', self));
  await proven(remote_pool, remote_certificate);
  return [];
}
interface Sync {
  readonly self: Ref<'pool'>;
  readonly remote_pool: string;
  readonly remote_certificate: string;
}

export const joinOutside = {
  join: (outside: Outside, given: Join): Promise<void> => join(outside, given, false),
  join_force: (outside: Outside, given: Join): Promise<void> => join(outside, given, true),
  send_test_post: (_outside: Outside, { host, port, body }: { host: string; port: number; body: string }): Promise<string> => testPost(host, port, body),
  sync_trusted_certificates_from: syncTrusted,
};
