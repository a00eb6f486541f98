import * as enums from '../enums';
import { atCreate, computed, planned, readWrite, uuid, xenClass } from '../language';
import { bool, int, map, ref, set, string } from '../types';

export const pool_update = xenClass('pool_update', {
  doc: 'pool_update',
  role: 'pool-operator',
  fields: {
    uuid,
    name_label: atCreate(string, 'name_label', { default: '' }),
    name_description: atCreate(string, 'name_description', { default: '' }),
    version: atCreate(string, 'version', { default: '' }),
    installation_size: atCreate(int, 'installation_size', { default: 0 }),
    key: atCreate(string, 'key', { default: '' }),
    after_apply_guidance: atCreate(set(enums.update_after_apply_guidance), 'after_apply_guidance', { default: [] }),
    vdi: atCreate(ref('VDI'), 'vdi'),
    hosts: computed(set(ref('host')), 'hosts', 'host.updates'),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
    enforce_homogeneity: atCreate(bool, 'enforce_homogeneity', { default: false }),
  },
  calls: {
    introduce: planned({ doc: 'introduce', role: 'pool-operator', params: { vdi: ref('VDI') }, result: ref('pool_update') }),
    precheck: planned({ doc: 'precheck', role: 'pool-operator', params: { self: ref('pool_update'), host: ref('host') }, result: enums.livepatch_status }),
    apply: planned({ doc: 'apply', role: 'pool-operator', params: { self: ref('pool_update'), host: ref('host') } }),
    pool_apply: planned({ doc: 'pool_apply', role: 'pool-operator', params: { self: ref('pool_update') } }),
    pool_clean: planned({ doc: 'pool_clean', role: 'pool-operator', params: { self: ref('pool_update') } }),
    destroy: planned({ doc: 'destroy', role: 'pool-operator', params: { self: ref('pool_update') } }),
  },
});
