import { atCreate, call, uuid, xenClass } from '../language';
import { int, nullRef, ref, set, string } from '../types';

export const PVS_server = xenClass('PVS_server', {
  doc: 'Addresses and ports of one provisioning server',
  role: 'pool-admin',
  fields: {
    uuid,
    addresses: atCreate(set(string), 'IPv4 addresses the server listens on', { default: [] }),
    first_port: atCreate(int, 'Lowest UDP port the server uses', { default: 0 }),
    last_port: atCreate(int, 'Highest UDP port the server uses', { default: 0 }),
    site: atCreate(ref('PVS_site'), 'Site the server belongs to', { default: nullRef() }),
  },
  calls: {
    introduce: call({
      doc: 'Record a server of a site with addresses and port range',
      role: 'pool-operator',
      params: { addresses: set(string), first_port: int, last_port: int, site: ref('PVS_site') },
      result: ref('PVS_server'),
    }),
    forget: call({
      doc: "Remove the server's record",
      role: 'pool-operator',
      params: { self: ref('PVS_server') },
    }),
  },
});
