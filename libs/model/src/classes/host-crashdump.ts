import { atCreate, call, readOnly, readWrite, uuid, xenClass } from '../language';
import { datetime, int, map, ref, string } from '../types';

export const host_crashdump = xenClass('host_crashdump', {
  doc: 'Dump left on a host after its hypervisor or control domain crashed',
  role: 'pool-operator',
  fields: {
    uuid,
    host: atCreate(ref('host'), 'Host whose crash produced this dump'),
    timestamp: readOnly(datetime, 'Moment of the crash, in UTC'),
    size: readOnly(int, 'Space the dump files take on the host, in bytes'),
    other_config: readWrite(
      map(string, string),
      'Extra keys and values clients store with the host crash dump',
      { default: {} },
    ),
  },
  calls: {
    destroy: call({
      doc: 'Delete the dump files from the host together with this record',
      role: 'pool-operator',
      params: { self: ref('host_crashdump') },
    }),
    upload: call({
      doc: "Send the dump to the given URL, or to the vendor's address when the URL is empty",
      role: 'pool-operator',
      params: { self: ref('host_crashdump'), url: string, options: map(string, string) },
    }),
  },
});
