import { planned, xenClass } from '../language';
import { map, set, string } from '../types';

export const auth = xenClass('auth', {
  doc: 'auth',
  role: 'pool-admin',
  stored: false,
  fields: {
  },
  calls: {
    get_subject_identifier: planned({ doc: 'get_subject_identifier', role: 'read-only', params: { subject_name: string }, result: string, async: false }),
    get_subject_information_from_identifier: planned({ doc: 'get_subject_information_from_identifier', role: 'read-only', params: { subject_identifier: string }, result: map(string, string), async: false }),
    get_group_membership: planned({ doc: 'get_group_membership', role: 'read-only', params: { subject_identifier: string }, result: set(string), async: false }),
  },
});
