import { readOnly, xenClass } from '../language';
import { bool, map, option, record, string } from '../types';

export const probe_result = xenClass('probe_result', {
  doc: 'probe_result',
  role: 'pool-admin',
  stored: false,
  fields: {
    configuration: readOnly(map(string, string), 'configuration'),
    complete: readOnly(bool, 'complete'),
    sr: readOnly(option(record('sr_stat')), 'sr'),
    extra_info: readOnly(map(string, string), 'extra_info'),
  },
  calls: {
  },
});
