/** Actions of LVM repositories alone. They are the work of an extension that hosts here do not have. */
import { classes, XenError, type CallsOf } from '@xenplane/model';
import type { Context } from '../core/context';

export const lvhdCalls: CallsOf<typeof classes.LVHD, Context> = {
  enable_thin_provisioning: async ({ tx }, { host, SR }) => {
    await tx.get('host', host);
    await tx.get('SR', SR);
    throw new XenError('MESSAGE_METHOD_UNKNOWN', 'LVHD.enable_thin_provisioning');
  },
};
