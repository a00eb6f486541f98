import { readOnly, xenClass } from '../language';
import { bool, float, string } from '../types';

export const data_source = xenClass('data_source', {
  doc: 'data_source',
  role: 'pool-admin',
  stored: false,
  fields: {
    name_label: readOnly(string, 'name_label', { default: '' }),
    name_description: readOnly(string, 'name_description', { default: '' }),
    enabled: readOnly(bool, 'enabled'),
    standard: readOnly(bool, 'standard'),
    units: readOnly(string, 'units'),
    min: readOnly(float, 'min'),
    max: readOnly(float, 'max'),
    value: readOnly(float, 'value'),
  },
  calls: {
  },
});
