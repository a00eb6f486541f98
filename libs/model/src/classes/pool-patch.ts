import * as enums from '../enums';
import { atCreate, computed, planned, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, int, map, nullRef, ref, set, string } from '../types';

export const pool_patch = xenClass('pool_patch', {
  doc: 'pool_patch',
  role: 'pool-operator',
  state: 'deprecated',
  fields: {
    uuid,
    name_label: atCreate(string, 'name_label', { default: '' }),
    name_description: atCreate(string, 'name_description', { default: '' }),
    version: atCreate(string, 'version', { default: '' }),
    size: readOnly(int, 'size', { default: 0 }),
    pool_applied: readOnly(bool, 'pool_applied', { default: false }),
    host_patches: computed(set(ref('host_patch')), 'host_patches', 'host_patch.pool_patch'),
    after_apply_guidance: readOnly(set(enums.after_apply_guidance), 'after_apply_guidance', { default: [] }),
    pool_update: atCreate(ref('pool_update'), 'pool_update', { default: nullRef() }),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
  },
  calls: {
    apply: planned({ doc: 'apply', role: 'pool-operator', params: { self: ref('pool_patch'), host: ref('host') }, result: string }),
    pool_apply: planned({ doc: 'pool_apply', role: 'pool-operator', params: { self: ref('pool_patch') } }),
    precheck: planned({ doc: 'precheck', role: 'pool-operator', params: { self: ref('pool_patch'), host: ref('host') }, result: string }),
    clean: planned({ doc: 'clean', role: 'pool-operator', params: { self: ref('pool_patch') } }),
    pool_clean: planned({ doc: 'pool_clean', role: 'pool-operator', params: { self: ref('pool_patch') } }),
    destroy: planned({ doc: 'destroy', role: 'pool-operator', params: { self: ref('pool_patch') } }),
    clean_on_host: planned({ doc: 'clean_on_host', role: 'pool-operator', params: { self: ref('pool_patch'), host: ref('host') } }),
  },
});
