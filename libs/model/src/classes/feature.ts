import { atCreate, readOnly, uuid, xenClass } from '../language';
import { bool, ref, string } from '../types';

export const Feature = xenClass('Feature', {
  doc: 'An optional capability of a host, possibly experimental',
  role: 'pool-admin',
  fields: {
    uuid,
    name_label: atCreate(string, 'Name of the feature shown to people; need not be unique', { default: '' }),
    name_description: atCreate(string, 'Free text that describes the feature', { default: '' }),
    enabled: readOnly(bool, 'True when the feature is switched on', { default: false }),
    experimental: atCreate(bool, 'True when the feature is not yet supported for production', {
      default: false,
    }),
    version: atCreate(string, 'Version of the feature', { default: '1.0' }),
    host: readOnly(ref('host'), 'Host that has the feature'),
  },
  calls: {},
});
