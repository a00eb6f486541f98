import { call, computed, readWrite, uuid, xenClass } from '../language';
import { map, optional, ref, set, string } from '../types';

export const USB_group = xenClass('USB_group', {
  doc: 'Identical physical USB devices that can stand in for each other',
  role: 'pool-admin',
  fields: {
    uuid,
    name_label: readWrite(string, 'Name of the USB group shown to people; need not be unique', {
      default: '',
    }),
    name_description: readWrite(string, 'Free text that describes the USB group', { default: '' }),
    PUSBs: computed(set(ref('PUSB')), 'Physical devices in the group', 'PUSB.USB_group'),
    VUSBs: computed(set(ref('VUSB')), 'Virtual devices that draw from the group', 'VUSB.USB_group'),
    other_config: readWrite(map(string, string), 'Extra keys and values clients store with the USB group', {
      default: {},
    }),
  },
  calls: {
    create: call({
      doc: 'Make an empty group',
      role: 'pool-admin',
      params: {
        name_label: optional(string, ''),
        name_description: optional(string, ''),
        other_config: optional(map(string, string), {}),
      },
      result: ref('USB_group'),
    }),
    destroy: call({
      doc: 'Delete a group that has no physical and no virtual devices',
      role: 'pool-admin',
      params: { self: ref('USB_group') },
    }),
  },
});
