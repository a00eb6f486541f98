import { pifRules } from '@xenplane/domain';
import { asRef, classes, XenError, type CallsOf, type Ref } from '@xenplane/model';
import type { Context } from '../core/context';
import { admitPif, lockInterfaces, pifSubjects, removePif, setAttached } from './interfaces';
import { reconfigureIpv4, reconfigureIpv6, setAddressType } from './pif-addresses';
import { dbIntroduce, introduce, scan } from './pif-introduce';
import { createVlan, destroyVlan } from './vlan';

/** Tunnels whose packets travel over an interface go down with it and come up after it. */
async function plug(context: Context, self: Ref<'PIF'>): Promise<void> {
  const { tx } = context;
  await lockInterfaces(tx);
  const subject = await admitPif(tx, self, pifRules.refusePlug);
  if (subject.pif.currently_attached) return;
  const [tunnel] = await tx.find('tunnel', { access_PIF: self });
  if (tunnel) {
    await admitPif(tx, tunnel.transport_PIF, ({ ref, pif }) =>
      pif.ip_configuration_mode === 'None' ? new XenError('TRANSPORT_PIF_NOT_CONFIGURED', ref) : undefined,
    );
    await plug(context, tunnel.transport_PIF);
    await tx.update('tunnel', tunnel.ref, { status: { active: 'true' } });
  }
  await setAttached(tx, subject, true);
}

async function unplug({ tx }: Context, self: Ref<'PIF'>): Promise<void> {
  await lockInterfaces(tx);
  const subject = await admitPif(tx, self, pifRules.refuseUnplug);
  if (!subject.pif.currently_attached) return;
  const over = await tx.find('tunnel', { transport_PIF: self });
  const inner = await pifSubjects(
    tx,
    over.map((t) => t.access_PIF),
  );
  for (const access of inner) {
    const refused = pifRules.refuseUnplug(access);
    if (refused) throw refused;
    await setAttached(tx, access, false);
  }
  const own = await tx.find('tunnel', { access_PIF: self });
  for (const { ref } of [...over, ...own]) await tx.update('tunnel', ref, { status: { active: 'false' } });
  await setAttached(tx, subject, false);
}

async function forget({ tx }: Context, self: Ref<'PIF'>): Promise<void> {
  await lockInterfaces(tx);
  await admitPif(tx, self, pifRules.refuseForget);
  await removePif(tx, self);
}

/** The older way to name a VLAN's interface: by its host and device. */
async function createOnDevice(
  context: Context,
  given: { device: string; network: Ref<'network'>; host: Ref<'host'>; VLAN: number },
): Promise<Ref<'PIF'>> {
  const { tx } = context;
  const [tagged] = await tx.find('PIF', { host: given.host, device: given.device, VLAN: -1 });
  if (!tagged) throw new XenError('PIF_DEVICE_NOT_FOUND');
  const vlan = await createVlan(context, { tagged_PIF: tagged.ref, tag: given.VLAN, network: given.network });
  return (await tx.get('VLAN', vlan)).untagged_PIF;
}
async function destroy(context: Context, self: Ref<'PIF'>): Promise<void> {
  const pif = await context.tx.get('PIF', self);
  if (pif.physical) throw new XenError('PIF_IS_PHYSICAL', self);
  const [vlan] = await context.tx.find('VLAN', { untagged_PIF: self });
  if (!vlan) throw new XenError('OPERATION_NOT_ALLOWED', 'Only VLAN interfaces can be destroyed so');
  await destroyVlan(context, vlan.ref);
}

/** The members of a bond follow its settings. */
async function setProperty({ tx }: Context, self: Ref<'PIF'>, name: string, value: string): Promise<void> {
  const { pif } = await admitPif(tx, self, (subject) => pifRules.refuseProperty(subject, name, value));
  await tx.update('PIF', self, { properties: { ...pif.properties, [name]: value } });
  const [bond] = await tx.find('Bond', { master: self });
  if (!bond) return;
  for (const slave of await tx.find('PIF', { bond_slave_of: bond.ref }))
    await tx.update('PIF', slave.ref, { properties: { ...slave.properties, [name]: value } });
}

export const pifCalls: CallsOf<typeof classes.PIF, Context> = {
  create_VLAN: (context, given) => createOnDevice(context, given),
  destroy: (context, { self }) => destroy(context, self),
  reconfigure_ip: (context, { self, ...wish }) => reconfigureIpv4(context, self, wish),
  reconfigure_ipv6: (context, { self, ...wish }) => reconfigureIpv6(context, self, wish),
  set_primary_address_type: (context, { self, primary_address_type }) =>
    setAddressType(context, self, primary_address_type),
  scan: (context, { host }) => scan(context, host),
  introduce: (context, given) => introduce(context, given),
  forget: (context, { self }) => forget(context, self),
  unplug: (context, { self }) => unplug(context, self),
  set_disallow_unplug: async ({ tx }, { self, value }) => {
    await admitPif(tx, self, (subject) => pifRules.refuseDisallowUnplug(subject, value));
    await tx.update('PIF', self, { disallow_unplug: value });
  },
  plug: (context, { self }) => plug(context, self),
  db_introduce: (context, given) => dbIntroduce(context, given),
  db_forget: async ({ tx }, { self }) => removePif(tx, asRef<'PIF'>(self)),
  set_property: (context, { self, name, value }) => setProperty(context, self, name, value),
};
