/** Which variant of a driver a host is to load at its next boot. */
import { classes, nullRef, XenError, type CallsOf, type Ref } from '@xenplane/model';
import type { Context } from '../core/context';
import { assertLive } from './host-use';

async function select(
  { tx }: Context,
  driver: Ref<'Host_driver'>,
  variant: Ref<'Driver_variant'>,
): Promise<void> {
  const chosen = await tx.get('Driver_variant', variant);
  if (chosen.driver !== driver) throw new XenError('INVALID_VALUE', 'variant', variant);
  if (!chosen.hardware_present) throw new XenError('HOST_DRIVER_NO_HARDWARE', variant);
  await tx.update('Host_driver', driver, { selected_variant: variant });
}

export const hostDriverCalls: CallsOf<typeof classes.Host_driver, Context> = {
  select: (context, { self, variant }) => select(context, self, variant),
  deselect: async ({ tx }, { self }) => tx.update('Host_driver', self, { selected_variant: nullRef() }),
  rescan: async ({ tx }, { host }) => assertLive(tx, host),
};
export const driverVariantCalls: CallsOf<typeof classes.Driver_variant, Context> = {
  select: async (context, { self }) =>
    select(context, (await context.tx.get('Driver_variant', self)).driver, self),
};
