import * as enums from '../enums';
import { call, computed, readOnly, readWrite, uuid, xenClass } from '../language';
import { int, map, optional, ref, set, string } from '../types';

export const GPU_group = xenClass('GPU_group', {
  doc: 'Interchangeable physical GPUs of the pool, from which virtual GPUs are drawn',
  role: 'pool-operator',
  fields: {
    uuid,
    name_label: readWrite(string, 'Name of the GPU group shown to people; need not be unique', {
      default: '',
    }),
    name_description: readWrite(string, 'Free text that describes the GPU group', { default: '' }),
    PGPUs: computed(set(ref('PGPU')), 'Physical GPUs in the group', 'PGPU.GPU_group'),
    VGPUs: computed(set(ref('VGPU')), 'Virtual GPUs that draw from the group', 'VGPU.GPU_group'),
    GPU_types: readOnly(set(string), 'Vendor and device identifiers of the hardware in the group', {
      default: [],
    }),
    other_config: readWrite(map(string, string), 'Extra keys and values clients store with the GPU group', {
      default: {},
    }),
    allocation_algorithm: readWrite(
      enums.allocation_algorithm,
      'Whether virtual GPUs are spread over the physical ones or packed together',
      { default: 'depth_first' },
    ),
    supported_VGPU_types: readOnly(set(ref('VGPU_type')), 'Types at least one GPU of the group can provide'),
    enabled_VGPU_types: readOnly(set(ref('VGPU_type')), 'Types enabled on at least one GPU of the group'),
  },
  calls: {
    create: call({
      doc: 'Make an empty group',
      role: 'pool-operator',
      params: {
        name_label: optional(string, ''),
        name_description: optional(string, ''),
        other_config: optional(map(string, string), {}),
      },
      result: ref('GPU_group'),
    }),
    destroy: call({
      doc: 'Delete a group that has no physical and no virtual GPUs',
      role: 'pool-operator',
      params: { self: ref('GPU_group') },
    }),
    get_remaining_capacity: call({
      doc: 'How many more virtual GPUs of a type the whole group could start',
      role: 'read-only',
      params: { self: ref('GPU_group'), vgpu_type: ref('VGPU_type') },
      result: int,
    }),
  },
});
