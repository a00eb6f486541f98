import * as enums from '../enums';
import { atCreate, computed, planned, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, int, map, nullRef, ref, set, string } from '../types';

export const PGPU = xenClass('PGPU', {
  doc: 'PGPU',
  role: 'pool-operator',
  fields: {
    uuid,
    PCI: atCreate(ref('PCI'), 'PCI', { default: nullRef() }),
    GPU_group: atCreate(ref('GPU_group'), 'GPU_group', { default: nullRef() }),
    host: readOnly(ref('host'), 'host', { default: nullRef() }),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
    supported_VGPU_types: readOnly(set(ref('VGPU_type')), 'supported_VGPU_types'),
    enabled_VGPU_types: readOnly(set(ref('VGPU_type')), 'enabled_VGPU_types'),
    resident_VGPUs: computed(set(ref('VGPU')), 'resident_VGPUs', 'VGPU.resident_on'),
    supported_VGPU_max_capacities: readOnly(map(ref('VGPU_type'), int), 'supported_VGPU_max_capacities', { default: {} }),
    dom0_access: readOnly(enums.pci_dom0_access, 'dom0_access', { default: 'enabled', state: 'deprecated' }),
    is_system_display_device: readOnly(bool, 'is_system_display_device', { default: false }),
    compatibility_metadata: readOnly(map(string, string), 'compatibility_metadata', { default: {} }),
  },
  calls: {
    add_enabled_VGPU_types: planned({ doc: 'add_enabled_VGPU_types', role: 'pool-operator', params: { self: ref('PGPU'), value: ref('VGPU_type') } }),
    remove_enabled_VGPU_types: planned({ doc: 'remove_enabled_VGPU_types', role: 'pool-operator', params: { self: ref('PGPU'), value: ref('VGPU_type') } }),
    set_enabled_VGPU_types: planned({ doc: 'set_enabled_VGPU_types', role: 'pool-operator', params: { self: ref('PGPU'), value: set(ref('VGPU_type')) } }),
    set_GPU_group: planned({ doc: 'set_GPU_group', role: 'pool-operator', params: { self: ref('PGPU'), value: ref('GPU_group') } }),
    get_remaining_capacity: planned({ doc: 'get_remaining_capacity', role: 'read-only', params: { self: ref('PGPU'), vgpu_type: ref('VGPU_type') }, result: int }),
    enable_dom0_access: planned({ doc: 'enable_dom0_access', role: 'pool-operator', params: { self: ref('PGPU') }, result: enums.pci_dom0_access, state: 'deprecated' }),
    disable_dom0_access: planned({ doc: 'disable_dom0_access', role: 'pool-operator', params: { self: ref('PGPU') }, result: enums.pci_dom0_access, state: 'deprecated' }),
  },
});
