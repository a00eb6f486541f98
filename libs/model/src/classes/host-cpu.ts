import { readOnly, readWrite, uuid, xenClass } from '../language';
import { float, int, map, ref, string } from '../types';

export const host_cpu = xenClass('host_cpu', {
  doc: 'host_cpu',
  role: 'pool-operator',
  state: 'deprecated',
  fields: {
    uuid,
    host: readOnly(ref('host'), 'host'),
    number: readOnly(int, 'number'),
    vendor: readOnly(string, 'vendor'),
    speed: readOnly(int, 'speed'),
    modelname: readOnly(string, 'modelname'),
    family: readOnly(int, 'family'),
    model: readOnly(int, 'model'),
    stepping: readOnly(string, 'stepping'),
    flags: readOnly(string, 'flags'),
    features: readOnly(string, 'features'),
    utilisation: readOnly(float, 'utilisation'),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
  },
  calls: {
  },
});
