/** USB devices of hosts, their groups, and their passthrough to VMs. */
import { vusbLifecycle } from '@xenplane/domain';
import { asRef, classes, XenError, type CallsOf, type OperationParams, type Ref } from '@xenplane/model';
import { addUsb } from '../bootstrap/devices';
import type { Context } from '../core/context';
import { hardwareOf } from '../tables/host-hardware';
import { recordWith } from '../core/records';
import { vusbFromTx } from '../begin/lifecycle-subjects';

const mostVusbs = 6;

/** The records follow what is plugged in; a device that a running VM has stays until it is let go. */
async function scan({ tx }: Context, host: Ref<'host'>): Promise<void> {
  const { uuid } = await tx.lock('host', host);
  const found = (await hardwareOf(tx, host)).usbDevices ?? [];
  const present = await tx.find('PUSB', { host });
  const same = (path: string, serial: string) => (one: { path: string; serial: string }) =>
    one.path === path && one.serial === serial;
  for (const usb of found) if (!present.some(same(usb.path, usb.serial))) await addUsb(tx, host, uuid, usb);
  for (const pusb of present.filter((p) => !found.some(same(p.path, p.serial)))) {
    const [held] = await tx.find('VUSB', { USB_group: pusb.USB_group, currently_attached: true });
    if (!held) await tx.remove('PUSB', pusb.ref);
  }
}

export const pusbCalls: CallsOf<typeof classes.PUSB, Context> = {
  scan: (context, { host }) => scan(context, host),
  set_passthrough_enabled: async ({ tx }, { self, value }) => {
    const { USB_group } = await tx.lock('PUSB', self);
    const [held] = value ? [] : await tx.find('VUSB', { USB_group, currently_attached: true });
    if (held) throw new XenError('USB_ALREADY_ATTACHED', self, held.VM);
    await tx.update('PUSB', self, { passthrough_enabled: value });
  },
};

export const usbGroupCalls: CallsOf<typeof classes.USB_group, Context> = {
  create: async ({ tx, plane }, given) => {
    const uuid = plane.ids.uuid(),
      ref = asRef<'USB_group'>(`OpaqueRef:${uuid}`);
    await tx.insert('USB_group', ref, recordWith('USB_group', { ...given, uuid }));
    return ref;
  },
  destroy: async ({ tx }, { self }) => {
    await tx.lock('USB_group', self);
    const pusbs = await tx.find('PUSB', { USB_group: self });
    if (pusbs.length > 0) throw new XenError('USB_GROUP_CONTAINS_PUSB', pusbs.map((p) => p.ref).join(', '));
    const vusbs = await tx.find('VUSB', { USB_group: self });
    if (vusbs.length > 0) throw new XenError('USB_GROUP_CONTAINS_VUSB', vusbs.map((v) => v.ref).join(', '));
    await tx.remove('USB_group', self);
  },
};

type NewVusb = OperationParams<typeof classes.VUSB, 'create'>;
async function create(
  { tx, plane }: Context,
  { VM, USB_group, other_config }: NewVusb,
): Promise<Ref<'VUSB'>> {
  const { power_state } = await tx.lock('VM', VM);
  if (power_state !== 'Halted')
    throw new XenError('VM_BAD_POWER_STATE', VM, 'halted', power_state.toLowerCase());
  await tx.lock('USB_group', USB_group);
  if ((await tx.find('VUSB', { USB_group })).length > 0) throw new XenError('USB_GROUP_CONFLICT', USB_group);
  if ((await tx.find('PUSB', { USB_group })).length === 0)
    throw new XenError('USB_GROUP_CONTAINS_NO_PUSBS', USB_group);
  if ((await tx.find('VUSB', { VM })).length >= mostVusbs)
    throw new XenError('TOO_MANY_VUSBS', String(mostVusbs));
  const uuid = plane.ids.uuid(),
    ref = asRef<'VUSB'>(`OpaqueRef:${uuid}`);
  await tx.insert('VUSB', ref, recordWith('VUSB', { uuid, VM, USB_group, other_config }));
  return ref;
}

export const vusbCalls: CallsOf<typeof classes.VUSB, Context> = {
  create: (context, given) => create(context, given),
  unplug: async ({ tx }, { self }) => {
    const refused = vusbLifecycle.refusal('unplug', await vusbFromTx(tx, await tx.lock('VUSB', self)));
    if (refused) throw refused;
    await tx.update('VUSB', self, { currently_attached: false });
  },
  destroy: async ({ tx }, { self }) => {
    const vusb = await tx.lock('VUSB', self);
    if (vusb.currently_attached)
      throw new XenError('OPERATION_NOT_ALLOWED', `VUSB '${vusb.uuid}' still attached to '${vusb.VM}'`);
    await tx.remove('VUSB', self);
  },
};
