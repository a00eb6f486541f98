/** Settings that the pool hands on to every host. */
import { nullRef, XenError, type Ref } from '@xenplane/model';
import { dateTime, never, type Context } from '../core/context';
import { manageHosts, type ManagementPif } from '../network/host-network';
import { hostRefs, lockPool, setEverywhere } from './pool-record';

type Self = { readonly self: Ref<'pool'> };
const longestSshSeconds = 2 * 24 * 3600;

/** When a host that was opened for a while is closed again. */
const expiry = ({ plane }: Context, seconds: number): string =>
  seconds > 0 ? dateTime(new Date(plane.clock.now().getTime() + seconds * 1000)) : never;

async function enableSsh(context: Context): Promise<void> {
  const { tx } = context;
  const hosts = await tx.query<{ ref: Ref<'host'>; ssh_enabled_timeout: number }>(
    'SELECT ref, ssh_enabled_timeout FROM host ORDER BY ref',
    [],
  );
  await tx.updateMany(
    'host',
    hosts.map(({ ref, ssh_enabled_timeout }) => ({
      ref,
      ssh_enabled: true,
      ssh_expiry: expiry(context, ssh_enabled_timeout),
    })),
  );
}

async function setSshTimeout(context: Context, seconds: number): Promise<void> {
  if (seconds < 0 || seconds > longestSshSeconds)
    throw new XenError(
      'VALUE_NOT_SUPPORTED',
      'ssh_enabled_timeout',
      String(seconds),
      `Timeout must be between 0 and ${longestSshSeconds} seconds`,
    );
  const hosts = await context.tx.query<{ ref: Ref<'host'>; ssh_enabled: boolean }>(
    'SELECT ref, ssh_enabled FROM host ORDER BY ref',
    [],
  );
  await context.tx.updateMany(
    'host',
    hosts.map(({ ref, ssh_enabled }) => ({
      ref,
      ssh_enabled_timeout: seconds,
      ssh_expiry: ssh_enabled ? expiry(context, seconds) : never,
    })),
  );
}

/** The local storage of each host that has any; hosts without are named in the error, the others have it. */
async function enableCaching(context: Context): Promise<void> {
  const { tx } = context;
  const rows = await tx.query<{ host: Ref<'host'>; sr: Ref<'SR'> }>(
    `SELECT DISTINCT ON (p.host) p.host, s.ref AS sr FROM pbd p JOIN sr s ON s.ref = p."SR" WHERE p.currently_attached AND NOT s.shared AND s.type = 'ext' ORDER BY p.host, s.ref`,
    [],
  );
  const able = new Set(rows.map((r) => r.host));
  const missing = (await hostRefs(context)).filter((h) => !able.has(h));
  if (missing.length > 0) throw new XenError('HOSTS_FAILED_TO_ENABLE_CACHING', ...missing);
  await tx.updateMany(
    'host',
    rows.map(({ host, sr }) => ({ ref: host, local_cache_sr: sr })),
  );
}

async function applyEdition(context: Context, edition: string): Promise<void> {
  const hosts = await context.tx.query<{ ref: Ref<'host'>; editions: string[] }>(
    'SELECT ref, editions FROM host ORDER BY ref',
    [],
  );
  if (hosts.some((h) => !h.editions.includes(edition))) throw new XenError('INVALID_EDITION', edition);
  await setEverywhere(context, { edition });
}

async function setIgmpSnooping(context: Context, self: Ref<'pool'>, value: boolean): Promise<void> {
  await context.tx.lock('pool', self);
  const [bridged] = await context.tx.query<{ ref: string }>(
    "SELECT ref FROM host WHERE software_version->>'network_backend' IS DISTINCT FROM 'openvswitch' LIMIT 1",
    [],
  );
  if (bridged) throw new XenError('OPERATION_NOT_ALLOWED', 'IGMP snooping needs Open vSwitch on every host');
  await context.tx.update('pool', self, { igmp_snooping_enabled: value });
  await context.tx.query(
    'WITH found AS (SELECT ref FROM pif WHERE physical ORDER BY ref FOR NO KEY UPDATE) UPDATE pif SET igmp_snooping_status = $1 FROM found WHERE pif.ref = found.ref',
    [value ? 'enabled' : 'disabled'],
  );
}

/** Every host's management moves to its interface on this network; all of them, or none. */
async function reconfigureManagement(context: Context, network: Ref<'network'>): Promise<void> {
  const { tx } = context;
  const pool = await lockPool(context);
  if (pool.ha_enabled) throw new XenError('HA_IS_ENABLED');
  await tx.get('network', network);
  const pifs = await tx.query<ManagementPif & { readonly bond_slave_of: string | null }>(
    'SELECT ref, host, "MAC", "IP", "IPv6", primary_address_type, ip_configuration_mode, bond_slave_of FROM pif WHERE network = $1 ORDER BY ref FOR NO KEY UPDATE',
    [network],
  );
  const hosts = await hostRefs(context);
  for (const host of hosts) {
    const pif = pifs.find((p) => p.host === host);
    if (!pif) throw new XenError('PIF_NOT_PRESENT', host, network);
    if (pif.bond_slave_of !== null) throw new XenError('CANNOT_PLUG_BOND_SLAVE', pif.ref);
    if (pif.ip_configuration_mode === 'None') throw new XenError('PIF_HAS_NO_NETWORK_CONFIGURATION', pif.ref);
  }
  await manageHosts(tx, pifs);
}

const forSelf =
  <A extends Self>(work: (context: Context, args: A) => Promise<unknown>) =>
  async (context: Context, args: A): Promise<void> => {
    await context.tx.get('pool', args.self);
    await work(context, args);
  };

export const poolHosts = {
  enable_ssh: forSelf((context) => enableSsh(context)),
  disable_ssh: forSelf((context) => setEverywhere(context, { ssh_enabled: false, ssh_expiry: never })),
  set_ssh_enabled_timeout: forSelf((context, { value }: Self & { value: number }) =>
    setSshTimeout(context, value),
  ),
  set_console_idle_timeout: forSelf((context, { value }: Self & { value: number }) => {
    if (value < 0)
      throw new XenError(
        'VALUE_NOT_SUPPORTED',
        'console_timeout',
        String(value),
        'Timeout must not be negative',
      );
    return setEverywhere(context, { console_idle_timeout: value });
  }),
  set_ssh_auto_mode: forSelf((context, { value }: Self & { value: boolean }) =>
    setEverywhere(
      context,
      value ? { ssh_auto_mode: true, ssh_enabled: false, ssh_expiry: never } : { ssh_auto_mode: false },
    ),
  ),
  set_https_only: forSelf((context, { value }: Self & { value: boolean }) =>
    setEverywhere(context, { https_only: value }),
  ),
  disable_ssl_legacy: forSelf((context) => setEverywhere(context, { ssl_legacy: false })),
  enable_local_storage_caching: forSelf((context) => enableCaching(context)),
  disable_local_storage_caching: forSelf((context) => setEverywhere(context, { local_cache_sr: nullRef() })),
  apply_edition: forSelf((context, { edition }: Self & { edition: string }) =>
    applyEdition(context, edition),
  ),
  set_igmp_snooping_enabled: (context: Context, { self, value }: Self & { value: boolean }) =>
    setIgmpSnooping(context, self, value),
  management_reconfigure: (context: Context, { network }: { network: Ref<'network'> }) =>
    reconfigureManagement(context, network),
};
