import { atCreate, planned, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, datetime, float, int, nullRef, ref, set, string } from '../types';

export const Caller = xenClass('Caller', {
  doc: 'Caller',
  role: 'pool-admin',
  constructs: true,
  state: 'prototyped',
  fields: {
    uuid,
    name_label: readWrite(string, 'name_label', { default: '' }),
    name_description: readWrite(string, 'name_description', { default: '' }),
    user_agent: atCreate(string, 'user_agent', { default: '' }),
    client_ip: atCreate(string, 'client_ip', { default: '' }),
    last_access: readOnly(datetime, 'last_access', { default: '19700101T00:00:00Z' }),
    groups: readOnly(set(string), 'groups', { default: [] }),
    rate_limit: readOnly(ref('Rate_limit'), 'rate_limit', { default: nullRef() }),
    auto_registered: readOnly(bool, 'auto_registered', { default: false }),
  },
  calls: {
    add_group: planned({ doc: 'add_group', role: 'pool-operator', params: { self: ref('Caller'), group: string } }),
    remove_group: planned({ doc: 'remove_group', role: 'pool-operator', params: { self: ref('Caller'), group: string } }),
    query_token_usage: planned({ doc: 'query_token_usage', role: 'pool-operator', params: { self: ref('Caller') }, result: float }),
    query_call_count: planned({ doc: 'query_call_count', role: 'pool-operator', params: { self: ref('Caller') }, result: int }),
    query_group_token_usage: planned({ doc: 'query_group_token_usage', role: 'pool-operator', params: { group: string }, result: float }),
    query_group_call_count: planned({ doc: 'query_group_call_count', role: 'pool-operator', params: { group: string }, result: int }),
    query_all_usage: planned({ doc: 'query_all_usage', role: 'pool-operator', params: {}, result: set(set(string)) }),
  },
});
