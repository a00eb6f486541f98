import { readOnly, xenClass } from '../language';
import { bool, float, string } from '../types';

export const data_source = xenClass('data_source', {
  doc: 'A metric that can be recorded for a host, VM or repository',
  role: 'pool-admin',
  stored: false,
  fields: {
    name_label: readOnly(string, 'Key of the metric, such as cpu0 or memory', { default: '' }),
    name_description: readOnly(string, 'What the metric measures', { default: '' }),
    enabled: readOnly(bool, 'True when the metric is being recorded'),
    standard: readOnly(bool, 'True when the metric is recorded by default'),
    units: readOnly(string, 'Unit of the values'),
    min: readOnly(float, 'Smallest value the metric can take'),
    max: readOnly(float, 'Largest value the metric can take'),
    value: readOnly(float, 'Most recent value; NaN when unknown'),
  },
  calls: {},
});
