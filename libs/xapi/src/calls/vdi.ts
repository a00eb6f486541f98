import { asRef, classes, isNullRef, nullRef, XenError, type CallsOf, type Ref, type StoredRecord } from '@xenplane/model';
import { admitVdi } from '../admission';
import { dateTime, type Context } from '../context';
import { recordWith } from '../records';
import { imageKeys } from '../specs';
import { newLayer } from '../layers';
import { assertSrCan, cloneVdi, removeVdi, takeSpace } from './vdi-clone';

type Vdi = StoredRecord<'VDI'>;
const TiB = 2 ** 40;
/** Largest disk that the file formats of the drivers hold. */
const largestBytes = 64 * TiB;
const grainBytes = 2 ** 20;

export type NewVdi = Pick<Vdi, 'SR' | 'virtual_size' | 'type' | 'sharable' | 'read_only' | 'other_config'> & Partial<Vdi>;

/** A new disk, its size rounded up to whole MiB. */
export async function createVdi(context: Context, given: NewVdi): Promise<Ref<'VDI'>> {
  const { plane, tx } = context;
  if (!Number.isSafeInteger(given.virtual_size) || given.virtual_size < 0) throw new XenError('INVALID_VALUE', 'virtual_size', String(given.virtual_size));
  if (given.virtual_size > largestBytes) throw new XenError('VDI_TOO_LARGE', String(given.virtual_size), String(largestBytes));
  await assertSrCan(context, given.SR, 'VDI_CREATE');
  await assertAttached(context, given.SR);
  const uuid = plane.ids.uuid(),
    ref = asRef<'VDI'>(`OpaqueRef:${uuid}`);
  const virtual_size = Math.ceil(given.virtual_size / grainBytes) * grainBytes;
  await takeSpace(context, given.SR, virtual_size, 0);
  await tx.insert('VDI', ref, recordWith('VDI', { ...given, uuid, virtual_size, location: uuid, physical_utilisation: 0, managed: true }));
  await newLayer(tx, { id: plane.ids.uuid(), vdi: ref });
  return ref;
}

async function assertAttached({ tx }: Context, sr: Ref<'SR'>): Promise<void> {
  const [plugged] = await tx.find('PBD', { SR: sr, currently_attached: true });
  if (!plugged) throw new XenError('SR_HAS_NO_PBDS', sr);
}

async function destroy(context: Context, self: Ref<'VDI'>): Promise<void> {
  const vdi = await admitVdi(context, self, 'destroy');
  for (const vbd of await context.tx.find('VBD', { VDI: self })) {
    if (vbd.type === 'CD') await context.tx.update('VBD', vbd.ref, { VDI: nullRef(), empty: true });
    else await context.tx.remove('VBD', vbd.ref);
  }
  await removeVdi(context.tx, vdi);
}

async function snapshot(context: Context, self: Ref<'VDI'>): Promise<Ref<'VDI'>> {
  const vdi = await admitVdi(context, self, 'snapshot');
  return cloneVdi(context, vdi, {
    is_a_snapshot: true,
    snapshot_of: self,
    snapshot_time: dateTime(context.plane.clock.now()),
    name_label: vdi.name_label,
    read_only: vdi.read_only,
  });
}

async function resize(context: Context, self: Ref<'VDI'>, size: number, op: 'resize' | 'resize_online'): Promise<void> {
  const vdi = await admitVdi(context, self, op);
  if (!Number.isSafeInteger(size) || size < vdi.virtual_size) throw new XenError('INVALID_VALUE', 'size', String(size));
  if (size > largestBytes) throw new XenError('VDI_TOO_LARGE', String(size), String(largestBytes));
  const virtual_size = Math.ceil(size / grainBytes) * grainBytes;
  await takeSpace(context, vdi.SR, virtual_size - vdi.virtual_size, 0);
  await context.tx.update('VDI', self, { virtual_size });
}

async function setOnBoot(context: Context, self: Ref<'VDI'>, value: Vdi['on_boot']): Promise<void> {
  const vdi = await admitVdi(context, self, 'set_on_boot');
  if (value === 'persist' && imageKeys.digest in vdi.sm_config) throw new XenError('SR_OPERATION_NOT_SUPPORTED', vdi.SR);
  await context.tx.update('VDI', self, { on_boot: value });
}

export const vdiCalls: CallsOf<typeof classes.VDI, Context> = {
  clone: async (context, { vdi }) => cloneVdi(context, await admitVdi(context, vdi, 'clone')),
  snapshot: (context, { vdi }) => snapshot(context, vdi),
  resize: (context, { vdi, size }) => resize(context, vdi, size, 'resize'),
  resize_online: (context, { vdi, size }) => resize(context, vdi, size, 'resize_online'),
  set_sharable: async ({ tx }, { self, value }) => tx.update('VDI', self, { sharable: value }),
  set_read_only: async ({ tx }, { self, value }) => tx.update('VDI', self, { read_only: value }),
  set_name_label: async ({ tx }, { self, value }) => tx.update('VDI', self, { name_label: value }),
  set_name_description: async ({ tx }, { self, value }) => tx.update('VDI', self, { name_description: value }),
  set_on_boot: (context, { self, value }) => setOnBoot(context, self, value),
  update: async (context, { vdi }) => void (await admitVdi(context, vdi, 'update')),
  forget: async (context, { vdi }) => {
    await admitVdi(context, vdi, 'forget');
    for (const vbd of await context.tx.find('VBD', { VDI: vdi })) await context.tx.remove('VBD', vbd.ref);
    await context.tx.remove('VDI', vdi);
  },
};

export const vdiOverrides = {
  create: (context: Context, { args }: { args: NewVdi }) => {
    if (isNullRef(args.SR)) throw new XenError('HANDLE_INVALID', 'SR', args.SR);
    return createVdi(context, args);
  },
  destroy: (context: Context, { self }: { self: Ref<'VDI'> }) => destroy(context, self),
};
