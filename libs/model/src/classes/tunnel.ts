import * as enums from '../enums';
import { atCreate, call, readWrite, uuid, xenClass } from '../language';
import { map, nullRef, optional, ref, string } from '../types';

export const tunnel = xenClass('tunnel', {
  doc: "An overlay network that sends one interface's traffic encapsulated through another",
  role: 'pool-operator',
  fields: {
    uuid,
    access_PIF: atCreate(ref('PIF'), 'Inner interface, joined to the overlay network', {
      default: nullRef(),
    }),
    transport_PIF: atCreate(ref('PIF'), 'Interface that carries the encapsulated packets', {
      default: nullRef(),
    }),
    status: readWrite(map(string, string), 'State of the tunnel; key active is true or false', {
      default: { active: 'false' },
    }),
    other_config: readWrite(map(string, string), 'Extra keys and values clients store with the tunnel', {
      default: {},
    }),
    protocol: readWrite(enums.tunnel_protocol, 'Encapsulation used, gre or vxlan', { default: 'gre' }),
  },
  calls: {
    create: call({
      doc: 'Build a tunnel over a transport interface and join it to a network',
      role: 'pool-operator',
      params: {
        transport_PIF: ref('PIF'),
        network: ref('network'),
        protocol: optional(enums.tunnel_protocol, 'gre'),
      },
      result: ref('tunnel'),
      errors: ['OPENVSWITCH_NOT_ACTIVE', 'TRANSPORT_PIF_NOT_CONFIGURED', 'IS_TUNNEL_ACCESS_PIF'],
    }),
    destroy: call({
      doc: 'Remove the tunnel and its inner interface',
      role: 'pool-operator',
      params: { self: ref('tunnel') },
    }),
  },
});
