import * as enums from '../enums';
import { atCreate, call, uuid, xenClass } from '../language';
import { int, optional, ref, string } from '../types';

export const SDN_controller = xenClass('SDN_controller', {
  doc: 'A controller that the virtual switches of the pool obey',
  role: 'pool-admin',
  fields: {
    uuid,
    protocol: atCreate(
      enums.sdn_controller_protocol,
      'Who dials whom: ssl has switches call the controller, pssl has them wait',
      { default: 'ssl' },
    ),
    address: atCreate(string, 'IP address of the controller; empty for pssl', { default: '' }),
    port: atCreate(int, 'TCP port of the controller; 0 for pssl', { default: 0 }),
  },
  calls: {
    introduce: call({
      doc: "Point the pool's virtual switches at a controller",
      role: 'pool-operator',
      params: {
        protocol: optional(enums.sdn_controller_protocol, 'ssl'),
        address: optional(string, ''),
        port: optional(int, 0),
      },
      result: ref('SDN_controller'),
    }),
    forget: call({
      doc: 'Detach the virtual switches from the controller',
      role: 'pool-operator',
      params: { self: ref('SDN_controller') },
    }),
  },
});
