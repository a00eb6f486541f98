import { networkRules } from '@xenplane/domain';
import { asRef, classes, XenError, type CallsOf, type Ref, type StoredRecord } from '@xenplane/model';
import type { Context } from '../core/context';
import { assertLive } from '../host/host-use';
import { recordWith } from '../core/records';
import { createNewBlob } from '../storage/blob';

const usualMtu = 1500;

async function create(
  { tx, plane }: Context,
  given: Partial<StoredRecord<'network'>>,
): Promise<Ref<'network'>> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtext('xenplane/bridges'))", []);
  const used = new Set((await tx.find('network', {})).map((n) => n.bridge));
  const managed = given.managed ?? true;
  const bridge = networkRules.bridgeName(given.bridge ?? '', managed, used);
  const uuid = plane.ids.uuid(),
    ref = asRef<'network'>(`OpaqueRef:${uuid}`);
  await tx.insert(
    'network',
    ref,
    recordWith('network', {
      ...given,
      uuid,
      bridge,
      managed,
      MTU: given.MTU && given.MTU > 0 ? given.MTU : usualMtu,
    }),
  );
  return ref;
}

/** Detached interfaces of VMs go with their network. */
async function destroy({ tx }: Context, self: Ref<'network'>): Promise<void> {
  const network = await tx.lock('network', self);
  const vifs = await tx.find('VIF', { network: self });
  const pifs = await tx.find('PIF', { network: self });
  const attachedVifs = vifs.filter((v) => v.currently_attached).map((v) => v.ref);
  const refused = networkRules.refuseDestroy({
    ref: self,
    network,
    attachedVifs,
    pifs: pifs.map((p) => p.ref),
  });
  if (refused) throw refused;
  for (const vif of vifs) await tx.remove('VIF', vif.ref);
  await tx.remove('network', self);
}

export const networkCalls: CallsOf<typeof classes.network, Context> = {
  create_new_blob: createNewBlob('network', 'network'),
  set_default_locking_mode: async ({ tx }, { network, value }) => {
    await tx.lock('network', network);
    const [attached] = await tx.find('VIF', { network, currently_attached: true });
    if (attached) throw new XenError('VIF_IN_USE', network, attached.ref);
    await tx.update('network', network, { default_locking_mode: value });
  },
  add_purpose: async ({ tx }, { self, value }) => {
    await tx.query("SELECT pg_advisory_xact_lock(hashtext('xenplane/purposes'))", []);
    const { purpose } = await tx.lock('network', self);
    if (purpose.includes(value)) return;
    const all = await tx.find('network', {});
    const refused = networkRules.refusePurpose(
      value,
      all.map((n) => n.purpose),
    );
    if (refused) throw refused;
    await tx.update('network', self, { purpose: [...purpose, value] });
  },
  /** A host that answers has every network that it has an interface on. */
  attach: async ({ tx }, { network, host }) => {
    await tx.get('network', network);
    await assertLive(tx, host);
  },
  remove_purpose: async ({ tx }, { self, value }) => {
    const { purpose } = await tx.lock('network', self);
    if (purpose.includes(value))
      await tx.update('network', self, { purpose: purpose.filter((p) => p !== value) });
  },
};

export const networkOverrides = {
  create: (context: Context, { args }: { args: Partial<StoredRecord<'network'>> }) => create(context, args),
  destroy: (context: Context, { self }: { self: Ref<'network'> }) => destroy(context, self),
};
