import { call, xenClass } from '../language';
import { map, ref, set, string } from '../types';

export const Diagnostics = xenClass('Diagnostics', {
  doc: 'Holder of internal diagnostic operations; has no objects',
  role: 'pool-admin',
  stored: false,
  fields: {},
  calls: {
    gc_compact: call({
      doc: 'Make the management agent of a host give back memory',
      role: 'pool-operator',
      params: { host: ref('host') },
      hidden: true,
    }),
    gc_stats: call({
      doc: 'The memory of the process that answers for a host, by what it is for',
      role: 'pool-operator',
      params: { host: ref('host') },
      result: map(string, string),
      hidden: true,
    }),
    db_stats: call({
      doc: 'How long calls have waited for the lock of the database',
      role: 'pool-operator',
      params: {},
      result: map(string, string),
      hidden: true,
    }),
    network_stats: call({
      doc: 'What the services of a host have done: method, address, requests, connections and framed connections of each',
      role: 'pool-operator',
      params: { host: ref('host'), params: map(string, string) },
      result: set(set(string)),
      hidden: true,
    }),
  },
});
