import { asRef, classes, XenError, type CallsOf, type Ref, type StoredRecord } from '@xenplane/model';
import type { Context } from '../context';
import { recordWith } from '../records';

/** A disk of the repository that a VM on this host uses keeps the connection up. */
async function unplug({ tx }: Context, self: Ref<'PBD'>): Promise<void> {
  const pbd = await tx.lock('PBD', self);
  if (!pbd.currently_attached) return;
  const [used] = await tx.query<{ ref: string }>(
    'SELECT d.ref FROM vdi d JOIN vbd b ON b."VDI" = d.ref AND b.currently_attached JOIN vm v ON v.ref = b."VM" AND v.resident_on = $2 WHERE d."SR" = $1 LIMIT 1',
    [pbd.SR, pbd.host],
  );
  if (used) throw new XenError('VDI_IN_USE', used.ref, 'unplug');
  await tx.update('PBD', self, { currently_attached: false });
}

async function create({ tx, plane }: Context, given: Pick<StoredRecord<'PBD'>, 'host' | 'SR' | 'device_config'>): Promise<Ref<'PBD'>> {
  await tx.get('host', given.host);
  await tx.lock('SR', given.SR);
  const [present] = await tx.find('PBD', { host: given.host, SR: given.SR });
  if (present) throw new XenError('PBD_EXISTS', given.SR, given.host, present.ref);
  const uuid = plane.ids.uuid(),
    ref = asRef<'PBD'>(`OpaqueRef:${uuid}`);
  await tx.insert('PBD', ref, recordWith('PBD', { ...given, uuid, currently_attached: false }));
  return ref;
}

export const pbdCalls: CallsOf<typeof classes.PBD, Context> = {
  plug: async ({ tx }, { self }) => {
    await tx.lock('PBD', self);
    await tx.update('PBD', self, { currently_attached: true });
  },
  unplug: (context, { self }) => unplug(context, self),
  set_device_config: async ({ tx }, { self, value }) => tx.update('PBD', self, { device_config: value }),
};

export const pbdOverrides = {
  create: (context: Context, { args }: { args: StoredRecord<'PBD'> }) => create(context, args),
  destroy: async ({ tx }: Context, { self }: { self: Ref<'PBD'> }) => {
    const pbd = await tx.lock('PBD', self);
    if (pbd.currently_attached) throw new XenError('OPERATION_NOT_ALLOWED', 'PBD is currently attached');
    await tx.remove('PBD', self);
  },
};
