import { atCreate, planned, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, float, map, nullRef, ref, string } from '../types';

export const PUSB = xenClass('PUSB', {
  doc: 'PUSB',
  role: 'pool-admin',
  fields: {
    uuid,
    USB_group: atCreate(ref('USB_group'), 'USB_group', { default: nullRef() }),
    host: atCreate(ref('host'), 'host', { default: nullRef() }),
    path: atCreate(string, 'path', { default: '' }),
    vendor_id: atCreate(string, 'vendor_id', { default: '' }),
    vendor_desc: atCreate(string, 'vendor_desc', { default: '' }),
    product_id: atCreate(string, 'product_id', { default: '' }),
    product_desc: atCreate(string, 'product_desc', { default: '' }),
    serial: atCreate(string, 'serial', { default: '' }),
    version: atCreate(string, 'version', { default: '' }),
    description: atCreate(string, 'description', { default: '' }),
    passthrough_enabled: readOnly(bool, 'passthrough_enabled', { default: false }),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
    speed: atCreate(float, 'speed', { default: -1 }),
  },
  calls: {
    scan: planned({ doc: 'scan', role: 'pool-admin', params: { host: ref('host') } }),
    set_passthrough_enabled: planned({ doc: 'set_passthrough_enabled', role: 'pool-admin', params: { self: ref('PUSB'), value: bool } }),
  },
});
