import * as enums from '../enums';
import { atCreate, call, computed, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, int, map, nullRef, ref, set, string } from '../types';

export const pool_patch = xenClass('pool_patch', {
  doc: 'Deprecated: an update package of the old kind, now a shell around pool_update',
  role: 'pool-operator',
  state: 'deprecated',
  fields: {
    uuid,
    name_label: atCreate(string, 'Human-readable name of the patch', { default: '' }),
    name_description: atCreate(string, 'Free-text notes about the patch', { default: '' }),
    version: atCreate(string, 'Version of the patch', { default: '' }),
    size: readOnly(int, 'Size of the patch file, in bytes', { default: 0 }),
    pool_applied: readOnly(bool, 'True if the patch is on every host that needs it', { default: false }),
    host_patches: computed(
      set(ref('host_patch')),
      'Per-host records of this patch having been applied',
      'host_patch.pool_patch',
    ),
    after_apply_guidance: readOnly(
      set(enums.after_apply_guidance),
      'What should be restarted after applying: VMs, host or toolstack',
      { default: [] },
    ),
    pool_update: atCreate(ref('pool_update'), 'Update this patch stands for', { default: nullRef() }),
    other_config: readWrite(map(string, string), 'Client-defined keys', { default: {} }),
  },
  calls: {
    apply: call({
      doc: 'Deprecated: apply the patch to one host and return its output',
      role: 'pool-operator',
      params: { self: ref('pool_patch'), host: ref('host') },
      result: string,
    }),
    pool_apply: call({
      doc: 'Deprecated: apply the patch to every host',
      role: 'pool-operator',
      params: { self: ref('pool_patch') },
    }),
    precheck: call({
      doc: 'Deprecated: check that one host could take the patch and return the report',
      role: 'pool-operator',
      params: { self: ref('pool_patch'), host: ref('host') },
      result: string,
    }),
    clean: call({
      doc: 'Deprecated: delete the patch file from the coordinator, keeping the record',
      role: 'pool-operator',
      params: { self: ref('pool_patch') },
    }),
    pool_clean: call({
      doc: 'Deprecated: delete the patch file from every host, keeping the record',
      role: 'pool-operator',
      params: { self: ref('pool_patch') },
    }),
    destroy: call({
      doc: 'Deprecated: delete the record and files of a patch applied nowhere',
      role: 'pool-operator',
      params: { self: ref('pool_patch') },
    }),
    clean_on_host: call({
      doc: 'Deprecated: delete the patch file from one host, keeping the record',
      role: 'pool-operator',
      params: { self: ref('pool_patch'), host: ref('host') },
    }),
  },
});
