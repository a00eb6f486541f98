/** VLANs: an interface that carries a tag, on one host or on all hosts of a network. */
import { pifRules, stackingRules } from '@xenplane/domain';
import {
  asRef,
  classes,
  nullRef,
  XenError,
  type CallsOf,
  type Ref,
  type StoredRecord,
} from '@xenplane/model';
import type { Context } from '../core/context';
import { admitPif, assertNotConnected, lockInterfaces, pifSubjects, removePif } from './interfaces';
import { recordWith } from '../core/records';

interface Wish {
  readonly tagged_PIF: Ref<'PIF'>;
  readonly tag: number;
  readonly network: Ref<'network'>;
}

export async function createVlan(context: Context, { tagged_PIF, tag, network }: Wish): Promise<Ref<'VLAN'>> {
  const [vlan] = await createVlans(context, [tagged_PIF], tag, network);
  if (!vlan) throw new XenError('HANDLE_INVALID', 'PIF', tagged_PIF);
  return vlan.ref;
}

interface Made {
  readonly ref: Ref<'VLAN'>;
  readonly untagged: Ref<'PIF'>;
}
/** The same tag on several interfaces, of hosts that differ; in a few statements for any number. */
async function createVlans(
  { tx, plane }: Context,
  tagged: readonly Ref<'PIF'>[],
  tag: number,
  network: Ref<'network'>,
): Promise<Made[]> {
  await lockInterfaces(tx);
  const subjects = await pifSubjects(tx, tagged);
  const { MTU } = await assertNotConnected(
    tx,
    network,
    subjects.map((s) => s.pif.host),
  );
  const tags = new Map<string, number[]>();
  for (const { on, tag: present } of await tx.query<{ on: string; tag: number }>(
    'SELECT "tagged_PIF" AS on, tag FROM vlan WHERE "tagged_PIF" = ANY($1)',
    [tagged],
  ))
    tags.set(on, [...(tags.get(on) ?? []), present]);
  for (const subject of subjects) {
    const refused = stackingRules.refuseVlan(subject, tag, tags.get(subject.ref) ?? []);
    if (refused) throw refused;
  }
  const made = subjects.map((subject) => {
    const ref = asRef<'VLAN'>(`OpaqueRef:${plane.ids.uuid()}`),
      untagged = asRef<'PIF'>(`OpaqueRef:${plane.ids.uuid()}`);
    return { subject, ref, untagged };
  });
  await tx.insertAll(
    'PIF',
    made.map(({ subject, ref, untagged }) => ({
      ref: untagged,
      ...untaggedPif(subject, { uuid: uuidOf(untagged), network, MTU, VLAN: tag, VLAN_master_of: ref }),
    })),
  );
  await tx.insertAll(
    'VLAN',
    made.map(({ subject, ref, untagged }) => ({
      ref,
      ...recordWith('VLAN', {
        uuid: uuidOf(ref),
        tagged_PIF: asRef<'PIF'>(subject.ref),
        untagged_PIF: untagged,
        tag,
      }),
    })),
  );
  return made;
}
const uuidOf = (ref: string): string => ref.replace('OpaqueRef:', '');

/** It shows the link state of the interface that it stands on, and is up when that is. */
function untaggedPif({ pif }: pifRules.PifSubject, own: Partial<StoredRecord<'PIF'>>): StoredRecord<'PIF'> {
  const { device, host, MAC, metrics, currently_attached } = pif;
  return recordWith('PIF', {
    device,
    host,
    MAC,
    metrics,
    currently_attached,
    physical: false,
    managed: true,
    ...own,
  });
}

export async function destroyVlan({ tx }: Context, self: Ref<'VLAN'>): Promise<void> {
  await lockInterfaces(tx);
  const vlan = await tx.lock('VLAN', self);
  await admitPif(tx, vlan.untagged_PIF, (subject) => pifRules.refuseUnplug(subject) ?? standing(subject));
  await tx.remove('VLAN', self);
  await removePif(tx, vlan.untagged_PIF);
}
const standing = ({ ref, tunnelTransport }: pifRules.PifSubject): XenError | undefined =>
  tunnelTransport ? new XenError('PIF_TUNNEL_STILL_EXISTS', ref) : undefined;

/** `pool.create_VLAN_from_PIF`: the VLAN on every host that is on the same network as this interface. Answers the interfaces made. */
export async function createPoolVlan(
  context: Context,
  pif: Ref<'PIF'>,
  network: Ref<'network'>,
  tag: number,
): Promise<Ref<'PIF'>[]> {
  const one = await context.tx.get('PIF', pif);
  if (one.VLAN >= 0) throw new XenError('PIF_IS_VLAN', pif);
  const all = await context.tx.find('PIF', { network: one.network });
  const made = await createVlans(
    context,
    all.map((p) => p.ref),
    tag,
    network,
  );
  return made.map((m) => m.untagged);
}
/** `pool.create_VLAN`: the same by the name of the device. */
export async function createPoolVlanOn(
  context: Context,
  device: string,
  network: Ref<'network'>,
  tag: number,
): Promise<Ref<'PIF'>[]> {
  const all = await context.tx.find('PIF', { device, VLAN: -1, bond_slave_of: nullRef() });
  const made = await createVlans(
    context,
    all.map((p) => p.ref),
    tag,
    network,
  );
  return made.map((m) => m.untagged);
}

export const vlanCalls: CallsOf<typeof classes.VLAN, Context> = {
  create: (context, wish) => createVlan(context, wish),
  destroy: (context, { self }) => destroyVlan(context, self),
};
