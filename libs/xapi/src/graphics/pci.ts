import { classes, type CallsOf, type Ref } from '@xenplane/model';
import type { Context } from '../core/context';
import { dom0Access, hideFromDom0 } from '../tables/host-hardware';

/** The older field of a physical GPU shows the same as its PCI device. */
async function hide({ tx }: Context, self: Ref<'PCI'>, hidden: boolean) {
  const { host, pci_id } = await tx.lock('PCI', self);
  const access = await hideFromDom0(tx, host, pci_id, hidden);
  for (const { ref } of await tx.find('PGPU', { PCI: self }))
    await tx.update('PGPU', ref, { dom0_access: access });
  return access;
}

export const pciCalls: CallsOf<typeof classes.PCI, Context> = {
  disable_dom0_access: (context, { self }) => hide(context, self, true),
  enable_dom0_access: (context, { self }) => hide(context, self, false),
  get_dom0_access_status: async ({ tx }, { self }) => {
    const { host, pci_id } = await tx.get('PCI', self);
    return dom0Access(tx, host, pci_id);
  },
};
