import { xenClass } from '../language';

export const Diagnostics = xenClass('Diagnostics', {
  doc: 'Diagnostics',
  role: 'pool-admin',
  stored: false,
  fields: {
  },
  calls: {
  },
});
