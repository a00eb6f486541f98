import { atCreate, planned, uuid, xenClass } from '../language';
import { int, nullRef, ref, set, string } from '../types';

export const PVS_server = xenClass('PVS_server', {
  doc: 'PVS_server',
  role: 'pool-admin',
  fields: {
    uuid,
    addresses: atCreate(set(string), 'addresses', { default: [] }),
    first_port: atCreate(int, 'first_port', { default: 0 }),
    last_port: atCreate(int, 'last_port', { default: 0 }),
    site: atCreate(ref('PVS_site'), 'site', { default: nullRef() }),
  },
  calls: {
    introduce: planned({ doc: 'introduce', role: 'pool-operator', params: { addresses: set(string), first_port: int, last_port: int, site: ref('PVS_site') }, result: ref('PVS_server') }),
    forget: planned({ doc: 'forget', role: 'pool-operator', params: { self: ref('PVS_server') } }),
  },
});
