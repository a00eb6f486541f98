import * as enums from '../enums';
import { atCreate, call, computed, planned, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, int, map, optional, ref, set, string } from '../types';

export const network = xenClass('network', {
  doc: 'network',
  role: 'vm-admin',
  constructs: true,
  fields: {
    uuid,
    name_label: readWrite(string, 'name_label', { default: '', role: 'pool-operator' }),
    name_description: readWrite(string, 'name_description', { default: '', role: 'pool-operator' }),
    allowed_operations: readOnly(set(enums.network_operations), 'allowed_operations', { default: [] }),
    current_operations: readOnly(map(string, enums.network_operations), 'current_operations', { default: {} }),
    VIFs: computed(set(ref('VIF')), 'VIFs', 'VIF.network'),
    PIFs: computed(set(ref('PIF')), 'PIFs', 'PIF.network'),
    MTU: readWrite(int, 'MTU', { default: 1500 }),
    other_config: readWrite(map(string, string), 'other_config', { role: 'pool-operator', keyRoles: { 'folder': 'vm-operator', 'XenCenter.CustomFields.*': 'vm-operator', 'XenCenterCreateInProgress': 'vm-operator' } }),
    bridge: atCreate(string, 'bridge', { default: '' }),
    managed: atCreate(bool, 'managed', { default: true }),
    blobs: readOnly(map(string, ref('blob')), 'blobs', { default: {} }),
    tags: readWrite(set(string), 'tags', { default: [], role: 'vm-operator' }),
    default_locking_mode: readOnly(enums.network_default_locking_mode, 'default_locking_mode', { default: 'unlocked' }),
    assigned_ips: readOnly(map(ref('VIF'), string), 'assigned_ips', { default: {} }),
    purpose: readOnly(set(enums.network_purpose), 'purpose', { default: [] }),
  },
  calls: {
    create_new_blob: planned({ doc: 'create_new_blob', role: 'pool-operator', params: { network: ref('network'), name: string, mime_type: string, public: optional(bool, false) }, result: ref('blob') }),
    set_default_locking_mode: call({ doc: 'set_default_locking_mode', role: 'pool-operator', params: { network: ref('network'), value: enums.network_default_locking_mode } }),
    add_purpose: call({ doc: 'add_purpose', role: 'pool-admin', params: { self: ref('network'), value: enums.network_purpose }, errors: ['NETWORK_INCOMPATIBLE_PURPOSES'] }),
    remove_purpose: call({ doc: 'remove_purpose', role: 'pool-admin', params: { self: ref('network'), value: enums.network_purpose } }),
  },
});
