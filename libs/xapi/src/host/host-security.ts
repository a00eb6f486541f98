/** Certificates and SSH: who may talk to a host, and how it proves who it is. */
import { classes, XenError, type CallsOf, type Ref, type StoredRecord } from '@xenplane/model';
import { raiseAlert } from '../core/alerts';
import { dateTime, never, type Context } from '../core/context';
import { assertCertificate, certificateOf, keepCertificates, renewCertificate } from './host-certificates';
import { hereOf } from '../network/management-interface';

type All = CallsOf<typeof classes.host, Context>;
const longestSshSeconds = 2 * 24 * 3600;

type Ssh = Pick<StoredRecord<'host'>, 'ssh_enabled' | 'ssh_enabled_timeout'>;
/** When a host that was opened for a while is closed again; the epoch when it was not. */
const expiryOf = ({ plane }: Context, { ssh_enabled, ssh_enabled_timeout }: Ssh): string =>
  ssh_enabled && ssh_enabled_timeout > 0
    ? dateTime(new Date(plane.clock.now().getTime() + ssh_enabled_timeout * 1000))
    : never;

async function setSsh(context: Context, host: Ref<'host'>, change: Partial<Ssh>): Promise<void> {
  const before = await context.tx.lock('host', host);
  const after = { ...before, ...change };
  await context.tx.update('host', host, { ...change, ssh_expiry: expiryOf(context, after) });
}

const unverified = 'TLS_VERIFICATION_EMERGENCY_DISABLED';
/** An alert that stays for as long as this host alone of its pool does not check its peers. */
async function disableVerification(context: Context): Promise<void> {
  const { tx, plane } = context;
  const { ref, uuid, tls_verification_enabled } = await tx.lock('host', hereOf(context));
  const [pool] = await tx.find('pool', {});
  await tx.update('host', ref, { tls_verification_enabled: false });
  if (pool?.tls_verification_enabled && tls_verification_enabled)
    await raiseAlert(tx, plane, {
      name: unverified,
      priority: 3,
      cls: 'Host',
      obj_uuid: uuid,
      body: `<body><host>${uuid}</host></body>`,
    });
}

async function enableVerification(context: Context): Promise<void> {
  const { tx } = context;
  const [pool] = await tx.find('pool', {});
  if (!pool?.tls_verification_enabled) throw new XenError('TLS_VERIFICATION_NOT_ENABLED_IN_POOL');
  const { ref, uuid } = await tx.lock('host', hereOf(context));
  await tx.update('host', ref, { tls_verification_enabled: true });
  await tx.query("DELETE FROM message WHERE name = $1 AND cls = 'Host' AND obj_uuid = $2", [
    unverified,
    uuid,
  ]);
}

export const securityCalls = {
  get_server_certificate: async ({ tx, plane }, { host }) => {
    await tx.get('host', host);
    return (await certificateOf(tx, plane, host, 'host')).certificate;
  },
  install_server_certificate: async (
    { tx, plane },
    { host, certificate, private_key, certificate_chain },
  ) => {
    await tx.lock('host', host);
    const pem = { certificate, key: private_key, chain: certificate_chain };
    assertCertificate(pem, plane.clock.now());
    await keepCertificates(tx, plane, 'host', [{ host, pem }]);
  },
  reset_server_certificate: async ({ tx, plane }, { host }) =>
    void (await renewCertificate(tx, plane, host, 'host')),
  emergency_reset_server_certificate: async (context) =>
    void (await renewCertificate(context.tx, context.plane, hereOf(context), 'host')),
  refresh_server_certificate: async ({ tx, plane }, { host }) =>
    void (await renewCertificate(tx, plane, host, 'host_internal')),
  emergency_disable_tls_verification: (context) => disableVerification(context),
  emergency_reenable_tls_verification: (context) => enableVerification(context),
  enable_ssh: (context, { self }) => setSsh(context, self, { ssh_enabled: true }),
  disable_ssh: (context, { self }) => setSsh(context, self, { ssh_enabled: false }),
  set_ssh_enabled_timeout: async (context, { self, value }) => {
    if (value < 0 || value > longestSshSeconds)
      throw new XenError(
        'VALUE_NOT_SUPPORTED',
        'ssh_enabled_timeout',
        String(value),
        `Timeout must be between 0 and ${longestSshSeconds} seconds`,
      );
    await setSsh(context, self, { ssh_enabled_timeout: value });
  },
  set_ssh_auto_mode: async (context, { self, value }) => {
    await context.tx.update('host', self, { ssh_auto_mode: value });
    // In this mode SSH is for hosts whose toolstack is down; one that answers is not.
    if (value) await setSsh(context, self, { ssh_enabled: false });
  },
} satisfies Partial<All>;
