import { atCreate, call, readWrite, uuid, xenClass } from '../language';
import { bool, map, ref, set, string } from '../types';

export const Observer = xenClass('Observer', {
  doc: 'A tracing configuration that decides which components record spans and where these go',
  role: 'pool-admin',
  constructs: true,
  state: 'prototyped',
  fields: {
    uuid,
    name_label: readWrite(string, 'Name of the observer shown to people; need not be unique', {
      default: '',
    }),
    name_description: readWrite(string, 'Free text that describes the observer', { default: '' }),
    hosts: atCreate(set(ref('host')), 'Hosts to observe; empty means every host', { default: [] }),
    attributes: atCreate(map(string, string), 'Attributes added to every recorded span', { default: {} }),
    endpoints: atCreate(set(string), 'Where spans are sent: the word bugtool or URLs of collectors', {
      default: [],
    }),
    components: atCreate(set(string), 'Components to observe, such as xapi or xenopsd; empty means all', {
      default: [],
    }),
    enabled: atCreate(bool, 'True while spans are recorded', { default: false }),
  },
  calls: {
    set_hosts: call({
      doc: 'Replace the set of observed hosts; empty means every host',
      role: 'pool-admin',
      params: { self: ref('Observer'), value: set(ref('host')) },
    }),
    set_enabled: call({
      doc: 'Start or stop recording spans',
      role: 'pool-admin',
      params: { self: ref('Observer'), value: bool },
    }),
    set_attributes: call({
      doc: 'Replace the attributes added to every span',
      role: 'pool-admin',
      params: { self: ref('Observer'), value: map(string, string) },
    }),
    set_endpoints: call({
      doc: 'Replace the destinations of the spans',
      role: 'pool-admin',
      params: { self: ref('Observer'), value: set(string) },
    }),
    set_components: call({
      doc: 'Replace the set of observed components; empty means all',
      role: 'pool-admin',
      params: { self: ref('Observer'), value: set(string) },
    }),
  },
});
