import { atCreate, call, readOnly, readWrite, uuid, xenClass } from '../language';
import { int, map, nullRef, ref, string } from '../types';

export const VLAN = xenClass('VLAN', {
  doc: 'A tagged VLAN on a host interface together with its untagged view',
  role: 'pool-operator',
  fields: {
    uuid,
    tagged_PIF: atCreate(ref('PIF'), 'Interface on which the tagged frames travel', { default: nullRef() }),
    untagged_PIF: readOnly(ref('PIF'), "Interface that presents the VLAN's traffic without the tag", {
      default: nullRef(),
    }),
    tag: atCreate(int, 'VLAN number, 0 to 4094', { default: -1 }),
    other_config: readWrite(map(string, string), 'Extra keys and values clients store with the VLAN', {
      default: {},
    }),
  },
  calls: {
    create: call({
      doc: 'Put a VLAN number on an interface and join the result to a network',
      role: 'pool-operator',
      params: { tagged_PIF: ref('PIF'), tag: int, network: ref('network') },
      result: ref('VLAN'),
    }),
    destroy: call({
      doc: 'Remove the VLAN and its untagged interface from the host',
      role: 'pool-operator',
      params: { self: ref('VLAN') },
    }),
  },
});
