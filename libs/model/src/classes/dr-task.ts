import { call, computed, uuid, xenClass } from '../language';
import { map, ref, set, string } from '../types';

export const DR_task = xenClass('DR_task', {
  doc: 'A disaster recovery run that temporarily introduces SRs to find replicated pool metadata',
  role: 'pool-admin',
  fields: {
    uuid,
    introduced_SRs: computed(
      set(ref('SR')),
      'SRs this run introduced, forgotten when it is destroyed',
      'SR.introduced_by',
    ),
  },
  calls: {
    create: call({
      doc: 'Find and introduce SRs of this type at device_config, limited to UUIDs in whitelist unless empty',
      role: 'pool-operator',
      params: { type: string, device_config: map(string, string), whitelist: set(string) },
      result: ref('DR_task'),
    }),
    destroy: call({
      doc: 'End the run: unplug and forget the SRs it introduced that are not used otherwise',
      role: 'pool-operator',
      params: { self: ref('DR_task') },
    }),
  },
});
