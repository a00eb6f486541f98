import { atCreate, computed, planned, uuid, xenClass } from '../language';
import { map, ref, set, string } from '../types';

export const subject = xenClass('subject', {
  doc: 'subject',
  role: 'pool-admin',
  constructs: true,
  fields: {
    uuid,
    subject_identifier: atCreate(string, 'subject_identifier', { default: '' }),
    other_config: atCreate(map(string, string), 'other_config', { default: {} }),
    roles: computed(set(ref('role')), 'roles', 'subject.roles'),
  },
  calls: {
    add_to_roles: planned({ doc: 'add_to_roles', role: 'pool-admin', params: { self: ref('subject'), role: ref('role') }, async: false }),
    remove_from_roles: planned({ doc: 'remove_from_roles', role: 'pool-admin', params: { self: ref('subject'), role: ref('role') }, async: false }),
    get_permissions_name_label: planned({ doc: 'get_permissions_name_label', role: 'read-only', params: { self: ref('subject') }, result: set(string), async: false }),
  },
});
