import { call, uuid, xenClass } from '../language';
import { int, ref, string } from '../types';

export const LVHD = xenClass('LVHD', {
  doc: 'Holder of operations special to LVM-backed repositories; has no objects',
  role: 'pool-admin',
  lists: 'records',
  fields: {
    uuid,
  },
  calls: {
    enable_thin_provisioning: call({
      doc: 'Convert an LVM repository to thin provisioning with the given initial allocation and growth step',
      role: 'pool-admin',
      params: { host: ref('host'), SR: ref('SR'), initial_allocation: int, allocation_quantum: int },
      result: string,
    }),
  },
});
