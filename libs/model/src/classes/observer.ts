import { atCreate, planned, readWrite, uuid, xenClass } from '../language';
import { bool, map, ref, set, string } from '../types';

export const Observer = xenClass('Observer', {
  doc: 'Observer',
  role: 'pool-admin',
  constructs: true,
  state: 'prototyped',
  fields: {
    uuid,
    name_label: readWrite(string, 'name_label', { default: '' }),
    name_description: readWrite(string, 'name_description', { default: '' }),
    hosts: atCreate(set(ref('host')), 'hosts', { default: [] }),
    attributes: atCreate(map(string, string), 'attributes', { default: {} }),
    endpoints: atCreate(set(string), 'endpoints', { default: [] }),
    components: atCreate(set(string), 'components', { default: [] }),
    enabled: atCreate(bool, 'enabled', { default: false }),
  },
  calls: {
    set_hosts: planned({ doc: 'set_hosts', role: 'pool-admin', params: { self: ref('Observer'), value: set(ref('host')) } }),
    set_enabled: planned({ doc: 'set_enabled', role: 'pool-admin', params: { self: ref('Observer'), value: bool } }),
    set_attributes: planned({ doc: 'set_attributes', role: 'pool-admin', params: { self: ref('Observer'), value: map(string, string) } }),
    set_endpoints: planned({ doc: 'set_endpoints', role: 'pool-admin', params: { self: ref('Observer'), value: set(string) } }),
    set_components: planned({ doc: 'set_components', role: 'pool-admin', params: { self: ref('Observer'), value: set(string) } }),
  },
});
