import { atCreate, call, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, datetime, float, int, nullRef, ref, set, string } from '../types';

export const Caller = xenClass('Caller', {
  doc: 'A client of the API, told apart by user agent and address, whose calls are counted',
  role: 'pool-admin',
  constructs: true,
  state: 'prototyped',
  fields: {
    uuid,
    name_label: readWrite(string, 'Name of the API caller shown to people; need not be unique', {
      default: '',
    }),
    name_description: readWrite(string, 'Free text that describes the API caller', { default: '' }),
    user_agent: atCreate(string, 'User agent that requests must carry to be matched; empty matches any', {
      default: '',
    }),
    client_ip: atCreate(string, 'Address requests must come from to be matched; empty matches any', {
      default: '',
    }),
    last_access: readOnly(datetime, 'Time of the latest call, in UTC; the epoch before the first', {
      default: '19700101T00:00:00Z',
    }),
    groups: readOnly(set(string), 'Names of the groups the caller is counted in', { default: [] }),
    rate_limit: readOnly(ref('Rate_limit'), 'Limit that governs the caller; NULL when unlimited', {
      default: nullRef(),
    }),
    auto_registered: readOnly(bool, 'True when the server added the caller by itself on its first call', {
      default: false,
    }),
  },
  calls: {
    add_group: call({
      doc: 'Count the caller in one more group',
      role: 'pool-operator',
      params: { self: ref('Caller'), group: string },
    }),
    remove_group: call({
      doc: 'Stop counting the caller in a group',
      role: 'pool-operator',
      params: { self: ref('Caller'), group: string },
    }),
    query_token_usage: call({
      doc: 'Tokens the caller has spent recently',
      role: 'pool-operator',
      params: { self: ref('Caller') },
      result: float,
    }),
    query_call_count: call({
      doc: 'Number of calls the caller has made recently',
      role: 'pool-operator',
      params: { self: ref('Caller') },
      result: int,
    }),
    query_group_token_usage: call({
      doc: 'Tokens all callers of a group have spent recently',
      role: 'pool-operator',
      params: { group: string },
      result: float,
    }),
    query_group_call_count: call({
      doc: 'Number of calls all callers of a group have made recently',
      role: 'pool-operator',
      params: { group: string },
      result: int,
    }),
    query_all_usage: call({
      doc: 'Usage figures of every caller as rows of text',
      role: 'pool-operator',
      params: {},
      result: set(set(string)),
    }),
  },
});
