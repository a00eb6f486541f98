import { xenClass } from '../language';

export const Diagnostics = xenClass('Diagnostics', {
  doc: 'Holder of internal diagnostic operations; has no objects',
  role: 'pool-admin',
  stored: false,
  fields: {
  },
  calls: {
  },
});
