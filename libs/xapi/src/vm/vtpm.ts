import { asRef, classes, type CallsOf } from '@xenplane/model';
import { vtpmLifecycle } from '@xenplane/domain';
import { admitVm } from '../begin/admission';
import type { Context } from '../core/context';
import { recordWith } from '../core/records';

export const vtpmCalls: CallsOf<typeof classes.VTPM, Context> = {
  create: async (context, { vM, is_unique }) => {
    await admitVm(context, vM, 'create_vtpm');
    const uuid = context.plane.ids.uuid(),
      ref = asRef<'VTPM'>(`OpaqueRef:${uuid}`);
    await context.tx.insert('VTPM', ref, recordWith('VTPM', { uuid, VM: vM, is_unique }));
    return ref;
  },
  destroy: async ({ tx }, { self }) => {
    const vtpm = await tx.lock('VTPM', self);
    const { power_state } = await tx.lock('VM', vtpm.VM);
    const refused = vtpmLifecycle.refusal('destroy', { vm: vtpm.VM, power_state });
    if (refused) throw refused;
    await tx.remove('VTPM', self);
  },
};
