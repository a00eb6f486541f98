import { storage } from '@xenplane/domain';
import {
  asRef,
  classes,
  isNullRef,
  map,
  string,
  XenError,
  type CallsOf,
  type OperationParams,
  type Ref,
  type StoredRecord,
} from '@xenplane/model';
import { encodeXml, memberXml, structXml, xmlCall, xmlPlain } from '@xenplane/wire';
import { admitSr, admitVdi, assertSrAllows } from '../begin/admission';
import type { Context } from '../core/context';
import { isPlugged } from '../begin/lifecycle-subjects';
import { recordWith } from '../core/records';
import { imageKeys } from '../runs/domain-spec';
import { noted } from '../tables/layers/disk-chains';
import { newLayer, revertLayers } from '../tables/layers/layers';
import { claimVolume, leaveVolume, unrecordedVolumes, vdiRef } from '../tables/layers/media';
import { detach } from './sr-destroy';
import { sumUp } from './sr-scan';
import { cloneVdi, removeVdi, snapshotVdi, takeSpace } from './vdi-clone';
import { setTracking } from './vdi-tracking';

type Vdi = StoredRecord<'VDI'>;
const TiB = 2 ** 40;
/** Largest disk that the file formats of the drivers hold. */
const largestBytes = 64 * TiB;
const grainBytes = 2 ** 20;

export type NewVdi = Pick<Vdi, 'SR' | 'virtual_size' | 'type' | 'sharable' | 'read_only' | 'other_config'> &
  Partial<Vdi>;

/** A new disk, its size rounded up to whole MiB. */
export async function createVdi(context: Context, given: NewVdi): Promise<Ref<'VDI'>> {
  const { plane, tx } = context;
  if (!Number.isSafeInteger(given.virtual_size) || given.virtual_size < 0)
    throw new XenError('INVALID_VALUE', 'virtual_size', String(given.virtual_size));
  if (given.virtual_size > largestBytes)
    throw new XenError('VDI_TOO_LARGE', String(given.virtual_size), String(largestBytes));
  const { type } = await assertSrAllows(context, given.SR, 'vdi_create');
  await assertAttached(context, given.SR);
  const uuid = plane.ids.uuid(),
    ref = asRef<'VDI'>(`OpaqueRef:${uuid}`);
  const virtual_size = Math.ceil(given.virtual_size / grainBytes) * grainBytes;
  await takeSpace(context, given.SR, virtual_size, 0);
  await tx.insert(
    'VDI',
    ref,
    recordWith('VDI', {
      ...given,
      sm_config: noted(type, given.sm_config ?? {}),
      uuid,
      virtual_size,
      location: uuid,
      physical_utilisation: 0,
      managed: true,
    }),
  );
  await newLayer(tx, { id: plane.ids.uuid(), vdi: ref });
  return ref;
}

async function assertAttached({ tx }: Context, sr: Ref<'SR'>): Promise<void> {
  if (!(await isPlugged(tx, sr))) throw new XenError('SR_HAS_NO_PBDS', sr);
}

async function destroy(context: Context, self: Ref<'VDI'>): Promise<void> {
  const vdi = await admitVdi(context, self, 'destroy');
  await detach(context.tx, self);
  await context.tx.query('UPDATE vm SET "suspend_VDI" = NULL WHERE "suspend_VDI" = $1', [self]);
  await removeVdi(context.tx, vdi);
}

/** A disk becomes what it was at its snapshot. */
async function revert(context: Context, snapshot: Ref<'VDI'>): Promise<void> {
  const { snapshot_of, virtual_size } = await admitVdi(context, snapshot, 'revert_to');
  const target = await admitVdi(context, snapshot_of, 'revert_from');
  await takeSpace(context, target.SR, virtual_size - target.virtual_size, 0);
  await context.tx.update('VDI', snapshot_of, { virtual_size });
  await revertLayers(context.tx, context.plane.ids, [snapshot_of, snapshot], { charge: 0, shown: true });
}

async function clone(
  context: Context,
  ref: Ref<'VDI'>,
  driverParams: Readonly<Record<string, string>>,
): Promise<Ref<'VDI'>> {
  const vdi = await admitVdi(context, ref, 'clone');
  return cloneVdi(context, vdi, { xenstore_data: { ...vdi.xenstore_data, ...driverParams } });
}

/** The contents stay in the repository, where a scan finds them. */
async function forget(context: Context, ref: Ref<'VDI'>): Promise<void> {
  const { tx } = context;
  const vdi = await admitVdi(context, ref, 'forget');
  await detach(tx, ref);
  const { uuid } = await tx.get('SR', vdi.SR);
  await leaveVolume(tx, uuid, vdi);
  await removeVdi(tx, vdi);
}

type Introduced = OperationParams<typeof classes.VDI, 'introduce'>;
/** A record for contents that lie in the repository without one. */
async function introduce(context: Context, given: Introduced): Promise<Ref<'VDI'>> {
  const { tx, plane } = context;
  const sr = await admitSr(context, given.SR, 'vdi_introduce');
  await assertAttached(context, given.SR);
  if (given.uuid !== '' && (await tx.find('VDI', { uuid: given.uuid })).length > 0)
    throw storage.failure('vdiExists', given.uuid);
  const stray = (await unrecordedVolumes(tx, sr.uuid)).find((s) => s.location === given.location);
  if (!stray) throw new XenError('VDI_LOCATION_MISSING', given.SR, given.location);
  const uuid = given.uuid || plane.ids.uuid(),
    ref = vdiRef(uuid);
  const { virtual_size } = stray.record;
  await tx.insert('VDI', ref, recordWith('VDI', { ...given, uuid, virtual_size, physical_utilisation: 0 }));
  await claimVolume(tx, sr.uuid, given.location, ref);
  await sumUp(tx, given.SR);
  return ref;
}

async function resize(context: Context, self: Ref<'VDI'>, size: number): Promise<void> {
  const vdi = await admitVdi(context, self, 'resize');
  if (!Number.isSafeInteger(size) || size < vdi.virtual_size)
    throw storage.failure('vdiSize', `from ${vdi.virtual_size} to ${size}`);
  if (size > largestBytes) throw new XenError('VDI_TOO_LARGE', String(size), String(largestBytes));
  const virtual_size = Math.ceil(size / grainBytes) * grainBytes;
  await takeSpace(context, vdi.SR, virtual_size - vdi.virtual_size, 0);
  await context.tx.update('VDI', self, { virtual_size });
}

async function setOnBoot(context: Context, self: Ref<'VDI'>, value: Vdi['on_boot']): Promise<void> {
  const vdi = await admitVdi(context, self, 'set_on_boot');
  if (value === 'persist' && imageKeys.digest in vdi.sm_config)
    throw new XenError('SR_OPERATION_NOT_SUPPORTED', vdi.SR);
  await context.tx.update('VDI', self, { on_boot: value });
}

/** The data that the driver needs to attach the disk by itself: a call to it, inside an answer to the call that made it. */
async function generateConfig(context: Context, host: Ref<'host'>, self: Ref<'VDI'>): Promise<string> {
  const { tx } = context;
  const { uuid, SR } = await admitVdi(context, self, 'generate_config');
  const [pbd] = await tx.find('PBD', { host, SR, currently_attached: true });
  if (!pbd) throw new XenError('SR_HAS_NO_PBDS', SR);
  const command = 'vdi_attach_from_config',
    texts = { sr_uuid: (await tx.get('SR', SR)).uuid, vdi_uuid: uuid, command };
  const members = [
    memberXml('device_config', encodeXml(map(string, string), pbd.device_config)),
    ...Object.entries(texts).map(([name, text]) => memberXml(name, encodeXml(string, text))),
  ];
  return xmlPlain(encodeXml(string, xmlCall(command, [structXml(members.join(''))])));
}

type Outsiders = 'open_database' | 'read_database_pool_uuid' | 'get_nbd_info' | 'data_destroy';
export const vdiCalls: Omit<CallsOf<typeof classes.VDI, Context>, Outsiders> = {
  clone: (context, { vdi, driver_params }) => clone(context, vdi, driver_params),
  snapshot: async (context, { vdi, driver_params }) =>
    snapshotVdi(context, await admitVdi(context, vdi, 'snapshot'), driver_params),
  resize: (context, { vdi, size }) => resize(context, vdi, size),
  set_sharable: async ({ tx }, { self, value }) => tx.update('VDI', self, { sharable: value }),
  set_read_only: async ({ tx }, { self, value }) => tx.update('VDI', self, { read_only: value }),
  set_name_label: async ({ tx }, { self, value }) => tx.update('VDI', self, { name_label: value }),
  set_name_description: async ({ tx }, { self, value }) =>
    tx.update('VDI', self, { name_description: value }),
  set_on_boot: (context, { self, value }) => setOnBoot(context, self, value),
  update: async (context, { vdi }) => void (await admitVdi(context, vdi, 'update')),
  forget: (context, { vdi }) => forget(context, vdi),
  introduce,
  revert: (context, { snapshot }) => revert(context, snapshot),
  force_unlock: async ({ tx }, { vdi }) => {
    await tx.get('VDI', vdi);
    throw new XenError('MESSAGE_DEPRECATED');
  },
  generate_config: (context, { host, vdi }) => generateConfig(context, host, vdi),
  set_allow_caching: async ({ tx }, { self, value }) => tx.update('VDI', self, { allow_caching: value }),
  enable_cbt: (context, { self }) => setTracking(context, self, true),
  disable_cbt: (context, { self }) => setTracking(context, self, false),
};

export const vdiOverrides = {
  create: (context: Context, { args }: { args: NewVdi }) => {
    if (isNullRef(args.SR)) throw new XenError('HANDLE_INVALID', 'SR', args.SR);
    return createVdi(context, args);
  },
  destroy: (context: Context, { self }: { self: Ref<'VDI'> }) => destroy(context, self),
};
