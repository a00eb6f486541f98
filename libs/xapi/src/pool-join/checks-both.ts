/** Compares a host with the pool that it is to join, in the order that clients know. */
import { XenError, type ClassName, type XenRecord } from '@xenplane/model';
import { reading, type Row, type Tx } from '@xenplane/store';
import type { Plane } from '../core/context';
import type { OtherPool } from './other-pool';

type Side<N extends ClassName> = ReadonlyMap<string, Pick<Row<N>, keyof Row<N> & keyof XenRecord<N>>>;
/** The compared facts of a pool, its coordinator's first of all. */
interface Compared {
  readonly pool: Row<'pool'>;
  readonly host: Row<'host'>;
  readonly hostRef: string;
  readonly management: Row<'PIF'> | undefined;
  readonly editions: readonly string[];
  readonly controllers: Side<'SDN_controller'>;
  readonly networks: Side<'network'>;
  readonly certificates: Side<'Certificate'>;
  readonly drivers: Side<'SM'>;
}

async function ours(tx: Tx): Promise<Compared> {
  const all = async <N extends ClassName>(cls: N): Promise<Map<string, Row<N>>> => new Map((await tx.find(cls, {})).map((row) => [row.ref, row]));
  const [[pool], [host], [management]] = await Promise.all([tx.find('pool', {}), tx.find('host', {}), tx.find('PIF', { management: true })]);
  if (!pool || !host) throw new XenError('INTERNAL_ERROR', 'This pool has no host that could join another');
  const [controllers, networks, certificates, drivers] = await Promise.all([all('SDN_controller'), all('network'), all('Certificate'), all('SM')]);
  return { pool, host, hostRef: host.ref, management, editions: [host.edition], controllers, networks, certificates, drivers };
}

async function theirs(other: OtherPool): Promise<Compared> {
  const all = async <N extends ClassName>(cls: N): Promise<Map<string, Row<N>>> =>
    new Map(Object.entries(await other.call<Record<string, Row<N>>>(`${cls}.get_all_records`)));
  const [pools, hosts] = await Promise.all([all('pool'), all('host')]);
  const [pool] = pools.values(),
    host = pool && hosts.get(pool.master);
  if (!pool || !host) throw new XenError('JOINING_HOST_SERVICE_FAILED');
  const [pifs, controllers, networks, certificates, drivers] = await Promise.all([
    all('PIF'),
    all('SDN_controller'),
    all('network'),
    all('Certificate'),
    all('SM'),
  ]);
  const management = [...pifs.values()].find((pif) => pif.management && pif.host === pool.master);
  const editions = [...hosts.values()].map(({ edition }) => edition);
  return { pool, host, hostRef: pool.master, management, editions, controllers, networks, certificates, drivers };
}

/** `force` overlooks what their CPUs are. */
export async function assertFits(plane: Plane, other: OtherPool, force: boolean): Promise<void> {
  const here = await reading(plane.store, ours),
    there = await theirs(other);
  assertOther(here, there);
  assertSoftware(here, there, force);
  assertManagement(here, there);
  assertAuthentication(here, there);
  assertControllers(here, there);
  assertNetworks(here, there);
  assertTrust(here, there);
  if (Object.values(there.pool.current_operations).includes('apply_updates')) throw new XenError('NOT_SUPPORTED_DURING_UPGRADE');
  assertDrivers(here, there);
}

function assertOther(here: Compared, there: Compared): void {
  if (here.host.uuid === there.host.uuid || here.pool.uuid === there.pool.uuid)
    throw new XenError('OPERATION_NOT_ALLOWED', 'Host cannot become slave of itself');
  if (there.host.pending_guidances.length > 0) throw new XenError('HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY', there.hostRef);
}

const sameCpu = ['vendor', 'modelname'] as const;
function assertSoftware({ host }: Compared, { host: master }: Compared, force: boolean): void {
  const differing = sameCpu.find((key) => master.cpu_info[key] !== host.cpu_info[key]);
  if (differing && !force) throw new XenError('HOSTS_NOT_HOMOGENEOUS', `CPU ${differing}`);
  if (master.software_version['product_version'] !== host.software_version['product_version'])
    throw new XenError('POOL_JOINING_HOST_MUST_HAVE_SAME_PRODUCT_VERSION');
}

function assertManagement({ management: own }: Compared, { management: remote }: Compared): void {
  if (own && remote && Number(own.VLAN) !== Number(remote.VLAN))
    throw new XenError('POOL_JOINING_HOST_MANAGEMENT_VLAN_DOES_NOT_MATCH', String(own.VLAN), String(remote.VLAN));
}

function assertAuthentication({ host, editions: own }: Compared, { host: master, editions }: Compared): void {
  const directoryOf = (one: Row<'host'>): string => `${one.external_auth_type} ${one.external_auth_service_name.toLowerCase()}`;
  if (directoryOf(host) !== directoryOf(master)) throw new XenError('POOL_JOINING_EXTERNAL_AUTH_MISMATCH');
  const mine = own[0] ?? '',
    other = editions.find((edition) => edition !== mine);
  if (other !== undefined) throw new XenError('LICENSE_HOST_POOL_MISMATCH', `host edition = "${mine}"`, `pool edition = "${other}"`);
}

/** Each pool has one at most. A host without one takes over that of the pool. */
function assertControllers(here: Compared, there: Compared): void {
  const [own] = here.controllers.values(),
    [remote] = there.controllers.values();
  if (!own) return;
  const same = remote && own.protocol === remote.protocol && own.address === remote.address && Number(own.port) === Number(remote.port);
  if (!same) throw new XenError('OPERATION_NOT_ALLOWED', 'SDN controller differs');
}

function assertNetworks(here: Compared, there: Compared): void {
  const versionOf = ({ host }: Compared): string => `${host.API_version_major}.${host.API_version_minor}`;
  if (versionOf(here) !== versionOf(there)) throw new XenError('POOL_JOINING_HOST_MUST_HAVE_SAME_API_VERSION', versionOf(here), versionOf(there));
  if (here.management && there.management && here.management.primary_address_type !== there.management.primary_address_type)
    throw new XenError('OPERATION_NOT_ALLOWED', 'Primary address type differs');
  const purposeOf = ({ networks }: Compared): string | undefined =>
    [...networks.values()].flatMap(({ purpose }) => [...purpose]).find((purpose) => purpose === 'nbd' || purpose === 'insecure_nbd');
  const own = purposeOf(here),
    remote = purposeOf(there);
  if (own !== undefined && remote !== undefined && own !== remote)
    throw new XenError('OPERATION_NOT_ALLOWED', 'Incompatible network purposes: nbd and insecure_nbd');
}

function assertTrust(here: Compared, there: Compared): void {
  if (here.pool.tls_verification_enabled !== there.pool.tls_verification_enabled) throw new XenError('POOL_JOINING_HOST_TLS_VERIFICATION_MISMATCH');
  const named = (side: Compared): [string, string][] =>
    [...side.certificates.values()].flatMap((c) => (c.type === 'ca' && c.name !== '' ? [[c.name, c.fingerprint_sha256]] : []));
  const remote = new Map(named(there));
  const conflicts = named(here).flatMap(([name, fingerprint]) => ((remote.get(name) ?? fingerprint) === fingerprint ? [] : [name]));
  if (conflicts.length > 0) throw new XenError('POOL_JOINING_HOST_CA_CERTIFICATES_CONFLICT', ...conflicts);
  assertPurposes(here, there);
}
/** A certificate that both trust, for purposes that overlap without being the same. */
function assertPurposes(here: Compared, there: Compared): void {
  const trusted = (side: Compared): [string, { ref: string; purposes: readonly string[] }][] =>
    [...side.certificates].flatMap(([ref, c]) =>
      (c.type === 'ca' || c.type === 'pinned') && c.name === '' ? [[c.fingerprint_sha256, { ref, purposes: [...c.purpose].sort() }]] : [],
    );
  const remote = new Map(trusted(there));
  for (const [fingerprint, own] of trusted(here)) {
    const known = remote.get(fingerprint);
    if (known && known.purposes.join() !== own.purposes.join() && known.purposes.some((p) => own.purposes.includes(p)))
      throw new XenError('POOL_JOINING_HOST_TRUSTED_CERTIFICATES_CONFLICT', known.ref, own.ref);
  }
}

/** The host has each driver of the pool, with at least the features that it has there. */
function assertDrivers(here: Compared, there: Compared): void {
  for (const [ref, { type, features }] of there.drivers) {
    const [own] = [...here.drivers].filter(([, driver]) => driver.type === type);
    const lacks = (feature: string, version: number): boolean => Number(own?.[1].features[feature] ?? -1) < version;
    if (!own || Object.entries(features).some(([feature, version]) => lacks(feature, Number(version))))
      throw new XenError('POOL_JOINING_SM_FEATURES_INCOMPATIBLE', ref, own?.[0] ?? '');
  }
}
