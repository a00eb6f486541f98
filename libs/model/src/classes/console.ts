import * as enums from '../enums';
import { readOnly, readWrite, uuid, xenClass } from '../language';
import { map, ref, string } from '../types';

export const console = xenClass('console', {
  doc: 'A text or graphical console of a VM',
  role: 'vm-admin',
  constructs: true,
  fields: {
    uuid,
    protocol: readOnly(enums.console_protocol, 'Language spoken on the console: vt100, rfb or rdp'),
    location: readOnly(string, 'URL to connect to; it needs a session identifier added'),
    VM: readOnly(ref('VM'), 'VM the console shows'),
    other_config: readWrite(map(string, string), 'Extra keys and values clients store with the console'),
  },
  calls: {},
});
