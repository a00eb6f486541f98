import * as enums from '../enums';
import { readOnly, readWrite, uuid, xenClass } from '../language';
import { map, ref, string } from '../types';

export const console = xenClass('console', {
  doc: 'console',
  role: 'vm-admin',
  constructs: true,
  fields: {
    uuid,
    protocol: readOnly(enums.console_protocol, 'protocol'),
    location: readOnly(string, 'location'),
    VM: readOnly(ref('VM'), 'VM'),
    other_config: readWrite(map(string, string), 'other_config'),
  },
  calls: {
  },
});
