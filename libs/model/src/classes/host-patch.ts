import { atCreate, planned, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, datetime, int, map, nullRef, ref, string } from '../types';

export const host_patch = xenClass('host_patch', {
  doc: 'host_patch',
  role: 'pool-operator',
  state: 'deprecated',
  fields: {
    uuid,
    name_label: atCreate(string, 'name_label', { default: '' }),
    name_description: atCreate(string, 'name_description', { default: '' }),
    version: atCreate(string, 'version'),
    host: atCreate(ref('host'), 'host'),
    applied: readOnly(bool, 'applied'),
    timestamp_applied: readOnly(datetime, 'timestamp_applied'),
    size: readOnly(int, 'size'),
    pool_patch: atCreate(ref('pool_patch'), 'pool_patch', { default: nullRef() }),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
  },
  calls: {
    destroy: planned({ doc: 'destroy', role: 'pool-operator', params: { self: ref('host_patch') } }),
    apply: planned({ doc: 'apply', role: 'pool-operator', params: { self: ref('host_patch') }, result: string }),
  },
});
