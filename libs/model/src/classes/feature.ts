import { atCreate, readOnly, uuid, xenClass } from '../language';
import { bool, ref, string } from '../types';

export const Feature = xenClass('Feature', {
  doc: 'Feature',
  role: 'pool-admin',
  fields: {
    uuid,
    name_label: atCreate(string, 'name_label', { default: '' }),
    name_description: atCreate(string, 'name_description', { default: '' }),
    enabled: readOnly(bool, 'enabled', { default: false }),
    experimental: atCreate(bool, 'experimental', { default: false }),
    version: atCreate(string, 'version', { default: '1.0' }),
    host: readOnly(ref('host'), 'host'),
  },
  calls: {
  },
});
