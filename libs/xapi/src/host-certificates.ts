/** The TLS certificates of hosts: made, checked as xapi checks them, kept, and shown in Certificate records. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { hostname as machineName } from 'node:os';
import { asRef, XenError, type Ref, type StoredRecord } from '@xenplane/model';
import type { Reader, Tx } from '@xenplane/store';
import { dateTime, type Plane } from './context';
import { hostSetting, setHostSetting } from './host-settings';
import { recordWith } from './records';

export type CertificateKind = Extract<StoredRecord<'Certificate'>['type'], 'host' | 'host_internal'>;
export interface Pem {
  readonly certificate: string;
  readonly key: string;
  readonly chain: string;
}
const settingOf = (kind: CertificateKind): string => `certificate/${kind}`;
const tenYearsMs = 10 * 365 * 24 * 3600 * 1000;

/** The certificate of a host: until it is given one of its own, for its clients the pool's first one; else one that is made when somebody first asks. */
export async function certificateOf(tx: Tx, plane: Plane, host: Ref<'host'>, kind: CertificateKind): Promise<Pem> {
  const present = await hostSetting<Pem | null>(tx, host, settingOf(kind), null);
  if (present) return present;
  const first = kind === 'host' ? await presentFirst(tx) : undefined;
  if (!first) return renewCertificate(tx, plane, host, kind);
  await keepCertificate(tx, plane, host, kind, first);
  return first;
}

export async function renewCertificate(tx: Tx, plane: Plane, host: Ref<'host'>, kind: CertificateKind): Promise<Pem> {
  const { hostname, address, uuid } = await tx.get('host', host);
  const pem = await selfSigned(plane, kind === 'host' ? address : uuid, [hostname, address, ...ownNames(plane)]);
  // Locked now and not before: a key takes its time to make.
  await tx.lock('host', host);
  await keepCertificate(tx, plane, host, kind, pem);
  return pem;
}

/** Under which clients may reach this process: every API process answers for every host. */
function ownNames({ settings }: Plane): string[] {
  const url = settings.url();
  return ['localhost', '127.0.0.1', '::1', machineName(), ...(URL.canParse(url) ? [new URL(url).hostname.replace(/^\[|\]$/g, '')] : [])];
}

/** RSA, as several clients speak only ECDHE-RSA. */
async function selfSigned({ clock }: Plane, commonName: string, names: readonly string[]): Promise<Pem> {
  const now = clock.now();
  const { generate } = await import('selfsigned'); // seldom needed, and 10 MB of modules
  const altNames = [...new Set(names)].map((name) => (isIP(name) ? { type: 7 as const, ip: name } : { type: 2 as const, value: name }));
  const made = await generate([{ name: 'commonName', value: commonName }], {
    keyType: 'rsa',
    keySize: 2048,
    algorithm: 'sha256',
    notBeforeDate: now,
    notAfterDate: new Date(now.getTime() + tenYearsMs),
    extensions: [{ name: 'subjectAltName', altNames }],
  });
  return { certificate: made.cert, key: made.private, chain: '' };
}

const firstKey = 'certificate/first';
async function presentFirst(reader: Reader): Promise<Pem | undefined> {
  const [row] = await reader.query<{ value: Pem }>('SELECT value FROM setting WHERE key = $1', [firstKey]);
  return row?.value;
}
/** Made once for the pool, before it has hosts; the same for all processes. */
async function first(plane: Plane): Promise<Pem> {
  const present = await presentFirst(plane.store);
  if (present) return present;
  const made = await selfSigned(plane, 'xenplane', ownNames(plane));
  await plane.store.query('INSERT INTO setting(key, value) VALUES ($1, $2::jsonb) ON CONFLICT (key) DO NOTHING', [firstKey, JSON.stringify(made)]);
  return (await presentFirst(plane.store)) ?? made;
}

/** What clients of TLS are shown, in every API process: the certificate of the host that the pool names as its master. */
export async function shownCertificate(plane: Plane): Promise<Pem> {
  const [row] = await plane.store.query<{ value: Pem }>(`SELECT s.value FROM pool p JOIN setting s ON s.key = 'host/' || p.master || '/' || $1`, [
    settingOf('host'),
  ]);
  return row?.value ?? first(plane);
}

/** For a server that shows it. */
export const secureOptions = ({ certificate, chain, key }: Pem) => ({ cert: `${certificate.trimEnd()}\n${chain}`, key, minVersion: 'TLSv1.2' as const });

/** A host that is new is shown with the pool's first certificate, where it has one. */
export async function introduceCertificates(tx: Tx, plane: Plane, hosts: readonly Ref<'host'>[]): Promise<void> {
  const pem = await presentFirst(tx);
  if (pem) for (const host of hosts) await keepCertificate(tx, plane, host, 'host', pem);
}

/** Replaces what the host had of this kind, record and all. */
export async function keepCertificate(tx: Tx, plane: Plane, host: Ref<'host'>, kind: CertificateKind, pem: Pem): Promise<void> {
  for (const old of await tx.find('Certificate', { host, type: kind })) await tx.remove('Certificate', old.ref);
  const x509 = new X509Certificate(pem.certificate);
  const uuid = plane.ids.uuid();
  await tx.insert(
    'Certificate',
    asRef<'Certificate'>(`OpaqueRef:${uuid}`),
    recordWith('Certificate', {
      uuid,
      type: kind,
      host,
      not_before: dateTime(new Date(x509.validFrom)),
      not_after: dateTime(new Date(x509.validTo)),
      fingerprint: x509.fingerprint256,
      fingerprint_sha256: x509.fingerprint256,
      fingerprint_sha1: x509.fingerprint,
    }),
  );
  await setHostSetting(tx, host, settingOf(kind), pem);
}

const algorithms: Readonly<Record<string, string>> = {
  ec: '1.2.840.10045.2.1',
  dsa: '1.2.840.10040.4.1',
  ed25519: '1.3.101.112',
  ed448: '1.3.101.113',
  'rsa-pss': '1.2.840.113549.1.1.10',
};
const shortest = 2048,
  longest = 4096;

function privateKey(text: string): KeyObject {
  const key = attempt(() => createPrivateKey(text));
  if (!key) throw new XenError('SERVER_CERTIFICATE_KEY_INVALID');
  if (key.asymmetricKeyType !== 'rsa')
    throw new XenError('SERVER_CERTIFICATE_KEY_ALGORITHM_NOT_SUPPORTED', algorithms[key.asymmetricKeyType ?? ''] ?? String(key.asymmetricKeyType));
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < shortest || bits > longest) throw new XenError('SERVER_CERTIFICATE_KEY_RSA_LENGTH_NOT_SUPPORTED', String(bits));
  return key;
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}

const pemBlock = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
/** SHA-256 or SHA-512 with RSA, as their object identifiers stand in the certificate. */
const signatures = ['2a864886f70d01010b', '2a864886f70d01010d'];
const isSignedWell = (x509: X509Certificate): boolean => signatures.some((oid) => x509.raw.toString('hex').includes(`0609${oid}`));

/** The key first, then the certificate, then its chain: the first thing wrong is the answer. */
export function assertCertificate(pem: Pem, now: Date): void {
  const key = privateKey(pem.key);
  const x509 = attempt(() => new X509Certificate(pem.certificate));
  if (!x509) throw new XenError('SERVER_CERTIFICATE_INVALID');
  if (new Date(x509.validFrom) > now) throw new XenError('SERVER_CERTIFICATE_NOT_VALID_YET', dateTime(now), dateTime(new Date(x509.validFrom)));
  if (new Date(x509.validTo) < now) throw new XenError('SERVER_CERTIFICATE_EXPIRED', dateTime(now), dateTime(new Date(x509.validTo)));
  if (!x509.checkPrivateKey(key)) throw new XenError('SERVER_CERTIFICATE_KEY_MISMATCH');
  if (!isSignedWell(x509)) throw new XenError('SERVER_CERTIFICATE_SIGNATURE_NOT_SUPPORTED');
  if (pem.chain.trim() === '') return;
  const blocks = pem.chain.match(pemBlock) ?? [];
  if (blocks.length === 0 || blocks.some((block) => !attempt(() => new X509Certificate(block)))) throw new XenError('SERVER_CERTIFICATE_CHAIN_INVALID');
}
