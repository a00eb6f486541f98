import { atCreate, planned, readOnly, readWrite, uuid, xenClass } from '../language';
import { datetime, int, map, ref, string } from '../types';

export const host_crashdump = xenClass('host_crashdump', {
  doc: 'host_crashdump',
  role: 'pool-operator',
  fields: {
    uuid,
    host: atCreate(ref('host'), 'host'),
    timestamp: readOnly(datetime, 'timestamp'),
    size: readOnly(int, 'size'),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
  },
  calls: {
    destroy: planned({ doc: 'destroy', role: 'pool-operator', params: { self: ref('host_crashdump') } }),
    upload: planned({ doc: 'upload', role: 'pool-operator', params: { self: ref('host_crashdump'), url: string, options: map(string, string) } }),
  },
});
