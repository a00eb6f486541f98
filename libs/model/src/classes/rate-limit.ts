import { atCreate, call, computed, readWrite, uuid, xenClass } from '../language';
import { float, ref, set, string } from '../types';

export const Rate_limit = xenClass('Rate_limit', {
  doc: 'A token bucket that limits how fast its callers may use the API',
  role: 'pool-admin',
  constructs: true,
  state: 'prototyped',
  fields: {
    uuid,
    name_label: readWrite(string, 'Name of the rate limit shown to people; need not be unique', {
      default: '',
    }),
    name_description: readWrite(string, 'Free text that describes the rate limit', { default: '' }),
    callers: computed(set(ref('Caller')), 'Callers that share the bucket', 'Caller.rate_limit'),
    burst_size: atCreate(float, 'Capacity of the bucket in tokens, so the largest burst allowed', {
      default: 0,
    }),
    fill_rate: atCreate(float, 'Tokens added to the bucket per second', { default: 0 }),
  },
  calls: {
    add_caller: call({
      doc: 'Put a caller under this limit',
      role: 'pool-admin',
      params: { self: ref('Rate_limit'), caller: ref('Caller') },
    }),
    remove_caller: call({
      doc: 'Release a caller from this limit',
      role: 'pool-admin',
      params: { self: ref('Rate_limit'), caller: ref('Caller') },
    }),
    set_burst_size: call({
      doc: 'Change the capacity of the bucket, in tokens',
      role: 'pool-admin',
      params: { self: ref('Rate_limit'), value: float },
    }),
    set_fill_rate: call({
      doc: 'Change how many tokens are added per second',
      role: 'pool-admin',
      params: { self: ref('Rate_limit'), value: float },
    }),
  },
});
