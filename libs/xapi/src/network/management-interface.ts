/** Which interface carries a host's management traffic. */
import {
  asRef,
  classes,
  isNullRef,
  XenError,
  type CallsOf,
  type Ref,
  type StoredRecord,
} from '@xenplane/model';
import type { Context } from '../core/context';
import { addressOf, interfaceOn, manageHosts } from './host-network';
import { assertLive } from '../host/host-use';
import { insertSession } from '../api/sessions';

type All = CallsOf<typeof classes.host, Context>;
type Pif = StoredRecord<'PIF'> & { readonly ref: Ref<'PIF'> };

async function assertNoHa({ tx }: Context): Promise<void> {
  const [pool] = await tx.find('pool', {});
  if (pool?.ha_enabled) throw new XenError('HA_IS_ENABLED');
}

/** The interface must have an address; the host is reached there from now on. */
async function manageOver(context: Context, pif: Pif): Promise<void> {
  const { tx } = context;
  await assertNoHa(context);
  if (!isNullRef(pif.bond_slave_of)) throw new XenError('CANNOT_PLUG_BOND_SLAVE', pif.ref);
  const v6 = pif.primary_address_type === 'IPv6';
  if ((v6 ? pif.ipv6_configuration_mode : pif.ip_configuration_mode) === 'None')
    throw new XenError(
      v6 ? 'PIF_HAS_NO_V6_NETWORK_CONFIGURATION' : 'PIF_HAS_NO_NETWORK_CONFIGURATION',
      pif.ref,
    );
  if (addressOf(pif) === '') throw new XenError('INTERFACE_HAS_NO_IP', pif.ref);
  await manageHosts(tx, [pif]);
}

/** A device of the host that the session is at, or the bridge over it. */
async function localInterface(context: Context, name: string): Promise<Pif> {
  const pifs = await context.tx.find('PIF', { host: hereOf(context) });
  for (const pif of pifs)
    if (pif.device === name || (await context.tx.get('network', pif.network)).bridge === name) return pif;
  throw new XenError('PIF_DEVICE_NOT_FOUND');
}

/** The host that calls without a host are about. */
export function hereOf({ session }: Context): Ref<'host'> {
  if (isNullRef(session.host)) throw new XenError('HANDLE_INVALID', 'host', session.host);
  return session.host;
}

async function disableManagement(context: Context): Promise<void> {
  const { tx } = context;
  const host = hereOf(context);
  const [pool] = await tx.find('pool', {});
  if (pool?.master !== host) throw new XenError('SLAVE_REQUIRES_MANAGEMENT_INTERFACE');
  await assertNoHa(context);
  for (const pif of await tx.find('PIF', { host, management: true }))
    await tx.update('PIF', pif.ref, { management: false });
}

/** The data that the source of a migration needs to send a VM here: the address of this plane, for whatever host, and a session of the caller's own. */
async function receive(
  context: Context,
  host: Ref<'host'>,
  network: Ref<'network'>,
): Promise<Record<string, string>> {
  const { tx, plane, session } = context;
  await assertLive(tx, host);
  await tx.get('network', network);
  await interfaceOn(tx, network, host);
  const { this_user } = await tx.get('session', session.ref);
  const token = await insertSession(tx, plane, {
    user: session.user,
    root: session.root,
    role: session.role,
    originator: 'migration',
    userRef: asRef(this_user),
  });
  const url = plane.settings.url();
  return {
    SM: `${url}/services/SM?session_id=${token}`,
    host,
    xenops: `${url}/services/xenops?session_id=${token}`,
    session_id: token,
    master: `${url}/`,
  };
}

export const networkCalls = {
  get_management_interface: async ({ tx }, { host }) => {
    const [pif] = await tx.find('PIF', { host, management: true });
    if (!pif) throw new XenError('HOST_HAS_NO_MANAGEMENT_IP');
    return pif.ref;
  },
  management_reconfigure: async (context, { pif }) => manageOver(context, await context.tx.lock('PIF', pif)),
  local_management_reconfigure: async (context, { interface: name }) =>
    manageOver(context, await localInterface(context, name)),
  management_disable: (context) => disableManagement(context),
  migrate_receive: (context, { host, network }) => receive(context, host, network),
} satisfies Partial<All>;
