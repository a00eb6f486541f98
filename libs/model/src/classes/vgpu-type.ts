import * as enums from '../enums';
import { atCreate, computed, readOnly, uuid, xenClass } from '../language';
import { bool, int, ref, set, string } from '../types';

export const VGPU_type = xenClass('VGPU_type', {
  doc: 'VGPU_type',
  role: 'pool-admin',
  fields: {
    uuid,
    vendor_name: atCreate(string, 'vendor_name', { default: '' }),
    model_name: atCreate(string, 'model_name', { default: '' }),
    framebuffer_size: atCreate(int, 'framebuffer_size', { default: 0 }),
    max_heads: atCreate(int, 'max_heads', { default: 0 }),
    max_resolution_x: atCreate(int, 'max_resolution_x', { default: 0 }),
    max_resolution_y: atCreate(int, 'max_resolution_y', { default: 0 }),
    supported_on_PGPUs: computed(set(ref('PGPU')), 'supported_on_PGPUs', 'PGPU.supported_VGPU_types'),
    enabled_on_PGPUs: computed(set(ref('PGPU')), 'enabled_on_PGPUs', 'PGPU.enabled_VGPU_types'),
    VGPUs: computed(set(ref('VGPU')), 'VGPUs', 'VGPU.type'),
    supported_on_GPU_groups: computed(set(ref('GPU_group')), 'supported_on_GPU_groups', 'GPU_group.supported_VGPU_types'),
    enabled_on_GPU_groups: computed(set(ref('GPU_group')), 'enabled_on_GPU_groups', 'GPU_group.enabled_VGPU_types'),
    implementation: atCreate(enums.vgpu_type_implementation, 'implementation', { default: 'passthrough' }),
    identifier: atCreate(string, 'identifier', { default: '' }),
    experimental: atCreate(bool, 'experimental', { default: false }),
    compatible_types_in_vm: readOnly(set(ref('VGPU_type')), 'compatible_types_in_vm', { default: [] }),
  },
  calls: {
  },
});
