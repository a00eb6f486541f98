import { atCreate, call, readOnly, uuid, xenClass } from '../language';
import { bool, ref, set, string } from '../types';

export const role = xenClass('role', {
  doc: 'A named set of permissions for role-based access; built-in and fixed',
  role: 'pool-admin',
  fields: {
    uuid,
    name_label: atCreate(
      string,
      'Name of the role, e.g. vm-operator, or of a single permission, e.g. vm.start',
      { default: '' },
    ),
    name_description: atCreate(string, 'Short explanation of what the role is for', { default: '' }),
    subroles: atCreate(set(ref('role')), 'Roles contained in this one, down to single permissions', {
      default: [],
    }),
    is_internal: readOnly(bool, 'True for roles xapi keeps for itself and nobody should be given', {
      default: false,
    }),
  },
  calls: {
    get_permissions: call({
      doc: 'All permissions the role contains, subroles resolved',
      role: 'read-only',
      params: { self: ref('role') },
      result: set(ref('role')),
      async: false,
    }),
    get_permissions_name_label: call({
      doc: 'Names of all permissions the role contains, subroles resolved',
      role: 'read-only',
      params: { self: ref('role') },
      result: set(string),
      async: false,
    }),
    get_by_permission: call({
      doc: 'Roles that contain this permission',
      role: 'read-only',
      params: { permission: ref('role') },
      result: set(ref('role')),
      async: false,
    }),
    get_by_permission_name_label: call({
      doc: 'Roles that contain the permission of this name',
      role: 'read-only',
      params: { label: string },
      result: set(ref('role')),
      async: false,
    }),
  },
});
