import { readOnly, readWrite, uuid, xenClass } from '../language';
import { datetime, float, map, string } from '../types';

export const VIF_metrics = xenClass('VIF_metrics', {
  doc: 'VIF_metrics',
  role: 'vm-admin',
  state: 'removed',
  fields: {
    uuid,
    io_read_kbs: readOnly(float, 'io_read_kbs', { default: 0 }),
    io_write_kbs: readOnly(float, 'io_write_kbs', { default: 0 }),
    last_updated: readOnly(datetime, 'last_updated'),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
  },
  calls: {
  },
});
