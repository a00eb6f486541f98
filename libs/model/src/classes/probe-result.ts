import { readOnly, xenClass } from '../language';
import { bool, map, option, record, string } from '../types';

export const probe_result = xenClass('probe_result', {
  doc: 'One possibility that a storage probe found',
  role: 'pool-admin',
  stored: false,
  fields: {
    configuration: readOnly(
      map(string, string),
      'Device configuration for SR.create, PBD.create or a further probe',
    ),
    complete: readOnly(bool, 'True when the configuration needs no more keys to be used'),
    sr: readOnly(option(record('sr_stat')), 'Repository found there; absent when the place holds none'),
    extra_info: readOnly(map(string, string), 'Further facts about the find, meant for display'),
  },
  calls: {},
});
