import * as enums from '../enums';
import { atCreate, computed, planned, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, int, map, nullRef, optional, ref, set, string } from '../types';

export const Bond = xenClass('Bond', {
  doc: 'Bond',
  role: 'pool-operator',
  fields: {
    uuid,
    master: atCreate(ref('PIF'), 'master', { default: nullRef() }),
    slaves: computed(set(ref('PIF')), 'slaves', 'PIF.bond_slave_of'),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
    primary_slave: readOnly(ref('PIF'), 'primary_slave', { default: nullRef() }),
    mode: readOnly(enums.bond_mode, 'mode', { default: 'balance-slb' }),
    properties: readOnly(map(string, string), 'properties', { default: {} }),
    links_up: readOnly(int, 'links_up', { default: 0 }),
    auto_update_mac: readOnly(bool, 'auto_update_mac', { default: true }),
  },
  calls: {
    create: planned({ doc: 'create', role: 'pool-operator', params: { network: ref('network'), members: set(ref('PIF')), MAC: string, mode: optional(enums.bond_mode, 'balance-slb'), properties: optional(map(string, string), {}) }, result: ref('Bond') }),
    destroy: planned({ doc: 'destroy', role: 'pool-operator', params: { self: ref('Bond') } }),
    set_mode: planned({ doc: 'set_mode', role: 'pool-operator', params: { self: ref('Bond'), value: enums.bond_mode } }),
    set_property: planned({ doc: 'set_property', role: 'pool-operator', params: { self: ref('Bond'), name: string, value: string } }),
  },
});
