/** Each of these compares a host that joins with the pool that it joins, and says what stands in the way. */
import { XenError } from '@xenplane/model';
import type { Side } from './sides';

export type Fit = (localSide: Side, remoteSide: Side) => XenError | undefined;
const notAllowed = (reason: string): XenError => new XenError('OPERATION_NOT_ALLOWED', reason);
const notHomogeneous = (reason: string): XenError => new XenError('HOSTS_NOT_HOMOGENEOUS', reason);

/** Pools whose size is restricted have three hosts at most. */
const restrictedSize = 3;
export const isFull = ({ restrictions }: Side['pool'], hosts: number): boolean =>
  restrictions['restrict_pool_size'] === 'true' && hosts >= restrictedSize;
export const poolSize: Fit = (localSide, remoteSide) =>
  isFull(localSide.pool, remoteSide.hosts.size)
    ? new XenError('LICENCE_RESTRICTION', 'Pool_size')
    : undefined;

/** In a cluster that hosts join by themselves, the host needs one address on its network. */
export const clusterNetwork: Fit = (localSide, remoteSide) => {
  const [member] = remoteSide.clusterHosts.values();
  if (!member || remoteSide.clusters.get(member.cluster)?.pool_auto_join !== true) return undefined;
  const pif = remoteSide.pifs.get(member.PIF);
  if (!pif) return undefined;
  if (Number(pif.VLAN) > 0 && !pif.management)
    return new XenError('POOL_JOINING_POOL_CANNOT_ENABLE_CLUSTERING_ON_VLAN_NETWORK', String(pif.VLAN));
  const bridges = clusterBridges(remoteSide, member.PIF);
  const own = [...localSide.pifs.values()].filter(
    ({ network, IP }) => IP !== '' && bridges.has(localSide.networks.get(network)?.bridge ?? ''),
  );
  return own.length === 1
    ? undefined
    : new XenError('POOL_JOINING_HOST_MUST_HAVE_ONLY_ONE_IP_ON_CLUSTERING_NETWORK');
};
/** Of a bond those of its members count: the host has no bonds. */
function clusterBridges({ pifs, bonds, networks }: Side, of: string): ReadonlySet<string> {
  const bonded = new Set([...bonds].flatMap(([ref, { master }]) => (master === of ? [ref] : []))),
    members = [...pifs].filter(([ref, { bond_slave_of }]) =>
      bonded.size > 0 ? bonded.has(bond_slave_of) : ref === of,
    );
  return new Set(members.flatMap(([, { network }]) => networks.get(network)?.bridge ?? []));
}

export const remoteAvailability: Fit = (_here, remoteSide) =>
  remoteSide.pool.ha_enabled ? new XenError('HA_IS_ENABLED') : undefined;
export const notItself: Fit = (localSide, remoteSide) => {
  if (localSide.host.uuid !== remoteSide.host.uuid && localSide.pool.uuid !== remoteSide.pool.uuid)
    return undefined;
  return notAllowed(
    localSide.hosts.size > 1 ? 'Host is already part of a pool' : 'Host cannot become slave of itself',
  );
};
export const remoteGuidance: Fit = (_here, remoteSide) =>
  remoteSide.host.pending_guidances.length > 0
    ? new XenError('HOST_PENDING_MANDATORY_GUIDANCE_NOT_EMPTY', remoteSide.hostRef)
    : undefined;

const versionOf = ({ host }: Side, key: string): string => host.software_version[key] ?? '';
const brandOf = (side: Side): string => versionOf(side, 'product_brand') || versionOf(side, 'platform_name');
export const compatible: Fit = (localSide, remoteSide) => {
  const same =
    versionOf(localSide, 'platform_version') === versionOf(remoteSide, 'platform_version') &&
    brandOf(localSide) === brandOf(remoteSide);
  return same ? undefined : new XenError('HOSTS_NOT_COMPATIBLE');
};
/** Builds may differ, and so may CPUs of one vendor: VMs see what all have. */
export const homogeneous: Fit = (localSide, remoteSide) => {
  const softwareOf = (side: Side): string =>
    [versionOf(side, 'xapi'), brandOf(side), versionOf(side, 'git_id')].join('\n');
  if (softwareOf(localSide) !== softwareOf(remoteSide)) return notHomogeneous('Software version differs');
  return localSide.host.cpu_info['vendor'] === remoteSide.pool.cpu_info['vendor']
    ? undefined
    : notHomogeneous('CPUs differ');
};

export const managementVlan: Fit = ({ management: own }, { management: remote }) =>
  own && remote && Number(own.VLAN) !== Number(remote.VLAN)
    ? new XenError('POOL_JOINING_HOST_MANAGEMENT_VLAN_DOES_NOT_MATCH', String(own.VLAN), String(remote.VLAN))
    : undefined;
export const externalAuth: Fit = (localSide, remoteSide) => {
  const directoryOf = ({ host }: Side): string =>
    `${host.external_auth_type} ${host.external_auth_service_name.toLowerCase()}`;
  return directoryOf(localSide) === directoryOf(remoteSide)
    ? undefined
    : new XenError('POOL_JOINING_EXTERNAL_AUTH_MISMATCH');
};
export const editions: Fit = ({ host: { edition } }, remoteSide) => {
  const other = [...remoteSide.hosts.values()].find((host) => host.edition !== edition);
  return (
    other &&
    new XenError(
      'LICENSE_HOST_POOL_MISMATCH',
      `host edition = "${edition}"`,
      `pool edition = "${other.edition}"`,
    )
  );
};

/** A pool has one controller at most. A host without one takes over that of the pool. */
export const virtualSwitch: Fit = (localSide, remoteSide) => {
  const backendOf = (side: Side): string => versionOf(side, 'network_backend') || 'bridge';
  if (backendOf(localSide) !== backendOf(remoteSide)) return notAllowed('Network backends differ');
  const [own] = localSide.controllers.values(),
    [remote] = remoteSide.controllers.values();
  if (!own || backendOf(localSide) !== 'openvswitch') return undefined;
  const same =
    remote &&
    own.protocol === remote.protocol &&
    own.address === remote.address &&
    Number(own.port) === Number(remote.port);
  return same ? undefined : notAllowed('SDN controller differs');
};

export const apiVersion: Fit = (localSide, remoteSide) => {
  const [own, remote] = [localSide, remoteSide].map(
    ({ host }) => `${host.API_version_major}.${host.API_version_minor}`,
  ) as [string, string];
  return own === remote
    ? undefined
    : new XenError('POOL_JOINING_HOST_MUST_HAVE_SAME_API_VERSION', own, remote);
};
export const databaseSchema: Fit = (localSide, remoteSide) => {
  const [own, remote] = [versionOf(localSide, 'db_schema'), versionOf(remoteSide, 'db_schema')];
  return own !== '' && own === remote
    ? undefined
    : new XenError('POOL_JOINING_HOST_MUST_HAVE_SAME_DB_SCHEMA', own, remote);
};
/** Updates that all hosts of a pool must have, or none. */
export const updates: Fit = (localSide, remoteSide) => {
  const updatesOf = ({ host, updates: all }: Side): string =>
    host.updates
      .flatMap((ref) => all.get(ref) ?? [])
      .flatMap(({ uuid, enforce_homogeneity }) => (enforce_homogeneity ? [uuid] : []))
      .sort()
      .join();
  if (updatesOf(localSide) === updatesOf(remoteSide)) return undefined;
  return notHomogeneous(
    `Updates on local host ${localSide.host.name_label} and pool host ${remoteSide.host.name_label} differ`,
  );
};
export const addressType: Fit = ({ management: own }, { management: remote }) =>
  own && remote && own.primary_address_type !== remote.primary_address_type
    ? notAllowed('Primary address type differs')
    : undefined;
export const networkPurpose: Fit = (localSide, remoteSide) => {
  const purposeOf = ({ networks }: Side): string | undefined =>
    [...networks.values()]
      .flatMap(({ purpose }) => [...purpose])
      .find((purpose) => purpose === 'nbd' || purpose === 'insecure_nbd');
  const own = purposeOf(localSide),
    remote = purposeOf(remoteSide);
  return own !== undefined && remote !== undefined && own !== remote
    ? notAllowed('Incompatible network purposes: nbd and insecure_nbd')
    : undefined;
};

export const tlsVerification: Fit = (localSide, remoteSide) =>
  localSide.pool.tls_verification_enabled === remoteSide.pool.tls_verification_enabled
    ? undefined
    : new XenError('POOL_JOINING_HOST_TLS_VERIFICATION_MISMATCH');
export const namedCertificates: Fit = (localSide, remoteSide) => {
  const named = (side: Side): [string, string][] =>
    [...side.certificates.values()].flatMap((c) =>
      c.type === 'ca' && c.name !== '' ? [[c.name, c.fingerprint_sha256]] : [],
    );
  const remote = new Map(named(remoteSide));
  const conflicts = named(localSide).flatMap(([name, fingerprint]) =>
    (remote.get(name) ?? fingerprint) === fingerprint ? [] : [name],
  );
  return conflicts.length > 0
    ? new XenError('POOL_JOINING_HOST_CA_CERTIFICATES_CONFLICT', ...conflicts)
    : undefined;
};
/** A certificate that both trust, for purposes that overlap without being the same. */
export const trustedCertificates: Fit = (localSide, remoteSide) => {
  const trusted = (side: Side): [string, { ref: string; purposes: readonly string[] }][] =>
    [...side.certificates].flatMap(([ref, c]) =>
      (c.type === 'ca' || c.type === 'pinned') && c.name === ''
        ? [[c.fingerprint_sha256, { ref, purposes: [...c.purpose].sort() }]]
        : [],
    );
  const remote = new Map(trusted(remoteSide));
  for (const [fingerprint, own] of trusted(localSide)) {
    const known = remote.get(fingerprint);
    if (
      known &&
      known.purposes.join() !== own.purposes.join() &&
      known.purposes.some((p) => own.purposes.includes(p))
    )
      return new XenError('POOL_JOINING_HOST_TRUSTED_CERTIFICATES_CONFLICT', known.ref, own.ref);
  }
  return undefined;
};

export const remoteUpdating: Fit = (_here, remoteSide) =>
  Object.values(remoteSide.pool.current_operations).includes('apply_updates')
    ? new XenError('NOT_SUPPORTED_DURING_UPGRADE')
    : undefined;
/** The host has each driver of the pool, with at least the features that it has there. */
export const drivers: Fit = (localSide, remoteSide) => {
  for (const [ref, { type, features }] of remoteSide.drivers) {
    const [own] = [...localSide.drivers].filter(([, driver]) => driver.type === type);
    const lacks = (feature: string, version: number): boolean =>
      Number(own?.[1].features[feature] ?? -1) < version;
    if (!own || Object.entries(features).some(([feature, version]) => lacks(feature, Number(version))))
      return new XenError('POOL_JOINING_SM_FEATURES_INCOMPATIBLE', ref, own?.[0] ?? '');
  }
  return undefined;
};
