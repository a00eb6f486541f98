/** Dumps of a crashed hypervisor: records of files that are on the host. */
import { classes, XenError, type CallsOf } from '@xenplane/model';
import type { Context } from '../core/context';

export const hostCrashdumpCalls: CallsOf<typeof classes.host_crashdump, Context> = {
  destroy: ({ tx }, { self }) => tx.remove('host_crashdump', self),
  /** A simulated host that crashed has written nothing. */
  upload: async ({ tx }, { self }) => {
    await tx.get('host_crashdump', self);
    throw new XenError('SYSTEM_STATUS_RETRIEVAL_FAILED', 'the host has no files of this dump');
  },
};
