import * as enums from '../enums';
import { atCreate, planned, readWrite, uuid, xenClass } from '../language';
import { map, nullRef, optional, ref, string } from '../types';

export const tunnel = xenClass('tunnel', {
  doc: 'tunnel',
  role: 'pool-operator',
  fields: {
    uuid,
    access_PIF: atCreate(ref('PIF'), 'access_PIF', { default: nullRef() }),
    transport_PIF: atCreate(ref('PIF'), 'transport_PIF', { default: nullRef() }),
    status: readWrite(map(string, string), 'status', { default: { 'active': 'false' } }),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
    protocol: readWrite(enums.tunnel_protocol, 'protocol', { default: 'gre' }),
  },
  calls: {
    create: planned({ doc: 'create', role: 'pool-operator', params: { transport_PIF: ref('PIF'), network: ref('network'), protocol: optional(enums.tunnel_protocol, 'gre') }, result: ref('tunnel'), errors: ['OPENVSWITCH_NOT_ACTIVE', 'TRANSPORT_PIF_NOT_CONFIGURED', 'IS_TUNNEL_ACCESS_PIF'] }),
    destroy: planned({ doc: 'destroy', role: 'pool-operator', params: { self: ref('tunnel') } }),
  },
});
