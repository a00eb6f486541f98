import { readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, datetime, int, map, string } from '../types';

export const host_metrics = xenClass('host_metrics', {
  doc: 'Memory totals and liveness of one host',
  role: 'pool-operator',
  fields: {
    uuid,
    memory_total: readOnly(int, 'Physical memory of the host in bytes'),
    memory_free: readOnly(
      int,
      'Removed: memory given to no domain, in bytes; call host.compute_free_memory instead',
      { default: 0, state: 'removed' },
    ),
    live: readOnly(bool, 'True while the coordinator receives heartbeats from the host'),
    last_updated: readOnly(datetime, 'When these values were last refreshed, in UTC'),
    other_config: readWrite(
      map(string, string),
      'Extra keys and values clients store with the host metrics record',
      { default: {} },
    ),
  },
  calls: {},
});
