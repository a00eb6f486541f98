import { readOnly, readWrite, uuid, xenClass } from '../language';
import { datetime, float, map, string } from '../types';

export const VIF_metrics = xenClass('VIF_metrics', {
  doc: 'Removed metrics of a virtual interface; statistics now come from the RRDs',
  role: 'vm-admin',
  state: 'removed',
  fields: {
    uuid,
    io_read_kbs: readOnly(float, 'Receive rate in KiB per second', { default: 0 }),
    io_write_kbs: readOnly(float, 'Transmit rate in KiB per second', { default: 0 }),
    last_updated: readOnly(datetime, 'When the rates were last sampled, in UTC'),
    other_config: readWrite(
      map(string, string),
      'Extra keys and values clients store with the VIF metrics record',
      { default: {} },
    ),
  },
  calls: {},
});
