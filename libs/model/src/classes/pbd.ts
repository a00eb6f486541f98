import { atCreate, call, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, map, ref, string } from '../types';

export const PBD = xenClass('PBD', {
  doc: 'The connection through which one host reaches one repository',
  role: 'pool-operator',
  constructs: true,
  fields: {
    uuid,
    host: atCreate(ref('host'), 'Host that uses the connection'),
    SR: atCreate(ref('SR'), 'Repository the connection leads to'),
    device_config: atCreate(map(string, string), 'Driver settings for this host, such as server and path'),
    currently_attached: readOnly(bool, 'True while the repository is attached on the host'),
    other_config: readWrite(
      map(string, string),
      'Extra keys and values clients store with the host-to-SR connection',
      { default: {} },
    ),
  },
  calls: {
    plug: call({
      doc: 'Attach the repository on the host',
      role: 'pool-operator',
      params: { self: ref('PBD') },
      errors: ['SR_UNKNOWN_DRIVER'],
    }),
    unplug: call({
      doc: 'Detach the repository from the host; refused while disks of it are in use',
      role: 'pool-operator',
      params: { self: ref('PBD') },
    }),
    set_device_config: call({
      doc: 'Replace the driver settings; reserved for storage drivers themselves',
      role: 'pool-operator',
      params: { self: ref('PBD'), value: map(string, string) },
    }),
  },
});
