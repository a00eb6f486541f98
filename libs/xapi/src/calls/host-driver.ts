/** Drivers that exist in several variants. Simulated hosts have one variant of each driver, and so none to choose. */
import { classes, nullRef, XenError, type CallsOf, type Ref } from '@xenplane/model';
import type { Context } from '../context';

/** A choice becomes active at the next boot; it must be one of the driver's own, for hardware that is there. */
async function select({ tx }: Context, driver: Ref<'Host_driver'>, variant: Ref<'Driver_variant'>): Promise<void> {
  await tx.lock('Host_driver', driver);
  const chosen = await tx.get('Driver_variant', variant);
  if (chosen.driver !== driver) throw new XenError('INVALID_VALUE', 'variant', variant);
  if (!chosen.hardware_present) throw new XenError('HOST_DRIVER_NO_HARDWARE', variant);
  await tx.update('Host_driver', driver, { selected_variant: variant });
}

/** The agent tells of no drivers: what the records say of others is no longer so. */
async function rescan({ tx }: Context, host: Ref<'host'>): Promise<void> {
  await tx.lock('host', host);
  for (const driver of await tx.find('Host_driver', { host })) {
    for (const { ref } of await tx.find('Driver_variant', { driver: driver.ref })) await tx.remove('Driver_variant', ref);
    await tx.remove('Host_driver', driver.ref);
  }
}

export const hostDriverCalls: CallsOf<typeof classes.Host_driver, Context> = {
  select: (context, { self, variant }) => select(context, self, variant),
  deselect: async ({ tx }, { self }) => tx.update('Host_driver', self, { selected_variant: nullRef() }),
  rescan: (context, { host }) => rescan(context, host),
};
export const driverVariantCalls: CallsOf<typeof classes.Driver_variant, Context> = {
  select: async (context, { self }) => select(context, (await context.tx.get('Driver_variant', self)).driver, self),
};
