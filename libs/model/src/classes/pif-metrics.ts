import { readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, datetime, float, int, map, string } from '../types';

export const PIF_metrics = xenClass('PIF_metrics', {
  doc: 'PIF_metrics',
  role: 'pool-operator',
  fields: {
    uuid,
    io_read_kbs: readOnly(float, 'io_read_kbs', { default: 0, state: 'removed' }),
    io_write_kbs: readOnly(float, 'io_write_kbs', { default: 0, state: 'removed' }),
    carrier: readOnly(bool, 'carrier'),
    vendor_id: readOnly(string, 'vendor_id'),
    vendor_name: readOnly(string, 'vendor_name'),
    device_id: readOnly(string, 'device_id'),
    device_name: readOnly(string, 'device_name'),
    speed: readOnly(int, 'speed'),
    duplex: readOnly(bool, 'duplex'),
    pci_bus_path: readOnly(string, 'pci_bus_path'),
    last_updated: readOnly(datetime, 'last_updated'),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
  },
  calls: {
  },
});
