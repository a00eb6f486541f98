/** Provisioning sites, their servers, the caches that hosts keep for them and the proxies of VMs. */
import { addresses } from '@xenplane/domain';
import {
  asRef,
  classes,
  XenError,
  type CallsOf,
  type OperationParams,
  type Ref,
  type StoredRecord,
} from '@xenplane/model';
import type { Context } from '../core/context';
import { createPlain } from '../core/implied-calls';
import { recordWith } from '../core/records';

const refsOf = (rows: readonly { readonly ref: string }[]): string => rows.map((r) => r.ref).join(', ');

async function forgetSite({ tx }: Context, self: Ref<'PVS_site'>): Promise<void> {
  await tx.lock('PVS_site', self);
  const running = await tx.find('PVS_proxy', { site: self, currently_attached: true });
  if (running.length > 0) throw new XenError('PVS_SITE_CONTAINS_RUNNING_PROXIES', refsOf(running));
  const servers = await tx.find('PVS_server', { site: self });
  if (servers.length > 0) throw new XenError('PVS_SITE_CONTAINS_SERVERS', refsOf(servers));
  for (const { ref } of await tx.find('PVS_proxy', { site: self })) await tx.remove('PVS_proxy', ref);
  for (const { ref } of await tx.find('PVS_cache_storage', { site: self }))
    await tx.remove('PVS_cache_storage', ref);
  await tx.remove('PVS_site', self);
}

export const pvsSiteCalls: CallsOf<typeof classes.PVS_site, Context> = {
  introduce: async ({ tx, plane }, given) => {
    const uuid = plane.ids.uuid(),
      ref = asRef<'PVS_site'>(`OpaqueRef:${uuid}`);
    await tx.insert('PVS_site', ref, recordWith('PVS_site', { ...given, uuid }));
    return ref;
  },
  forget: (context, { self }) => forgetSite(context, self),
  set_PVS_uuid: ({ tx }, { self, value }) => tx.update('PVS_site', self, { PVS_uuid: value }),
};

function assertPorts(first: number, last: number): void {
  const bad = (field: string, value: number, why: string): XenError =>
    new XenError('VALUE_NOT_SUPPORTED', field, String(value), why);
  for (const [field, value] of [
    ['first_port', first],
    ['last_port', last],
  ] as const)
    if (value < 1 || value > 65_535) throw bad(field, value, 'Port out of range');
  if (last < first) throw bad('last_port', last, 'The last port is lower than the first');
}

async function introduceServer(
  { tx, plane }: Context,
  given: OperationParams<typeof classes.PVS_server, 'introduce'>,
): Promise<Ref<'PVS_server'>> {
  await tx.lock('PVS_site', given.site);
  if (given.addresses.length === 0 || !given.addresses.every((a) => addresses.isIpv4(a)))
    throw new XenError('INVALID_IP_ADDRESS_SPECIFIED', 'addresses');
  assertPorts(given.first_port, given.last_port);
  const used = new Set((await tx.find('PVS_server', {})).flatMap((s) => s.addresses));
  const taken = given.addresses.find((a) => used.has(a));
  if (taken !== undefined) throw new XenError('PVS_SERVER_ADDRESS_IN_USE', taken);
  const uuid = plane.ids.uuid(),
    ref = asRef<'PVS_server'>(`OpaqueRef:${uuid}`);
  await tx.insert('PVS_server', ref, recordWith('PVS_server', { ...given, uuid }));
  return ref;
}
export const pvsServerCalls: CallsOf<typeof classes.PVS_server, Context> = {
  introduce: (context, given) => introduceServer(context, given),
  forget: ({ tx }, { self }) => tx.remove('PVS_server', self),
};

/** A VM streams its disk through its first interface, and only that can be cached. */
async function createProxy(
  { tx, plane }: Context,
  { site, VIF }: OperationParams<typeof classes.PVS_proxy, 'create'>,
): Promise<Ref<'PVS_proxy'>> {
  await tx.get('PVS_site', site);
  const { device } = await tx.lock('VIF', VIF);
  if (device !== '0') throw new XenError('PVS_VIF_MUST_BE_FIRST_DEVICE');
  const present = await tx.find('PVS_proxy', { VIF });
  if (present.length > 0) throw new XenError('PVS_PROXY_ALREADY_PRESENT', refsOf(present));
  const uuid = plane.ids.uuid(),
    ref = asRef<'PVS_proxy'>(`OpaqueRef:${uuid}`);
  await tx.insert('PVS_proxy', ref, recordWith('PVS_proxy', { uuid, site, VIF }));
  return ref;
}
export const pvsProxyCalls: CallsOf<typeof classes.PVS_proxy, Context> = {
  create: (context, given) => createProxy(context, given),
  destroy: ({ tx }, { self }) => tx.remove('PVS_proxy', self),
};

async function createCache(context: Context, args: StoredRecord<'PVS_cache_storage'>): Promise<Ref> {
  await context.tx.lock('PVS_site', args.site);
  const present = await context.tx.find('PVS_cache_storage', { site: args.site, host: args.host });
  if (present.length > 0) throw new XenError('PVS_CACHE_STORAGE_ALREADY_PRESENT', args.site, args.host);
  return createPlain(context, 'PVS_cache_storage', { ...args });
}
async function destroyCache({ tx }: Context, self: Ref<'PVS_cache_storage'>): Promise<void> {
  const { site, host } = await tx.lock('PVS_cache_storage', self);
  const [running] = await tx.query(
    'SELECT 1 AS yes FROM pvs_proxy p JOIN vif i ON i.ref = p."VIF" JOIN vm m ON m.ref = i."VM" WHERE p.site = $1 AND p.currently_attached AND m.resident_on = $2 LIMIT 1',
    [site, host],
  );
  if (running) throw new XenError('PVS_CACHE_STORAGE_IS_IN_USE', self);
  await tx.remove('PVS_cache_storage', self);
}
export const pvsCacheStorageOverrides = {
  create: (context: Context, { args }: { args: StoredRecord<'PVS_cache_storage'> }) =>
    createCache(context, args),
  destroy: (context: Context, { self }: { self: Ref<'PVS_cache_storage'> }) => destroyCache(context, self),
};
