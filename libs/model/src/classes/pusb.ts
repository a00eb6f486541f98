import { atCreate, call, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, float, map, nullRef, ref, string } from '../types';

export const PUSB = xenClass('PUSB', {
  doc: 'A USB device plugged into a host',
  role: 'pool-admin',
  fields: {
    uuid,
    USB_group: atCreate(ref('USB_group'), 'Group the device belongs to', { default: nullRef() }),
    host: atCreate(ref('host'), 'Host the device is plugged into', { default: nullRef() }),
    path: atCreate(string, 'Bus and port path of the device on the host', { default: '' }),
    vendor_id: atCreate(string, 'USB vendor number in hexadecimal', { default: '' }),
    vendor_desc: atCreate(string, "Vendor's name", { default: '' }),
    product_id: atCreate(string, 'USB product number in hexadecimal', { default: '' }),
    product_desc: atCreate(string, "Product's name", { default: '' }),
    serial: atCreate(string, 'Serial number; empty if the device reports none', { default: '' }),
    version: atCreate(string, 'USB version the device speaks, such as 2.00', { default: '' }),
    description: atCreate(string, 'Summary of vendor and product for display', { default: '' }),
    passthrough_enabled: readOnly(bool, 'True when the device may be handed to VMs', { default: false }),
    other_config: readWrite(
      map(string, string),
      'Extra keys and values clients store with the physical USB device',
      { default: {} },
    ),
    speed: atCreate(float, 'Transfer speed in Mbit per second; -1 when unknown', { default: -1 }),
  },
  calls: {
    scan: call({
      doc: 'Look for USB devices on a host and bring the records up to date',
      role: 'pool-admin',
      params: { host: ref('host') },
    }),
    set_passthrough_enabled: call({
      doc: 'Permit or forbid handing the device to VMs',
      role: 'pool-admin',
      params: { self: ref('PUSB'), value: bool },
    }),
  },
});
