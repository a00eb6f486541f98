import * as enums from '../enums';
import { atCreate, call, computed, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, int, map, nullRef, ref, set, string } from '../types';

export const PGPU = xenClass('PGPU', {
  doc: 'A physical graphics processor of a host',
  role: 'pool-operator',
  fields: {
    uuid,
    PCI: atCreate(ref('PCI'), 'PCI device of the graphics card', { default: nullRef() }),
    GPU_group: atCreate(ref('GPU_group'), 'Group the GPU belongs to; NULL when in none', {
      default: nullRef(),
    }),
    host: readOnly(ref('host'), 'Host the GPU is installed in', { default: nullRef() }),
    other_config: readWrite(
      map(string, string),
      'Extra keys and values clients store with the physical GPU',
      { default: {} },
    ),
    supported_VGPU_types: readOnly(set(ref('VGPU_type')), 'Virtual GPU types the hardware can provide'),
    enabled_VGPU_types: readOnly(set(ref('VGPU_type')), 'Virtual GPU types that may be started on this GPU'),
    resident_VGPUs: computed(set(ref('VGPU')), 'Virtual GPUs running on this GPU now', 'VGPU.resident_on'),
    supported_VGPU_max_capacities: readOnly(
      map(ref('VGPU_type'), int),
      'Largest number of virtual GPUs of each type on this GPU',
      { default: {} },
    ),
    dom0_access: readOnly(
      enums.pci_dom0_access,
      'Deprecated: whether the control domain sees the device now and after the next boot',
      { default: 'enabled', state: 'deprecated' },
    ),
    is_system_display_device: readOnly(bool, "True when the host's own console is shown on this GPU", {
      default: false,
    }),
    compatibility_metadata: readOnly(
      map(string, string),
      'Driver data that decides whether a virtual GPU can migrate here',
      { default: {} },
    ),
  },
  calls: {
    add_enabled_VGPU_types: call({
      doc: 'Permit one more virtual GPU type on this GPU',
      role: 'pool-operator',
      params: { self: ref('PGPU'), value: ref('VGPU_type') },
    }),
    remove_enabled_VGPU_types: call({
      doc: 'Forbid a virtual GPU type on this GPU; running ones of it block the call',
      role: 'pool-operator',
      params: { self: ref('PGPU'), value: ref('VGPU_type') },
    }),
    set_enabled_VGPU_types: call({
      doc: 'Replace the set of permitted virtual GPU types',
      role: 'pool-operator',
      params: { self: ref('PGPU'), value: set(ref('VGPU_type')) },
    }),
    set_GPU_group: call({
      doc: 'Move the GPU to another group of the same hardware; refused while VMs use it',
      role: 'pool-operator',
      params: { self: ref('PGPU'), value: ref('GPU_group') },
    }),
    get_remaining_capacity: call({
      doc: 'How many more virtual GPUs of a type could start here',
      role: 'read-only',
      params: { self: ref('PGPU'), vgpu_type: ref('VGPU_type') },
      result: int,
    }),
    enable_dom0_access: call({
      doc: 'Deprecated: show the device to the control domain from the next boot on',
      role: 'pool-operator',
      params: { self: ref('PGPU') },
      result: enums.pci_dom0_access,
      state: 'deprecated',
    }),
    disable_dom0_access: call({
      doc: 'Deprecated: hide the device from the control domain from the next boot on',
      role: 'pool-operator',
      params: { self: ref('PGPU') },
      result: enums.pci_dom0_access,
      state: 'deprecated',
    }),
  },
});
