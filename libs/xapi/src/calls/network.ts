import { asRef, classes, XenError, type CallsOf, type Ref, type StoredRecord } from '@xenplane/model';
import type { Context } from '../context';
import { recordWith } from '../records';

const reserved = /^(xenbr|vlan|tunnel|bond)/;

async function chooseBridge({ tx }: Context, wanted: string): Promise<string> {
  const used = new Set((await tx.find('network', {})).map((n) => n.bridge));
  if (wanted === '') for (let i = 0; ; i += 1) if (!used.has(`xapi${i}`)) return `xapi${i}`;
  if (wanted.length > 15 || reserved.test(wanted)) throw new XenError('INVALID_VALUE', 'bridge', wanted);
  if (used.has(wanted)) throw new XenError('BRIDGE_NAME_EXISTS', wanted);
  return wanted;
}

async function create(context: Context, given: Partial<StoredRecord<'network'>>): Promise<Ref<'network'>> {
  await context.tx.query("SELECT pg_advisory_xact_lock(hashtext('xenplane/bridges'))", []);
  const bridge = await chooseBridge(context, given.bridge ?? '');
  const uuid = context.plane.ids.uuid(),
    ref = asRef<'network'>(`OpaqueRef:${uuid}`);
  await context.tx.insert('network', ref, recordWith('network', { ...given, uuid, bridge, MTU: given.MTU && given.MTU > 0 ? given.MTU : 1500 }));
  return ref;
}

async function destroy({ tx }: Context, self: Ref<'network'>): Promise<void> {
  const network = await tx.lock('network', self);
  const vifs = await tx.find('VIF', { network: self });
  const attached = vifs.filter((v) => v.currently_attached).map((v) => v.ref);
  if (attached.length > 0) throw new XenError('NETWORK_CONTAINS_VIF', ...attached);
  const pifs = await tx.find('PIF', { network: self });
  if (pifs.length > 0) throw new XenError('NETWORK_CONTAINS_PIF', ...pifs.map((p) => p.ref));
  if (network.other_config['is_host_internal_management_network'] === 'true') throw new XenError('CANNOT_DESTROY_SYSTEM_NETWORK', self);
  for (const vif of vifs) await tx.remove('VIF', vif.ref);
  await tx.remove('network', self);
}

export const networkCalls: CallsOf<typeof classes.network, Context> = {
  set_default_locking_mode: async ({ tx }, { network, value }) => {
    const [attached] = await tx.find('VIF', { network, currently_attached: true });
    if (attached) throw new XenError('VIF_IN_USE', network, attached.ref);
    await tx.update('network', network, { default_locking_mode: value });
  },
  add_purpose: async ({ tx }, { self, value }) => {
    const { purpose } = await tx.lock('network', self);
    if (!purpose.includes(value)) await tx.update('network', self, { purpose: [...purpose, value] });
  },
  remove_purpose: async ({ tx }, { self, value }) => {
    const { purpose } = await tx.lock('network', self);
    if (purpose.includes(value)) await tx.update('network', self, { purpose: purpose.filter((p) => p !== value) });
  },
};

export const networkOverrides = {
  create: (context: Context, { args }: { args: Partial<StoredRecord<'network'>> }) => create(context, args),
  destroy: (context: Context, { self }: { self: Ref<'network'> }) => destroy(context, self),
};
