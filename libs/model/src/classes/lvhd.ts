import { planned, uuid, xenClass } from '../language';
import { int, ref, string } from '../types';

export const LVHD = xenClass('LVHD', {
  doc: 'LVHD',
  role: 'pool-admin',
  lists: 'records',
  fields: {
    uuid,
  },
  calls: {
    enable_thin_provisioning: planned({ doc: 'enable_thin_provisioning', role: 'pool-admin', params: { host: ref('host'), SR: ref('SR'), initial_allocation: int, allocation_quantum: int }, result: string }),
  },
});
