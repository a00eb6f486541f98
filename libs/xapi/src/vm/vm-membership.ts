/** Memberships of a VM: an appliance, a snapshot schedule, a group. */
import { isNullRef, XenError, type Ref, type StoredRecord } from '@xenplane/model';
import type { Context } from '../core/context';

interface Setting<C extends string> {
  readonly self: Ref<'VM'>;
  readonly value: Ref<C>;
}
type Row = StoredRecord<'VM'> & { readonly ref: Ref<'VM'> };

function assertOrdinary({ ref, is_a_template, is_a_snapshot, is_control_domain }: Row, what: string): void {
  if (is_control_domain)
    throw new XenError('OPERATION_NOT_ALLOWED', `A control domain cannot belong to ${what}`);
  if (is_a_snapshot) throw new XenError('VM_IS_SNAPSHOT', ref, 'set');
  if (is_a_template) throw new XenError('VM_IS_TEMPLATE', ref, 'set');
}

/** One VM may suspend into another image only when that is a copy of its own. */
async function setSuspendVdi({ tx }: Context, { self, value }: Setting<'VDI'>): Promise<void> {
  const vm = await tx.lock('VM', self);
  if (vm.power_state !== 'Suspended')
    throw new XenError('VM_BAD_POWER_STATE', self, 'suspended', vm.power_state.toLowerCase());
  if (vm.suspend_VDI === value) return;
  const present = await tx.get('VDI', vm.suspend_VDI),
    next = await tx.get('VDI', value);
  if (
    next.type !== 'suspend' ||
    next.virtual_size !== present.virtual_size ||
    next.physical_utilisation !== present.physical_utilisation
  )
    throw new XenError('SUSPEND_VDI_REPLACEMENT_IS_NOT_IDENTICAL');
  await tx.update('VM', self, { suspend_VDI: value });
}

async function setGroups(
  { tx }: Context,
  { self, value }: { self: Ref<'VM'>; value: Ref<'VM_group'>[] },
): Promise<void> {
  const groups = [...new Set(value)];
  if (groups.length > 1) throw new XenError('TOO_MANY_GROUPS');
  for (const group of groups) await tx.get('VM_group', group);
  await tx.lock('VM', self);
  await tx.update('VM', self, { groups });
}

export const vmBelonging = {
  set_appliance: async ({ tx }: Context, { self, value }: Setting<'VM_appliance'>): Promise<void> => {
    const vm = await tx.lock('VM', self);
    if (!isNullRef(value)) {
      assertOrdinary(vm, 'an appliance');
      await tx.lock('VM_appliance', value);
    }
    await tx.update('VM', self, { appliance: value });
  },
  set_snapshot_schedule: async ({ tx }: Context, { self, value }: Setting<'VMSS'>): Promise<void> => {
    const vm = await tx.lock('VM', self);
    if (!isNullRef(value)) {
      assertOrdinary(vm, 'a snapshot schedule');
      await tx.lock('VMSS', value);
    }
    await tx.update('VM', self, { snapshot_schedule: value });
  },
  set_suspend_VDI: setSuspendVdi,
  set_groups: setGroups,
};
