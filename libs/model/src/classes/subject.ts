import { atCreate, call, readOnly, uuid, xenClass } from '../language';
import { asRef, map, ref, set, string } from '../types';

export const subject = xenClass('subject', {
  doc: 'An external user or group admitted to the pool, with the roles it holds',
  role: 'pool-admin',
  constructs: true,
  fields: {
    uuid,
    subject_identifier: atCreate(
      string,
      'Identifier in the external login service, e.g. an AD SID; unique in the pool',
      { default: '' },
    ),
    other_config: atCreate(
      map(string, string),
      'Directory facts such as subject-name and subject-is-group, plus client-defined keys',
      { default: {} },
    ),
    roles: readOnly(set(ref('role')), 'Roles granted; pool-admin when none are named at creation', {
      default: [asRef<'role'>('OpaqueRef:0165f154-ba3e-034e-6b27-5d271af109ba')],
    }),
  },
  calls: {
    add_to_roles: call({
      doc: 'Grant a role; fails if the subject already has it',
      role: 'pool-admin',
      params: { self: ref('subject'), role: ref('role') },
      async: false,
    }),
    remove_from_roles: call({
      doc: 'Withdraw a role; fails if the subject lacks it',
      role: 'pool-admin',
      params: { self: ref('subject'), role: ref('role') },
      async: false,
    }),
    get_permissions_name_label: call({
      doc: "Names of all permissions granted through the subject's roles",
      role: 'read-only',
      params: { self: ref('subject') },
      result: set(string),
      async: false,
    }),
  },
});
