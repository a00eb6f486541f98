import { atCreate, readWrite, uuid, xenClass } from '../language';
import { map, string } from '../types';

export const user = xenClass('user', {
  doc: 'user',
  role: 'pool-admin',
  constructs: true,
  lists: 'records',
  state: 'deprecated',
  fields: {
    uuid,
    short_name: atCreate(string, 'short_name'),
    fullname: readWrite(string, 'fullname'),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
  },
  calls: {
  },
});
