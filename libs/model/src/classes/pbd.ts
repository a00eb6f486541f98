import { atCreate, call, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, map, ref, string } from '../types';

export const PBD = xenClass('PBD', {
  doc: 'PBD',
  role: 'pool-operator',
  constructs: true,
  fields: {
    uuid,
    host: atCreate(ref('host'), 'host'),
    SR: atCreate(ref('SR'), 'SR'),
    device_config: atCreate(map(string, string), 'device_config'),
    currently_attached: readOnly(bool, 'currently_attached'),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
  },
  calls: {
    plug: call({ doc: 'plug', role: 'pool-operator', params: { self: ref('PBD') }, errors: ['SR_UNKNOWN_DRIVER'] }),
    unplug: call({ doc: 'unplug', role: 'pool-operator', params: { self: ref('PBD') } }),
    set_device_config: call({ doc: 'set_device_config', role: 'pool-operator', params: { self: ref('PBD'), value: map(string, string) } }),
  },
});
