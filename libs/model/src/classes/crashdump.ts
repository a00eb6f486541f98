import { atCreate, planned, readWrite, uuid, xenClass } from '../language';
import { map, ref, string } from '../types';

export const crashdump = xenClass('crashdump', {
  doc: 'crashdump',
  role: 'pool-operator',
  state: 'deprecated',
  fields: {
    uuid,
    VM: atCreate(ref('VM'), 'VM'),
    VDI: atCreate(ref('VDI'), 'VDI'),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
  },
  calls: {
    destroy: planned({ doc: 'destroy', role: 'pool-operator', params: { self: ref('crashdump') } }),
  },
});
