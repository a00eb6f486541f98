import { call, xenClass } from '../language';
import { map, set, string } from '../types';

export const auth = xenClass('auth', {
  doc: 'Look-ups in the external login service (Active Directory) the pool has joined; calls only',
  role: 'pool-admin',
  stored: false,
  fields: {},
  calls: {
    get_subject_identifier: call({
      doc: 'Identifier (SID) of the user or group with this name',
      role: 'read-only',
      params: { subject_name: string },
      result: string,
      async: false,
    }),
    get_subject_information_from_identifier: call({
      doc: 'Directory facts about an identifier, such as subject-name and subject-gid',
      role: 'read-only',
      params: { subject_identifier: string },
      result: map(string, string),
      async: false,
    }),
    get_group_membership: call({
      doc: 'Identifiers of all groups the subject belongs to, nested ones included',
      role: 'read-only',
      params: { subject_identifier: string },
      result: set(string),
      async: false,
    }),
  },
});
