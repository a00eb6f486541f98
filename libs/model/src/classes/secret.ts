import { readOnly, readWrite, xenClass } from '../language';
import { map, string } from '../types';

export const secret = xenClass('secret', {
  doc: 'secret',
  role: 'pool-operator',
  constructs: true,
  fields: {
    uuid: readOnly(string, 'uuid', { readRole: 'pool-operator' }),
    value: readWrite(string, 'value', { readRole: 'pool-operator' }),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
  },
  calls: {
  },
});
