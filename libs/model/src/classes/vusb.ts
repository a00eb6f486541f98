import * as enums from '../enums';
import { call, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, map, optional, ref, set, string } from '../types';

export const VUSB = xenClass('VUSB', {
  doc: 'The passthrough of a USB device from a group to a VM',
  role: 'pool-admin',
  fields: {
    uuid,
    allowed_operations: readOnly(
      set(enums.vusb_operations),
      'Operations the virtual USB device would accept now; only a hint, checked again on call',
      { default: [] },
    ),
    current_operations: readOnly(
      map(string, enums.vusb_operations),
      'Operations under way on the virtual USB device, keyed by task',
      { default: {} },
    ),
    VM: readOnly(ref('VM'), 'VM that gets the device'),
    USB_group: readOnly(ref('USB_group'), 'Group that supplies the physical device'),
    other_config: readWrite(
      map(string, string),
      'Extra keys and values clients store with the virtual USB device',
      { default: {} },
    ),
    currently_attached: readOnly(bool, 'True while the device is handed to the running VM', {
      default: false,
    }),
  },
  calls: {
    create: call({
      doc: 'Give a VM a device from a USB group; it attaches when the VM starts',
      role: 'pool-admin',
      params: { VM: ref('VM'), USB_group: ref('USB_group'), other_config: optional(map(string, string), {}) },
      result: ref('VUSB'),
    }),
    unplug: call({
      doc: 'Take the device away from the running VM',
      role: 'pool-admin',
      params: { self: ref('VUSB') },
    }),
    destroy: call({
      doc: 'Remove the virtual device; it must be detached',
      role: 'pool-admin',
      params: { self: ref('VUSB') },
    }),
  },
});
