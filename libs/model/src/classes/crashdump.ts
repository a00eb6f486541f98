import { atCreate, call, readWrite, uuid, xenClass } from '../language';
import { map, ref, string } from '../types';

export const crashdump = xenClass('crashdump', {
  doc: 'Deprecated record of a memory dump saved after a guest crashed',
  role: 'pool-operator',
  state: 'deprecated',
  fields: {
    uuid,
    VM: atCreate(ref('VM'), 'VM that crashed'),
    VDI: atCreate(ref('VDI'), 'Disk that stores the dump'),
    other_config: readWrite(
      map(string, string),
      'Extra keys and values clients store with the guest crash dump',
      { default: {} },
    ),
  },
  calls: {
    destroy: call({
      doc: "Delete the dump's disk and its record",
      role: 'pool-operator',
      params: { self: ref('crashdump') },
    }),
  },
});
