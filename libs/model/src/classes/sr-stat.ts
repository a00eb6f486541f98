import * as enums from '../enums';
import { readOnly, xenClass } from '../language';
import { bool, int, option, string } from '../types';

export const sr_stat = xenClass('sr_stat', {
  doc: 'sr_stat',
  role: 'pool-admin',
  stored: false,
  fields: {
    uuid: readOnly(option(string), 'uuid'),
    name_label: readOnly(string, 'name_label'),
    name_description: readOnly(string, 'name_description'),
    free_space: readOnly(int, 'free_space'),
    total_space: readOnly(int, 'total_space'),
    clustered: readOnly(bool, 'clustered'),
    health: readOnly(enums.sr_health, 'health'),
  },
  calls: {
  },
});
