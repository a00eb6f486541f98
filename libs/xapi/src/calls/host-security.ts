/** Certificates, logins from a directory, SSH: who may talk to a host, and how it proves who it is. */
import { classes, XenError, type CallsOf, type Ref, type StoredRecord } from '@xenplane/model';
import { dateTime, never, type Context } from '../context';
import { assertCertificate, certificateOf, keepCertificate, renewCertificate } from '../host-certificates';
import { hereOf } from './host-network';

type All = CallsOf<typeof classes.host, Context>;
const longestSshSeconds = 2 * 24 * 3600;

async function enableAuth(
  { tx }: Context,
  host: Ref<'host'>,
  given: { auth_type: string; service_name: string; config: Record<string, string> },
): Promise<void> {
  const { external_auth_type, external_auth_service_name } = await tx.lock('host', host);
  if (external_auth_type !== '') throw new XenError('AUTH_ALREADY_ENABLED', external_auth_type, external_auth_service_name);
  if (given.auth_type !== 'AD' && given.auth_type !== 'PAM') throw new XenError('AUTH_UNKNOWN_TYPE', given.auth_type);
  const { pass: _password, ...configuration } = given.config;
  await tx.update('host', host, {
    external_auth_type: given.auth_type,
    external_auth_service_name: given.service_name,
    external_auth_configuration: configuration,
  });
}

async function setLdaps({ tx }: Context, host: Ref<'host'>, ldaps: boolean): Promise<void> {
  const { external_auth_type, external_auth_configuration } = await tx.lock('host', host);
  if (external_auth_type !== 'AD') throw new XenError('AUTH_IS_DISABLED');
  await tx.update('host', host, { external_auth_configuration: { ...external_auth_configuration, ldaps: String(ldaps) } });
}

type Ssh = Pick<StoredRecord<'host'>, 'ssh_enabled' | 'ssh_enabled_timeout'>;
/** When a host that was opened for a while is closed again; the epoch when it was not. */
const expiryOf = ({ plane }: Context, { ssh_enabled, ssh_enabled_timeout }: Ssh): string =>
  ssh_enabled && ssh_enabled_timeout > 0 ? dateTime(new Date(plane.clock.now().getTime() + ssh_enabled_timeout * 1000)) : never;

async function setSsh(context: Context, host: Ref<'host'>, change: Partial<Ssh>): Promise<void> {
  const before = await context.tx.lock('host', host);
  const after = { ...before, ...change };
  await context.tx.update('host', host, { ...change, ssh_expiry: expiryOf(context, after) });
}

export const securityCalls = {
  get_server_certificate: async ({ tx, plane }, { host }) => {
    await tx.get('host', host);
    return (await certificateOf(tx, plane, host, 'host')).certificate;
  },
  install_server_certificate: async ({ tx, plane }, { host, certificate, private_key, certificate_chain }) => {
    await tx.lock('host', host);
    const pem = { certificate, key: private_key, chain: certificate_chain };
    assertCertificate(pem, plane.clock.now());
    await keepCertificate(tx, plane, host, 'host', pem);
  },
  reset_server_certificate: async ({ tx, plane }, { host }) => void (await renewCertificate(tx, plane, host, 'host')),
  emergency_reset_server_certificate: async (context) => void (await renewCertificate(context.tx, context.plane, hereOf(context), 'host')),
  refresh_server_certificate: async ({ tx, plane }, { host }) => void (await renewCertificate(tx, plane, host, 'host_internal')),
  emergency_disable_tls_verification: async (context) => context.tx.update('host', hereOf(context), { tls_verification_enabled: false }),
  emergency_reenable_tls_verification: async (context) => {
    const [pool] = await context.tx.find('pool', {});
    if (!pool?.tls_verification_enabled) throw new XenError('TLS_VERIFICATION_NOT_ENABLED_IN_POOL');
    await context.tx.update('host', hereOf(context), { tls_verification_enabled: true });
  },
  enable_external_auth: (context, { host, ...given }) => enableAuth(context, host, given),
  disable_external_auth: async ({ tx }, { host }) =>
    tx.update('host', host, { external_auth_type: '', external_auth_service_name: '', external_auth_configuration: {} }),
  external_auth_set_ldaps: (context, { host, ldaps }) => setLdaps(context, host, ldaps),
  enable_ssh: (context, { self }) => setSsh(context, self, { ssh_enabled: true }),
  disable_ssh: (context, { self }) => setSsh(context, self, { ssh_enabled: false }),
  set_ssh_enabled_timeout: async (context, { self, value }) => {
    if (value < 0 || value > longestSshSeconds)
      throw new XenError('VALUE_NOT_SUPPORTED', 'ssh_enabled_timeout', String(value), `Timeout must be between 0 and ${longestSshSeconds} seconds`);
    await setSsh(context, self, { ssh_enabled_timeout: value });
  },
  set_ssh_auto_mode: async (context, { self, value }) => {
    await context.tx.update('host', self, { ssh_auto_mode: value });
    // In this mode SSH is for hosts whose toolstack is down; one that answers is not.
    if (value) await setSsh(context, self, { ssh_enabled: false });
  },
} satisfies Partial<All>;
