import { computed, planned, readWrite, uuid, xenClass } from '../language';
import { map, optional, ref, set, string } from '../types';

export const USB_group = xenClass('USB_group', {
  doc: 'USB_group',
  role: 'pool-admin',
  fields: {
    uuid,
    name_label: readWrite(string, 'name_label', { default: '' }),
    name_description: readWrite(string, 'name_description', { default: '' }),
    PUSBs: computed(set(ref('PUSB')), 'PUSBs', 'PUSB.USB_group'),
    VUSBs: computed(set(ref('VUSB')), 'VUSBs', 'VUSB.USB_group'),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
  },
  calls: {
    create: planned({ doc: 'create', role: 'pool-admin', params: { name_label: optional(string, ''), name_description: optional(string, ''), other_config: optional(map(string, string), {}) }, result: ref('USB_group') }),
    destroy: planned({ doc: 'destroy', role: 'pool-admin', params: { self: ref('USB_group') } }),
  },
});
