import { readOnly, readWrite, uuid, xenClass } from '../language';
import { float, int, map, ref, string } from '../types';

export const host_cpu = xenClass('host_cpu', {
  doc: 'One physical CPU of a host, as Xen enumerates it; deprecated in favour of host.cpu_info',
  role: 'pool-operator',
  state: 'deprecated',
  fields: {
    uuid,
    host: readOnly(ref('host'), 'Host the processor sits in'),
    number: readOnly(int, 'Index of the CPU within its host, starting at 0'),
    vendor: readOnly(string, 'Vendor string reported by the CPU, such as GenuineIntel'),
    speed: readOnly(int, 'Clock speed in MHz'),
    modelname: readOnly(string, 'Marketing model name of the processor'),
    family: readOnly(int, 'Family number from CPUID'),
    model: readOnly(int, 'Model number from CPUID'),
    stepping: readOnly(string, 'Stepping from CPUID, kept as text'),
    flags: readOnly(string, 'Space-separated names of the features the CPU supports'),
    features: readOnly(string, 'CPUID feature words as hexadecimal text'),
    utilisation: readOnly(float, 'Share of the CPU in use, from 0 to 1; no longer kept up to date'),
    other_config: readWrite(
      map(string, string),
      'Extra keys and values clients store with the physical CPU',
      { default: {} },
    ),
  },
  calls: {},
});
