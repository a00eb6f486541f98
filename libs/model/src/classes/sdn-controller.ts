import * as enums from '../enums';
import { atCreate, planned, uuid, xenClass } from '../language';
import { int, optional, ref, string } from '../types';

export const SDN_controller = xenClass('SDN_controller', {
  doc: 'SDN_controller',
  role: 'pool-admin',
  fields: {
    uuid,
    protocol: atCreate(enums.sdn_controller_protocol, 'protocol', { default: 'ssl' }),
    address: atCreate(string, 'address', { default: '' }),
    port: atCreate(int, 'port', { default: 0 }),
  },
  calls: {
    introduce: planned({ doc: 'introduce', role: 'pool-operator', params: { protocol: optional(enums.sdn_controller_protocol, 'ssl'), address: optional(string, ''), port: optional(int, 0) }, result: ref('SDN_controller') }),
    forget: planned({ doc: 'forget', role: 'pool-operator', params: { self: ref('SDN_controller') } }),
  },
});
