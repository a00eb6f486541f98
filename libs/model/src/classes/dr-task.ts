import { computed, planned, uuid, xenClass } from '../language';
import { map, ref, set, string } from '../types';

export const DR_task = xenClass('DR_task', {
  doc: 'DR_task',
  role: 'pool-admin',
  fields: {
    uuid,
    introduced_SRs: computed(set(ref('SR')), 'introduced_SRs', 'SR.introduced_by'),
  },
  calls: {
    create: planned({ doc: 'create', role: 'pool-operator', params: { type: string, device_config: map(string, string), whitelist: set(string) }, result: ref('DR_task') }),
    destroy: planned({ doc: 'destroy', role: 'pool-operator', params: { self: ref('DR_task') } }),
  },
});
