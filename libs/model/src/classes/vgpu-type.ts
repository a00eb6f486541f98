import * as enums from '../enums';
import { atCreate, computed, readOnly, uuid, xenClass } from '../language';
import { bool, int, ref, set, string } from '../types';

export const VGPU_type = xenClass('VGPU_type', {
  doc: 'A model of virtual GPU that some physical GPU can provide',
  role: 'pool-admin',
  fields: {
    uuid,
    vendor_name: atCreate(string, 'Manufacturer of the hardware', { default: '' }),
    model_name: atCreate(string, 'Name of the model', { default: '' }),
    framebuffer_size: atCreate(int, 'Video memory in bytes', { default: 0 }),
    max_heads: atCreate(int, 'Largest number of displays', { default: 0 }),
    max_resolution_x: atCreate(int, 'Greatest width of a display in pixels', { default: 0 }),
    max_resolution_y: atCreate(int, 'Greatest height of a display in pixels', { default: 0 }),
    supported_on_PGPUs: computed(
      set(ref('PGPU')),
      'Physical GPUs able to provide the type',
      'PGPU.supported_VGPU_types',
    ),
    enabled_on_PGPUs: computed(
      set(ref('PGPU')),
      'Physical GPUs on which the type may be started',
      'PGPU.enabled_VGPU_types',
    ),
    VGPUs: computed(set(ref('VGPU')), 'Virtual GPUs of this type', 'VGPU.type'),
    supported_on_GPU_groups: computed(
      set(ref('GPU_group')),
      'Groups in which some GPU can provide the type',
      'GPU_group.supported_VGPU_types',
    ),
    enabled_on_GPU_groups: computed(
      set(ref('GPU_group')),
      'Groups in which some GPU has the type enabled',
      'GPU_group.enabled_VGPU_types',
    ),
    implementation: atCreate(
      enums.vgpu_type_implementation,
      'Technology behind the type, such as passthrough or nvidia',
      { default: 'passthrough' },
    ),
    identifier: atCreate(string, 'Stable key xapi uses to recognise the type', { default: '' }),
    experimental: atCreate(bool, 'True when the type is not ready for production', { default: false }),
    compatible_types_in_vm: readOnly(set(ref('VGPU_type')), 'Types that one VM may use next to this one', {
      default: [],
    }),
  },
  calls: {},
});
