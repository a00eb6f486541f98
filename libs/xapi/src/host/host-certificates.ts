/** The TLS certificates of hosts: made, checked as xapi checks them, kept, and shown in Certificate records. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { hostname as machineName } from 'node:os';
import { asRef, XenError, type Ref, type StoredRecord } from '@xenplane/model';
import { inTransaction, type Inserted, type Reader, type Tx } from '@xenplane/store';
import { dateTime, type Plane } from '../core/context';
import { hostSetting } from '../core/host-settings';
import { recordWith } from '../core/records';
import { Signer } from './self-signed';
import { readSetting, settingValue, writeFirstSetting, writeSettings } from '../tables/settings';

export type CertificateKind = Extract<StoredRecord<'Certificate'>['type'], 'host' | 'host_internal'>;
export interface Pem {
  readonly certificate: string;
  readonly key: string;
  readonly chain: string;
  /** Made by us: with another address the host gets another. */
  readonly selfMade?: true;
}
const settingOf = (kind: CertificateKind): string => `certificate/${kind}`;

/** The certificate of a host, for its clients or for other hosts; one that it has not yet is made. */
export async function certificateOf(
  tx: Tx,
  plane: Plane,
  host: Ref<'host'>,
  kind: CertificateKind,
): Promise<Pem> {
  const present = await hostSetting<Pem | null>(tx, host, settingOf(kind), null);
  if (present) return present;
  if (kind !== 'host') return renewCertificate(tx, plane, host, kind);
  const row = await tx.lock('host', host);
  const pem = await ofHost(plane, new Signer((await first(plane)).key), row, row.address);
  await keepCertificates(tx, plane, kind, [{ host, pem }]);
  return pem;
}

export async function renewCertificate(
  tx: Tx,
  plane: Plane,
  host: Ref<'host'>,
  kind: CertificateKind,
): Promise<Pem> {
  const row = await tx.get('host', host);
  const pem = await ofHost(plane, await Signer.fresh(), row, kind === 'host' ? row.address : row.uuid);
  // Locked now and not before: a key takes its time to make.
  await tx.lock('host', host);
  await keepCertificates(tx, plane, kind, [{ host, pem }]);
  return pem;
}

/** Under which clients may reach this process: every API process answers for every host. */
function ownNames({ settings }: Plane): string[] {
  const url = settings.url();
  return [
    'localhost',
    '127.0.0.1',
    '::1',
    machineName(),
    ...(URL.canParse(url) ? [new URL(url).hostname.replace(/^\[|\]$/g, '')] : []),
  ];
}

async function selfMade(
  { clock, ids }: Plane,
  signer: Signer,
  name: string,
  names: readonly string[],
): Promise<Pem> {
  const certificate = await signer.certificate({ name, names, now: clock.now(), serial: ids.uuid() });
  return { certificate, key: signer.pem, chain: '', selfMade: true };
}
const ofHost = (
  plane: Plane,
  signer: Signer,
  { hostname, address }: Pick<StoredRecord<'host'>, 'hostname' | 'address'>,
  name: string,
): Promise<Pem> => selfMade(plane, signer, name, [hostname, address, ...ownNames(plane)]);

const firstKey = 'certificate/first';
const presentFirst = (reader: Reader): Promise<Pem | undefined> => readSetting<Pem>(reader, firstKey);
/** Made once for the pool, before it has hosts; the same for all processes. Hosts have its key until they are given one of their own. */
async function first(plane: Plane): Promise<Pem> {
  const present = await presentFirst(plane.store);
  if (present) return present;
  const made = await selfMade(plane, await Signer.fresh(), 'xenplane', ownNames(plane));
  await writeFirstSetting(plane.store, firstKey, made);
  return (await presentFirst(plane.store)) ?? made;
}

/** The certificate of TLS, in every API process: that of the host whose address the client used, else of the host that the pool names as its master. */
export async function shownCertificate(plane: Plane, host?: Ref<'host'>): Promise<Pem> {
  const [row] = await plane.store.query<{ host: string | null; value: Pem | null }>(
    `SELECT h.ref AS host, ${settingValue("'host/' || h.ref || '/' || $1")} AS value FROM pool p LEFT JOIN host h ON h.ref = coalesce($2, p.master)`,
    [settingOf('host'), host ?? null],
  );
  if (row?.value) return row.value;
  // A host that joined before any API served TLS has none yet.
  const without = row?.host;
  return without
    ? inTransaction(plane.store, (tx) => certificateOf(tx, plane, asRef<'host'>(without), 'host'))
    : first(plane);
}

/** Certificates are RSA: of TLS 1.2 what is forward secret and authenticated, as xapi offers, and all of TLS 1.3. */
const ciphers = [
  ...['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'],
  ...['ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-CHACHA20-POLY1305'],
].join(':');

/** For a server that shows it. */
export const secureOptions = ({ certificate, chain, key }: Pem) => ({
  cert: `${certificate.trimEnd()}\n${chain}`,
  key,
  minVersion: 'TLSv1.2' as const,
  ciphers,
  honorCipherOrder: true,
});

/** Hosts that are new have certificates from the beginning, where the pool has a key for them. */
export async function introduceCertificates(
  tx: Tx,
  plane: Plane,
  hosts: readonly Ref<'host'>[],
): Promise<void> {
  const pem = await presentFirst(tx);
  if (pem) await makeFor(tx, plane, pem.key, hosts);
}

/** Certificates that were made for another address are made anew; a certificate that a host was given stays. */
export async function renewSelfMade(tx: Tx, plane: Plane, hosts: readonly Ref<'host'>[]): Promise<void> {
  const pem = await presentFirst(tx);
  if (!pem) return;
  const ours = await tx.query<{ ref: string }>(
    `SELECT ref FROM (SELECT h.ref, ${settingValue("'host/' || h.ref || '/' || $2")} AS value FROM host h WHERE h.ref = ANY($1)) s
     WHERE (value->>'selfMade')::boolean OR value->>'certificate' = $3 ORDER BY ref`,
    [hosts, settingOf('host'), pem.certificate],
  );
  await makeFor(
    tx,
    plane,
    pem.key,
    ours.map(({ ref }) => asRef<'host'>(ref)),
  );
}

async function makeFor(tx: Tx, plane: Plane, key: string, hosts: readonly Ref<'host'>[]): Promise<void> {
  if (hosts.length === 0) return;
  const signer = new Signer(key);
  const rows = await tx.getMany('host', hosts);
  const made = await Promise.all(
    rows.map(async (row) => ({ host: row.ref, pem: await ofHost(plane, signer, row, row.address) })),
  );
  await keepCertificates(tx, plane, 'host', made);
}

interface Kept {
  readonly host: Ref<'host'>;
  readonly pem: Pem;
}
/** Replaces what the hosts had of this kind, records and all. */
export async function keepCertificates(
  tx: Tx,
  plane: Plane,
  kind: CertificateKind,
  kept: readonly Kept[],
): Promise<void> {
  const hosts = kept.map(({ host }) => host);
  await tx.query('DELETE FROM certificate WHERE host = ANY($1) AND type = $2', [hosts, kind]);
  await tx.insertAll(
    'Certificate',
    kept.map((one) => certificateRecord(plane, kind, one)),
  );
  await writeSettings(
    tx,
    kept.map(({ pem }, i) => [`host/${hosts[i] ?? ''}/${settingOf(kind)}`, pem] as const),
  );
}

function certificateRecord(
  { ids }: Plane,
  type: CertificateKind,
  { host, pem }: Kept,
): Inserted<'Certificate'> {
  const x509 = new X509Certificate(pem.certificate);
  const uuid = ids.uuid();
  return {
    ref: asRef<'Certificate'>(`OpaqueRef:${uuid}`),
    ...recordWith('Certificate', {
      uuid,
      type,
      host,
      not_before: dateTime(new Date(x509.validFrom)),
      not_after: dateTime(new Date(x509.validTo)),
      fingerprint: x509.fingerprint256,
      fingerprint_sha256: x509.fingerprint256,
      fingerprint_sha1: x509.fingerprint,
    }),
  };
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
    throw new XenError(
      'SERVER_CERTIFICATE_KEY_ALGORITHM_NOT_SUPPORTED',
      algorithms[key.asymmetricKeyType ?? ''] ?? String(key.asymmetricKeyType),
    );
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < shortest || bits > longest)
    throw new XenError('SERVER_CERTIFICATE_KEY_RSA_LENGTH_NOT_SUPPORTED', String(bits));
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
const isSignedWell = (x509: X509Certificate): boolean =>
  signatures.some((oid) => x509.raw.toString('hex').includes(`0609${oid}`));

/** The key first, then the certificate, then its chain: the first thing wrong is the answer. */
export function assertCertificate(pem: Pem, now: Date): void {
  const key = privateKey(pem.key);
  const x509 = attempt(() => new X509Certificate(pem.certificate));
  if (!x509) throw new XenError('SERVER_CERTIFICATE_INVALID');
  if (new Date(x509.validFrom) > now)
    throw new XenError('SERVER_CERTIFICATE_NOT_VALID_YET', dateTime(now), dateTime(new Date(x509.validFrom)));
  if (new Date(x509.validTo) < now)
    throw new XenError('SERVER_CERTIFICATE_EXPIRED', dateTime(now), dateTime(new Date(x509.validTo)));
  if (!x509.checkPrivateKey(key)) throw new XenError('SERVER_CERTIFICATE_KEY_MISMATCH');
  if (!isSignedWell(x509)) throw new XenError('SERVER_CERTIFICATE_SIGNATURE_NOT_SUPPORTED');
  if (pem.chain.trim() === '') return;
  const blocks = pem.chain.match(pemBlock) ?? [];
  if (blocks.length === 0 || blocks.some((block) => !attempt(() => new X509Certificate(block))))
    throw new XenError('SERVER_CERTIFICATE_CHAIN_INVALID');
}
