import { atCreate, computed, planned, readWrite, uuid, xenClass } from '../language';
import { float, ref, set, string } from '../types';

export const Rate_limit = xenClass('Rate_limit', {
  doc: 'Rate_limit',
  role: 'pool-admin',
  constructs: true,
  state: 'prototyped',
  fields: {
    uuid,
    name_label: readWrite(string, 'name_label', { default: '' }),
    name_description: readWrite(string, 'name_description', { default: '' }),
    callers: computed(set(ref('Caller')), 'callers', 'Caller.rate_limit'),
    burst_size: atCreate(float, 'burst_size', { default: 0 }),
    fill_rate: atCreate(float, 'fill_rate', { default: 0 }),
  },
  calls: {
    add_caller: planned({ doc: 'add_caller', role: 'pool-admin', params: { self: ref('Rate_limit'), caller: ref('Caller') } }),
    remove_caller: planned({ doc: 'remove_caller', role: 'pool-admin', params: { self: ref('Rate_limit'), caller: ref('Caller') } }),
    set_burst_size: planned({ doc: 'set_burst_size', role: 'pool-admin', params: { self: ref('Rate_limit'), value: float } }),
    set_fill_rate: planned({ doc: 'set_fill_rate', role: 'pool-admin', params: { self: ref('Rate_limit'), value: float } }),
  },
});
