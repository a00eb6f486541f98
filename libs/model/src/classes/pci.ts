import * as enums from '../enums';
import { atCreate, planned, readOnly, readWrite, uuid, xenClass } from '../language';
import { map, nullRef, ref, set, string } from '../types';

export const PCI = xenClass('PCI', {
  doc: 'PCI',
  role: 'pool-operator',
  fields: {
    uuid,
    class_id: atCreate(string, 'class_id', { default: '' }),
    class_name: atCreate(string, 'class_name', { default: '' }),
    vendor_id: atCreate(string, 'vendor_id', { default: '' }),
    vendor_name: atCreate(string, 'vendor_name', { default: '' }),
    device_id: atCreate(string, 'device_id', { default: '' }),
    device_name: atCreate(string, 'device_name', { default: '' }),
    host: atCreate(ref('host'), 'host', { default: nullRef() }),
    pci_id: atCreate(string, 'pci_id', { default: '' }),
    dependencies: readOnly(set(ref('PCI')), 'dependencies'),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
    subsystem_vendor_id: atCreate(string, 'subsystem_vendor_id', { default: '' }),
    subsystem_vendor_name: atCreate(string, 'subsystem_vendor_name', { default: '' }),
    subsystem_device_id: atCreate(string, 'subsystem_device_id', { default: '' }),
    subsystem_device_name: atCreate(string, 'subsystem_device_name', { default: '' }),
    driver_name: atCreate(string, 'driver_name', { default: '' }),
  },
  calls: {
    disable_dom0_access: planned({ doc: 'disable_dom0_access', role: 'pool-operator', params: { self: ref('PCI') }, result: enums.pci_dom0_access, state: 'prototyped' }),
    enable_dom0_access: planned({ doc: 'enable_dom0_access', role: 'pool-operator', params: { self: ref('PCI') }, result: enums.pci_dom0_access, state: 'prototyped' }),
    get_dom0_access_status: planned({ doc: 'get_dom0_access_status', role: 'pool-operator', params: { self: ref('PCI') }, result: enums.pci_dom0_access, state: 'prototyped' }),
  },
});
