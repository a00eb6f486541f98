/** Physical GPUs, the groups in which they are offered, and the virtual GPUs of VMs. */
import { graphics } from '@xenplane/domain';
import {
  asRef,
  classes,
  isNullRef,
  nullRef,
  XenError,
  type CallsOf,
  type OperationParams,
  type Ref,
} from '@xenplane/model';
import type { Row, Tx } from '@xenplane/store';
import { passthroughType } from '../bootstrap/devices';
import type { Context } from '../core/context';
import { gpusWhere, residentVms } from './device-assignment';
import { hideFromDom0 } from '../tables/host-hardware';
import { recordWith } from '../core/records';

type TypeRef = Ref<'VGPU_type'>;
const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];

/** A group offers what any of its GPUs does. */
async function refreshGroup(tx: Tx, group: Ref<'GPU_group'>): Promise<void> {
  if (isNullRef(group)) return;
  await tx.lock('GPU_group', group);
  const pgpus = await tx.find('PGPU', { GPU_group: group });
  const cards = await tx.getMany(
    'PCI',
    pgpus.map((p) => p.PCI),
  );
  await tx.update('GPU_group', group, {
    GPU_types: unique(cards.map((c) => `${c.vendor_id}/${c.device_id}`)),
    supported_VGPU_types: unique(pgpus.flatMap((p) => p.supported_VGPU_types)),
    enabled_VGPU_types: unique(pgpus.flatMap((p) => p.enabled_VGPU_types)),
  });
}

async function assertUnused(tx: Tx, pgpu: Ref<'PGPU'>, types?: readonly TypeRef[]): Promise<void> {
  const vms = await residentVms(tx, pgpu, types);
  if (vms.length > 0) throw new XenError('PGPU_IN_USE_BY_VM', vms.join(', '));
}

async function setEnabled(
  { tx }: Context,
  self: Ref<'PGPU'>,
  change: (present: readonly TypeRef[]) => readonly TypeRef[],
): Promise<void> {
  const pgpu = await tx.lock('PGPU', self);
  const after = unique(change(pgpu.enabled_VGPU_types));
  const foreign = after.find((type) => !pgpu.supported_VGPU_types.includes(type));
  if (foreign) throw new XenError('VGPU_TYPE_NOT_SUPPORTED', foreign, pgpu.supported_VGPU_types.join(', '));
  const gone = pgpu.enabled_VGPU_types.filter((type) => !after.includes(type));
  if (gone.length > 0) await assertUnused(tx, self, gone);
  await tx.update('PGPU', self, { enabled_VGPU_types: after });
  await refreshGroup(tx, pgpu.GPU_group);
}

async function setGroup({ tx }: Context, self: Ref<'PGPU'>, group: Ref<'GPU_group'>): Promise<void> {
  const pgpu = await tx.lock('PGPU', self);
  await assertUnused(tx, self);
  if (!isNullRef(group)) await assertSameHardware(tx, pgpu, await tx.lock('GPU_group', group));
  await tx.update('PGPU', self, { GPU_group: group });
  await refreshGroup(tx, pgpu.GPU_group);
  await refreshGroup(tx, group);
}
async function assertSameHardware(tx: Tx, pgpu: Row<'PGPU'>, group: Row<'GPU_group'>): Promise<void> {
  const { vendor_id, device_id } = await tx.get('PCI', pgpu.PCI);
  const type = `${vendor_id}/${device_id}`;
  if (group.GPU_types.length > 0 && !group.GPU_types.includes(type))
    throw new XenError('PGPU_NOT_COMPATIBLE_WITH_GPU_GROUP', type, `[${group.GPU_types.join(', ')}]`);
}

async function showDom0({ tx }: Context, self: Ref<'PGPU'>, hide: boolean) {
  const { PCI, host } = await tx.lock('PGPU', self);
  const access = await hideFromDom0(tx, host, (await tx.get('PCI', PCI)).pci_id, hide);
  await tx.update('PGPU', self, { dom0_access: access });
  return access;
}

export const pgpuCalls: CallsOf<typeof classes.PGPU, Context> = {
  add_enabled_VGPU_types: (context, { self, value }) =>
    setEnabled(context, self, (present) => [...present, value]),
  remove_enabled_VGPU_types: (context, { self, value }) =>
    setEnabled(context, self, (present) => present.filter((type) => type !== value)),
  set_enabled_VGPU_types: (context, { self, value }) => setEnabled(context, self, () => value),
  set_GPU_group: (context, { self, value }) => setGroup(context, self, value),
  get_remaining_capacity: async ({ tx }, { self, vgpu_type }) => {
    await tx.get('PGPU', self);
    await tx.get('VGPU_type', vgpu_type);
    return graphics.remainingInGroup(await gpusWhere(tx, 'ref', self), vgpu_type);
  },
  enable_dom0_access: (context, { self }) => showDom0(context, self, false),
  disable_dom0_access: (context, { self }) => showDom0(context, self, true),
};

export const gpuGroupCalls: CallsOf<typeof classes.GPU_group, Context> = {
  create: async ({ tx, plane }, given) => {
    const uuid = plane.ids.uuid(),
      ref = asRef<'GPU_group'>(`OpaqueRef:${uuid}`);
    await tx.insert('GPU_group', ref, recordWith('GPU_group', { ...given, uuid }));
    return ref;
  },
  destroy: async ({ tx }, { self }) => {
    await tx.lock('GPU_group', self);
    const pgpus = await tx.find('PGPU', { GPU_group: self });
    if (pgpus.length > 0) throw new XenError('GPU_GROUP_CONTAINS_PGPU', pgpus.map((p) => p.ref).join(', '));
    const vgpus = await tx.find('VGPU', { GPU_group: self });
    if (vgpus.length > 0) throw new XenError('GPU_GROUP_CONTAINS_VGPU', vgpus.map((v) => v.ref).join(', '));
    await tx.remove('GPU_group', self);
  },
  get_remaining_capacity: async ({ tx }, { self, vgpu_type }) => {
    await tx.get('GPU_group', self);
    await tx.get('VGPU_type', vgpu_type);
    return graphics.remainingInGroup(await gpusWhere(tx, 'GPU_group', self), vgpu_type);
  },
};

async function assertHalted(tx: Tx, vm: Ref<'VM'>): Promise<void> {
  const { power_state } = await tx.lock('VM', vm);
  if (power_state !== 'Halted')
    throw new XenError('VM_BAD_POWER_STATE', vm, 'halted', power_state.toLowerCase());
}

type NewVgpu = OperationParams<typeof classes.VGPU, 'create'>;
async function createVgpu(
  { tx, plane }: Context,
  { VM, GPU_group, device, other_config, type }: NewVgpu,
): Promise<Ref<'VGPU'>> {
  await assertHalted(tx, VM);
  const group = await tx.get('GPU_group', GPU_group);
  if (!/^\d{1,2}$/.test(device)) throw new XenError('INVALID_DEVICE', device);
  const present = await tx.find('VGPU', { VM });
  if (present.some((v) => v.device === device)) throw new XenError('DEVICE_ALREADY_EXISTS', device);
  const model = await tx.get('VGPU_type', isNullRef(type) ? passthroughType : type);
  if (!group.supported_VGPU_types.includes(model.ref))
    throw new XenError('VGPU_TYPE_NOT_SUPPORTED', model.ref, group.supported_VGPU_types.join(', '));
  const strange = present.find((v) => !model.compatible_types_in_vm.includes(v.type));
  if (strange) throw new XenError('VGPU_TYPE_NOT_COMPATIBLE', model.ref);
  const uuid = plane.ids.uuid(),
    ref = asRef<'VGPU'>(`OpaqueRef:${uuid}`);
  await tx.insert(
    'VGPU',
    ref,
    recordWith('VGPU', {
      uuid,
      VM,
      GPU_group,
      device,
      other_config,
      type: model.ref,
      resident_on: nullRef(),
    }),
  );
  return ref;
}

export const vgpuCalls: CallsOf<typeof classes.VGPU, Context> = {
  create: (context, given) => createVgpu(context, given),
  destroy: async ({ tx }, { self }) => {
    const { VM } = await tx.lock('VGPU', self);
    await assertHalted(tx, VM);
    await tx.remove('VGPU', self);
  },
};
