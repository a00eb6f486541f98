import { atCreate, call, readOnly, uuid, xenClass } from '../language';
import { bool, ref, set, string } from '../types';

export const role = xenClass('role', {
  doc: 'role',
  role: 'pool-admin',
  fields: {
    uuid,
    name_label: atCreate(string, 'name_label', { default: '' }),
    name_description: atCreate(string, 'name_description', { default: '' }),
    subroles: atCreate(set(ref('role')), 'subroles', { default: [] }),
    is_internal: readOnly(bool, 'is_internal', { default: false }),
  },
  calls: {
    get_permissions: call({ doc: 'get_permissions', role: 'read-only', params: { self: ref('role') }, result: set(ref('role')), async: false }),
    get_permissions_name_label: call({ doc: 'get_permissions_name_label', role: 'read-only', params: { self: ref('role') }, result: set(string), async: false }),
    get_by_permission: call({ doc: 'get_by_permission', role: 'read-only', params: { permission: ref('role') }, result: set(ref('role')), async: false }),
    get_by_permission_name_label: call({ doc: 'get_by_permission_name_label', role: 'read-only', params: { label: string }, result: set(ref('role')), async: false }),
  },
});
