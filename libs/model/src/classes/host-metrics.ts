import { readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, datetime, int, map, string } from '../types';

export const host_metrics = xenClass('host_metrics', {
  doc: 'host_metrics',
  role: 'pool-operator',
  fields: {
    uuid,
    memory_total: readOnly(int, 'memory_total'),
    memory_free: readOnly(int, 'memory_free', { default: 0, state: 'removed' }),
    live: readOnly(bool, 'live'),
    last_updated: readOnly(datetime, 'last_updated'),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
  },
  calls: {
  },
});
