import * as enums from '../enums';
import { planned, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, map, optional, ref, set, string } from '../types';

export const VUSB = xenClass('VUSB', {
  doc: 'VUSB',
  role: 'pool-admin',
  fields: {
    uuid,
    allowed_operations: readOnly(set(enums.vusb_operations), 'allowed_operations', { default: [] }),
    current_operations: readOnly(map(string, enums.vusb_operations), 'current_operations', { default: {} }),
    VM: readOnly(ref('VM'), 'VM'),
    USB_group: readOnly(ref('USB_group'), 'USB_group'),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
    currently_attached: readOnly(bool, 'currently_attached', { default: false }),
  },
  calls: {
    create: planned({ doc: 'create', role: 'pool-admin', params: { VM: ref('VM'), USB_group: ref('USB_group'), other_config: optional(map(string, string), {}) }, result: ref('VUSB') }),
    unplug: planned({ doc: 'unplug', role: 'pool-admin', params: { self: ref('VUSB') } }),
    destroy: planned({ doc: 'destroy', role: 'pool-admin', params: { self: ref('VUSB') } }),
  },
});
