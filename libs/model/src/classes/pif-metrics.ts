import { readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, datetime, float, int, map, string } from '../types';

export const PIF_metrics = xenClass('PIF_metrics', {
  doc: 'Link state and hardware identity of a host interface',
  role: 'pool-operator',
  fields: {
    uuid,
    io_read_kbs: readOnly(float, 'Receive rate in KiB per second; removed, see the RRDs', {
      default: 0,
      state: 'removed',
    }),
    io_write_kbs: readOnly(float, 'Transmit rate in KiB per second; removed, see the RRDs', {
      default: 0,
      state: 'removed',
    }),
    carrier: readOnly(bool, 'True when the interface has link'),
    vendor_id: readOnly(string, 'PCI vendor number in hexadecimal; empty for virtual interfaces'),
    vendor_name: readOnly(string, "Name of the card's manufacturer"),
    device_id: readOnly(string, 'PCI device number in hexadecimal; empty for virtual interfaces'),
    device_name: readOnly(string, 'Product name of the card'),
    speed: readOnly(int, 'Link speed in Mbit per second; 0 or 65535 when unknown'),
    duplex: readOnly(bool, 'True when the link is full duplex'),
    pci_bus_path: readOnly(
      string,
      'PCI address of the card, such as 0000:02:00.0; N/A for virtual interfaces',
    ),
    last_updated: readOnly(datetime, 'When these values were last refreshed, in UTC'),
    other_config: readWrite(
      map(string, string),
      'Extra keys and values clients store with the PIF metrics record',
      { default: {} },
    ),
  },
  calls: {},
});
