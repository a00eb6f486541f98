import { atCreate, readWrite, uuid, xenClass } from '../language';
import { map, string } from '../types';

export const user = xenClass('user', {
  doc: 'Deprecated legacy account; real accounts come from the directory service',
  role: 'pool-admin',
  constructs: true,
  lists: 'records',
  state: 'deprecated',
  fields: {
    uuid,
    short_name: atCreate(string, 'Login name'),
    fullname: readWrite(string, 'Full name of the person'),
    other_config: readWrite(map(string, string), 'Extra keys and values clients store with the user', {
      default: {},
    }),
  },
  calls: {},
});
