import { classes, type CallsOf } from '@xenplane/model';
import type { Context } from '../../core/context';
import { dropDisk } from '../snapshots/vm-snapshot';

export const crashdumpCalls: CallsOf<typeof classes.crashdump, Context> = {
  destroy: async (context, { self }) => {
    const { VDI } = await context.tx.lock('crashdump', self);
    await context.tx.remove('crashdump', self);
    await dropDisk(context, VDI);
  },
};
