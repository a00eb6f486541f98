import { bondRules, type pifRules } from '@xenplane/domain';
import {
  asRef,
  classes,
  nullRef,
  XenError,
  type CallsOf,
  type OperationParams,
  type Ref,
} from '@xenplane/model';
import type { Row } from '@xenplane/store';
import type { Context } from '../core/context';
import { addPif, assertNotConnected, lockInterfaces, pifSubject, pifSubjects, removePif } from './interfaces';
import { recordWith } from '../core/records';
import { handOver, moveGuests } from './bond-members';

type Wish = OperationParams<typeof classes.Bond, 'create'>;

function assertSettings(mode: bondRules.BondMode, properties: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(properties)) {
    const refused = bondRules.refuseSetting(mode, name, value);
    if (refused) throw refused;
  }
}

async function create(
  context: Context,
  { network, members, MAC, mode, properties }: Wish,
): Promise<Ref<'Bond'>> {
  const { tx, plane } = context;
  await lockInterfaces(tx);
  const slaves = await pifSubjects(tx, [...new Set(members)]);
  const primary = bondRules.primaryOf(slaves);
  if (!primary) throw new XenError('PIF_BOND_NEEDS_MORE_MEMBERS');
  const target = await assertNotConnected(tx, network, [primary.pif.host]);
  const refused = bondRules.refuseBond(slaves, MAC);
  if (refused) throw refused;
  assertSettings(mode, properties);
  const master = await addMaster(context, primary, target, MAC);
  const uuid = plane.ids.uuid(),
    bond = asRef<'Bond'>(`OpaqueRef:${uuid}`);
  await tx.insert(
    'Bond',
    bond,
    recordWith('Bond', {
      uuid,
      master,
      primary_slave: MAC === '' ? asRef<'PIF'>(primary.ref) : nullRef(),
      auto_update_mac: MAC === '',
      mode,
      properties: bondRules.settingsOf(mode, properties),
      links_up: await linksUp(context, slaves),
    }),
  );
  await enslave(context, bond, master, primary, slaves);
  return bond;
}

/** `bond0` with the address of the primary member, or the one wanted. */
async function addMaster(
  context: Context,
  primary: pifRules.PifSubject,
  network: Row<'network'>,
  MAC: string,
): Promise<Ref<'PIF'>> {
  const { host, MAC: own, properties } = primary.pif;
  const used = new Set((await context.tx.find('PIF', { host })).map((p) => p.device));
  return addPif(context, {
    device: bondRules.deviceNamed('bond', used),
    network: network.ref,
    host,
    MAC: MAC === '' ? own : MAC,
    MTU: network.MTU,
    VLAN: -1,
    properties,
    managed: true,
  });
}

async function linksUp({ tx }: Context, slaves: readonly pifRules.PifSubject[]): Promise<number> {
  const links = await tx.getMany(
    'PIF_metrics',
    slaves.map((s) => s.pif.metrics),
  );
  return links.filter((link) => link.carrier).length;
}

/** Objects on the members are on the bond from now on. */
async function enslave(
  context: Context,
  bond: Ref<'Bond'>,
  master: Ref<'PIF'>,
  primary: pifRules.PifSubject,
  slaves: readonly pifRules.PifSubject[],
): Promise<void> {
  const to = await pifSubject(context.tx, master);
  await handOver(context, primary, to);
  for (const slave of slaves) {
    await moveGuests(context, slave, to);
    await context.tx.update('PIF', asRef<'PIF'>(slave.ref), {
      bond_slave_of: bond,
      currently_attached: false,
    });
  }
}

/** All goes back to the primary member, or to the first when the bond had an address of its own. */
async function destroy(context: Context, self: Ref<'Bond'>): Promise<void> {
  const { tx } = context;
  await lockInterfaces(tx);
  const bond = await tx.lock('Bond', self);
  const master = await pifSubject(tx, bond.master);
  if (master.pif.management && master.ha) throw new XenError('HA_CANNOT_CHANGE_BOND_STATUS_OF_MGMT_IFACE');
  if (master.clusterHost !== undefined) throw new XenError('CLUSTERING_ENABLED', master.clusterHost);
  const slaves = await tx.find('PIF', { bond_slave_of: self });
  const primary =
    slaves.find((s) => s.ref === bond.primary_slave) ??
    slaves.toSorted((a, b) => a.device.localeCompare(b.device))[0];
  for (const { ref, managed } of slaves)
    await tx.update('PIF', ref, { bond_slave_of: nullRef(), currently_attached: managed });
  if (primary) {
    const to = await pifSubject(tx, primary.ref);
    await handOver(context, master, to);
    await moveGuests(context, master, to);
  }
  await tx.remove('Bond', self);
  await removePif(tx, bond.master);
}

async function setProperty({ tx }: Context, self: Ref<'Bond'>, name: string, value: string): Promise<void> {
  const bond = await tx.lock('Bond', self);
  assertSettings(bond.mode, { [name]: value });
  await tx.update('Bond', self, { properties: { ...bond.properties, [name]: value } });
}

export const bondCalls: CallsOf<typeof classes.Bond, Context> = {
  create: (context, wish) => create(context, wish),
  destroy: (context, { self }) => destroy(context, self),
  set_mode: async ({ tx }, { self, value }) => {
    const { properties } = await tx.lock('Bond', self);
    await tx.update('Bond', self, { mode: value, properties: bondRules.settingsOf(value, properties) });
  },
  set_property: (context, { self, name, value }) => setProperty(context, self, name, value),
};
