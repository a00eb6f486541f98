import { readOnly, readWrite, xenClass } from '../language';
import { map, string } from '../types';

export const secret = xenClass('secret', {
  doc: 'A password or key stored so that other settings may refer to it by uuid',
  role: 'pool-operator',
  constructs: true,
  fields: {
    uuid: readOnly(string, 'Permanent identifier of the secret, unlike its reference unchanged for life', {
      readRole: 'pool-operator',
    }),
    value: readWrite(string, 'The secret text itself', { readRole: 'pool-operator' }),
    other_config: readWrite(map(string, string), 'Extra keys and values clients store with the secret', {
      default: {},
    }),
  },
  calls: {},
});
