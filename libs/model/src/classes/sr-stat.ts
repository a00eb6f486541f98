import * as enums from '../enums';
import { readOnly, xenClass } from '../language';
import { bool, int, option, string } from '../types';

export const sr_stat = xenClass('sr_stat', {
  doc: 'State of a repository as a storage probe sees it',
  role: 'pool-admin',
  stored: false,
  fields: {
    uuid: readOnly(option(string), 'Identifier found on the medium; absent when the storage has none'),
    name_label: readOnly(string, 'Name found on the medium'),
    name_description: readOnly(string, 'Description found on the medium'),
    free_space: readOnly(int, 'Unused bytes on the medium'),
    total_space: readOnly(int, 'Capacity of the medium in bytes'),
    clustered: readOnly(bool, 'True when the storage needs a cluster stack'),
    health: readOnly(enums.sr_health, 'Whether the storage works, is recovering or cannot be reached'),
  },
  calls: {},
});
