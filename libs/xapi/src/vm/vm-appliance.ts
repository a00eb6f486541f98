import { nullRef, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Context } from '../core/context';

/** Its VMs stay, and belong to none. */
async function destroy(tx: Tx, self: Ref<'VM_appliance'>): Promise<void> {
  await tx.lock('VM_appliance', self);
  for (const vm of await tx.find('VM', { appliance: self }))
    await tx.update('VM', vm.ref, { appliance: nullRef() });
  await tx.remove('VM_appliance', self);
}
export const applianceOverrides = {
  destroy: ({ tx }: Context, { self }: { self: Ref<'VM_appliance'> }) => destroy(tx, self),
};

/** The VMs of a group stay, without a rule for where they are. */
export const groupOverrides = {
  destroy: async ({ tx }: Context, { self }: { self: Ref<'VM_group'> }): Promise<void> => {
    await tx.lock('VM_group', self);
    await tx.query('UPDATE vm SET groups = array_remove(groups, $1) WHERE $1 = ANY(groups)', [self]);
    await tx.remove('VM_group', self);
  },
};
