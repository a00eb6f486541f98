/** Patches of the old kind on a host: each was put there by its update, and is applied already. */
import { classes, XenError, type CallsOf } from '@xenplane/model';
import type { Context } from '../core/context';

export const hostPatchCalls: CallsOf<typeof classes.host_patch, Context> = {
  destroy: async ({ tx }, { self }) => {
    if ((await tx.lock('host_patch', self)).applied) throw new XenError('PATCH_IS_APPLIED');
    await tx.remove('host_patch', self);
  },
  apply: async ({ tx }, { self }) => {
    const { applied } = await tx.get('host_patch', self);
    throw applied ? new XenError('PATCH_ALREADY_APPLIED', self) : new XenError('CANNOT_FIND_PATCH');
  },
};
