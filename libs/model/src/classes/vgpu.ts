import { planned, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, map, nullRef, optional, ref, string } from '../types';

export const VGPU = xenClass('VGPU', {
  doc: 'VGPU',
  role: 'pool-operator',
  fields: {
    uuid,
    VM: readOnly(ref('VM'), 'VM'),
    GPU_group: readOnly(ref('GPU_group'), 'GPU_group'),
    device: readOnly(string, 'device', { default: '0' }),
    currently_attached: readOnly(bool, 'currently_attached', { default: false }),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
    type: readOnly(ref('VGPU_type'), 'type', { default: nullRef() }),
    resident_on: readOnly(ref('PGPU'), 'resident_on', { default: nullRef() }),
    scheduled_to_be_resident_on: readOnly(ref('PGPU'), 'scheduled_to_be_resident_on', { default: nullRef() }),
    compatibility_metadata: readOnly(map(string, string), 'compatibility_metadata', { default: {} }),
    extra_args: readWrite(string, 'extra_args', { default: '' }),
    PCI: readOnly(ref('PCI'), 'PCI', { default: nullRef() }),
  },
  calls: {
    create: planned({ doc: 'create', role: 'pool-operator', params: { VM: ref('VM'), GPU_group: ref('GPU_group'), device: optional(string, '0'), other_config: optional(map(string, string), {}), type: optional(ref('VGPU_type'), nullRef()) }, result: ref('VGPU') }),
    destroy: planned({ doc: 'destroy', role: 'pool-operator', params: { self: ref('VGPU') } }),
  },
});
