import * as enums from '../enums';
import { computed, planned, readOnly, readWrite, uuid, xenClass } from '../language';
import { int, map, optional, ref, set, string } from '../types';

export const GPU_group = xenClass('GPU_group', {
  doc: 'GPU_group',
  role: 'pool-operator',
  fields: {
    uuid,
    name_label: readWrite(string, 'name_label', { default: '' }),
    name_description: readWrite(string, 'name_description', { default: '' }),
    PGPUs: computed(set(ref('PGPU')), 'PGPUs', 'PGPU.GPU_group'),
    VGPUs: computed(set(ref('VGPU')), 'VGPUs', 'VGPU.GPU_group'),
    GPU_types: readOnly(set(string), 'GPU_types', { default: [] }),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
    allocation_algorithm: readWrite(enums.allocation_algorithm, 'allocation_algorithm', { default: 'depth_first' }),
    supported_VGPU_types: readOnly(set(ref('VGPU_type')), 'supported_VGPU_types'),
    enabled_VGPU_types: readOnly(set(ref('VGPU_type')), 'enabled_VGPU_types'),
  },
  calls: {
    create: planned({ doc: 'create', role: 'pool-operator', params: { name_label: optional(string, ''), name_description: optional(string, ''), other_config: optional(map(string, string), {}) }, result: ref('GPU_group') }),
    destroy: planned({ doc: 'destroy', role: 'pool-operator', params: { self: ref('GPU_group') } }),
    get_remaining_capacity: planned({ doc: 'get_remaining_capacity', role: 'read-only', params: { self: ref('GPU_group'), vgpu_type: ref('VGPU_type') }, result: int }),
  },
});
