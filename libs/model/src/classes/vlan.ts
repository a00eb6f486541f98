import { atCreate, planned, readOnly, readWrite, uuid, xenClass } from '../language';
import { int, map, nullRef, ref, string } from '../types';

export const VLAN = xenClass('VLAN', {
  doc: 'VLAN',
  role: 'pool-operator',
  fields: {
    uuid,
    tagged_PIF: atCreate(ref('PIF'), 'tagged_PIF', { default: nullRef() }),
    untagged_PIF: readOnly(ref('PIF'), 'untagged_PIF', { default: nullRef() }),
    tag: atCreate(int, 'tag', { default: -1 }),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
  },
  calls: {
    create: planned({ doc: 'create', role: 'pool-operator', params: { tagged_PIF: ref('PIF'), tag: int, network: ref('network') }, result: ref('VLAN') }),
    destroy: planned({ doc: 'destroy', role: 'pool-operator', params: { self: ref('VLAN') } }),
  },
});
