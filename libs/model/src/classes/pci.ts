import * as enums from '../enums';
import { atCreate, call, readOnly, readWrite, uuid, xenClass } from '../language';
import { map, nullRef, ref, set, string } from '../types';

export const PCI = xenClass('PCI', {
  doc: 'A PCI device of a host',
  role: 'pool-operator',
  fields: {
    uuid,
    class_id: atCreate(string, 'PCI class number in hexadecimal', { default: '' }),
    class_name: atCreate(string, 'Name of the device class, such as VGA compatible controller', {
      default: '',
    }),
    vendor_id: atCreate(string, 'Vendor number in hexadecimal', { default: '' }),
    vendor_name: atCreate(string, "Vendor's name", { default: '' }),
    device_id: atCreate(string, 'Device number in hexadecimal', { default: '' }),
    device_name: atCreate(string, 'Product name', { default: '' }),
    host: atCreate(ref('host'), 'Host the device is installed in', { default: nullRef() }),
    pci_id: atCreate(string, 'Address on the PCI bus, such as 0000:00:02.0', { default: '' }),
    dependencies: readOnly(set(ref('PCI')), 'Devices that must be passed through together with this one'),
    other_config: readWrite(map(string, string), 'Extra keys and values clients store with the PCI device', {
      default: {},
    }),
    subsystem_vendor_id: atCreate(string, 'Subsystem vendor number in hexadecimal', { default: '' }),
    subsystem_vendor_name: atCreate(string, "Subsystem vendor's name", { default: '' }),
    subsystem_device_id: atCreate(string, 'Subsystem device number in hexadecimal', { default: '' }),
    subsystem_device_name: atCreate(string, 'Subsystem product name', { default: '' }),
    driver_name: atCreate(string, 'Driver bound to the device in the control domain; empty if none', {
      default: '',
    }),
  },
  calls: {
    disable_dom0_access: call({
      doc: 'Hide the device from the control domain from the next host boot on',
      role: 'pool-operator',
      params: { self: ref('PCI') },
      result: enums.pci_dom0_access,
      state: 'prototyped',
    }),
    enable_dom0_access: call({
      doc: 'Show the device to the control domain again from the next host boot on',
      role: 'pool-operator',
      params: { self: ref('PCI') },
      result: enums.pci_dom0_access,
      state: 'prototyped',
    }),
    get_dom0_access_status: call({
      doc: 'Whether the control domain sees the device now and after the next boot',
      role: 'pool-operator',
      params: { self: ref('PCI') },
      result: enums.pci_dom0_access,
      state: 'prototyped',
    }),
  },
});
