/** Certificates that the pool trusts and lists of revoked ones: records for clients, the texts in a table that every host's agent may ask for. */
import { X509Certificate } from 'node:crypto';
import {
  asRef,
  nullRef,
  XenError,
  type ErrorCode,
  type Ref,
  type StoredRecord,
  type TypeOf,
  type enums,
} from '@xenplane/model';
import { dateTime, type Context } from '../core/context';
import { recordWith } from '../core/records';
import { lockPool, setEverywhere } from './pool-record';
import { insertPoolFile, poolFileNames, removePoolFile } from '../tables/pool-files';

type Purpose = TypeOf<typeof enums.certificate_purpose>;
type Kind = 'ca' | 'crl' | 'pinned';
type Codes = {
  readonly exists: ErrorCode;
  readonly missing: ErrorCode;
  readonly badName: ErrorCode;
  readonly corrupt: ErrorCode;
};
const codes: Readonly<Record<'ca' | 'crl', Codes>> = {
  ca: {
    exists: 'CERTIFICATE_ALREADY_EXISTS',
    missing: 'CERTIFICATE_DOES_NOT_EXIST',
    badName: 'CERTIFICATE_NAME_INVALID',
    corrupt: 'CERTIFICATE_CORRUPT',
  },
  crl: {
    exists: 'CRL_ALREADY_EXISTS',
    missing: 'CRL_DOES_NOT_EXIST',
    badName: 'CRL_NAME_INVALID',
    corrupt: 'CRL_CORRUPT',
  },
};
const plainName = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const mostBytes = 65_536;

function parsed(pem: string): X509Certificate | undefined {
  if (pem.length > mostBytes || !/-----BEGIN CERTIFICATE-----/.test(pem)) return undefined;
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
const isRevocationList = (pem: string): boolean =>
  pem.length <= mostBytes &&
  /^\s*-----BEGIN X509 CRL-----\s[A-Za-z0-9+/=\s]+-----END X509 CRL-----\s*$/.test(pem);

function assertName(kind: 'ca' | 'crl', name: string): void {
  if (!plainName.test(name) || name.includes('..')) throw new XenError(codes[kind].badName, name);
}
const namesOf = ({ tx }: Context, kind: Kind): Promise<string[]> => poolFileNames(tx, kind);
const keep = ({ tx }: Context, kind: Kind, name: string, content: string): Promise<boolean> =>
  insertPoolFile(tx, kind, name, content);
const drop = ({ tx }: Context, kind: Kind, name: string): Promise<boolean> => removePoolFile(tx, kind, name);

async function record(
  { tx, plane }: Context,
  given: Pick<StoredRecord<'Certificate'>, 'name' | 'type' | 'purpose'>,
  cert: X509Certificate,
): Promise<Ref<'Certificate'>> {
  const uuid = plane.ids.uuid(),
    ref = asRef<'Certificate'>(`OpaqueRef:${uuid}`);
  await tx.insert(
    'Certificate',
    ref,
    recordWith('Certificate', {
      ...given,
      uuid,
      host: nullRef(),
      not_before: dateTime(new Date(cert.validFrom)),
      not_after: dateTime(new Date(cert.validTo)),
      fingerprint: cert.fingerprint256,
      fingerprint_sha256: cert.fingerprint256,
      fingerprint_sha1: cert.fingerprint,
    }),
  );
  return ref;
}

async function installCa(context: Context, name: string, pem: string): Promise<void> {
  assertName('ca', name);
  const certificate = parsed(pem);
  if (!certificate) throw new XenError('CERTIFICATE_CORRUPT', name);
  if (!(await keep(context, 'ca', name, pem))) throw new XenError('CERTIFICATE_ALREADY_EXISTS', name);
  await record(context, { name, type: 'ca', purpose: [] }, certificate);
}
async function uninstallCa(context: Context, name: string, force: boolean): Promise<void> {
  assertName('ca', name);
  if (!(await drop(context, 'ca', name)) && !force) throw new XenError('CERTIFICATE_DOES_NOT_EXIST', name);
  for (const { ref } of await context.tx.find('Certificate', { type: 'ca', name }))
    await context.tx.remove('Certificate', ref);
}

async function installRevocations(context: Context, name: string, pem: string): Promise<void> {
  assertName('crl', name);
  if (!isRevocationList(pem)) throw new XenError('CRL_CORRUPT', name);
  if (!(await keep(context, 'crl', name, pem))) throw new XenError('CRL_ALREADY_EXISTS', name);
}
async function uninstallRevocations(context: Context, name: string): Promise<void> {
  assertName('crl', name);
  if (!(await drop(context, 'crl', name))) throw new XenError('CRL_DOES_NOT_EXIST', name);
}

async function trust(
  context: Context,
  { ca, cert, purpose }: { ca: boolean; cert: string; purpose: Purpose[] },
): Promise<void> {
  const certificate = parsed(cert);
  if (!certificate) throw new XenError('TRUSTED_CERTIFICATE_INVALID');
  const now = context.plane.clock.now(),
    from = new Date(certificate.validFrom),
    to = new Date(certificate.validTo);
  if (now < from) throw new XenError('TRUSTED_CERTIFICATE_NOT_VALID_YET', dateTime(now), dateTime(from));
  if (now > to) throw new XenError('TRUSTED_CERTIFICATE_EXPIRED', dateTime(now), dateTime(to));
  const kind = ca ? 'ca' : 'pinned';
  const name = `${certificate.fingerprint256.replaceAll(':', '').toLowerCase()}.pem`;
  if (!(await keep(context, kind, name, cert)))
    throw new XenError('TRUSTED_CERTIFICATE_ALREADY_EXISTS', certificate.fingerprint256);
  await record(context, { name, type: kind, purpose }, certificate);
}
async function distrust(context: Context, ref: Ref<'Certificate'>): Promise<void> {
  const { type, name } = await context.tx.lock('Certificate', ref);
  if (type !== 'ca' && type !== 'pinned') throw new XenError('NOT_TRUSTED_CERTIFICATE', ref);
  await drop(context, type, name);
  await context.tx.remove('Certificate', ref);
}

async function enableVerification(context: Context): Promise<void> {
  const pool = await lockPool(context);
  if (pool.ha_enabled) throw new XenError('HA_IS_ENABLED');
  await context.tx.update('pool', pool.ref, { tls_verification_enabled: true });
  await setEverywhere(context, { tls_verification_enabled: true });
}

async function setClientCertificates(
  { tx }: Context,
  self: Ref<'pool'>,
  enabled: boolean,
  name: string,
): Promise<void> {
  await tx.lock('pool', self);
  await tx.update('pool', self, {
    client_certificate_auth_enabled: enabled,
    client_certificate_auth_name: name,
  });
}

type Named = { readonly name: string };
type Pem = Named & { readonly cert: string };
export const poolCertificates = {
  certificate_install: (context: Context, { name, cert }: Pem): Promise<void> =>
    installCa(context, name, cert),
  certificate_uninstall: (context: Context, { name }: Named): Promise<void> =>
    uninstallCa(context, name, false),
  certificate_list: (context: Context): Promise<string[]> => namesOf(context, 'ca'),
  install_ca_certificate: (context: Context, { name, cert }: Pem): Promise<void> =>
    installCa(context, name, cert),
  uninstall_ca_certificate: (context: Context, { name, force }: Named & { force: boolean }): Promise<void> =>
    uninstallCa(context, name, force),
  crl_install: (context: Context, { name, cert }: Pem): Promise<void> =>
    installRevocations(context, name, cert),
  crl_uninstall: (context: Context, { name }: Named): Promise<void> => uninstallRevocations(context, name),
  crl_list: (context: Context): Promise<string[]> => namesOf(context, 'crl'),
  /** There is one copy for all hosts: nothing can differ. */
  certificate_sync: async (context: Context): Promise<void> => void (await lockPool(context)),
  install_trusted_certificate: async (
    context: Context,
    { self, ...given }: { self: Ref<'pool'>; ca: boolean; cert: string; purpose: Purpose[] },
  ): Promise<void> => {
    await context.tx.get('pool', self);
    await trust(context, given);
  },
  uninstall_trusted_certificate: async (
    context: Context,
    { self, certificate }: { self: Ref<'pool'>; certificate: Ref<'Certificate'> },
  ): Promise<void> => {
    await context.tx.get('pool', self);
    await distrust(context, certificate);
  },
  enable_tls_verification: (context: Context): Promise<void> => enableVerification(context),
  enable_client_certificate_auth: (
    context: Context,
    { self, name }: Named & { self: Ref<'pool'> },
  ): Promise<void> => setClientCertificates(context, self, true, name),
  disable_client_certificate_auth: (context: Context, { self }: { self: Ref<'pool'> }): Promise<void> =>
    setClientCertificates(context, self, false, ''),
};
