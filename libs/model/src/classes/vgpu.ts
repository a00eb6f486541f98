import { call, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, map, nullRef, optional, ref, string } from '../types';

export const VGPU = xenClass('VGPU', {
  doc: 'A virtual graphics processor of a VM',
  role: 'pool-operator',
  fields: {
    uuid,
    VM: readOnly(ref('VM'), 'VM that owns the virtual GPU'),
    GPU_group: readOnly(ref('GPU_group'), 'Group that supplies the hardware'),
    device: readOnly(string, "Position among the VM's virtual GPUs, as decimal text starting at 0", {
      default: '0',
    }),
    currently_attached: readOnly(bool, 'True while the virtual GPU is in use by its running VM', {
      default: false,
    }),
    other_config: readWrite(map(string, string), 'Extra keys and values clients store with the virtual GPU', {
      default: {},
    }),
    type: readOnly(ref('VGPU_type'), 'Model of the virtual GPU', { default: nullRef() }),
    resident_on: readOnly(ref('PGPU'), 'Physical GPU it runs on; NULL while not running', {
      default: nullRef(),
    }),
    scheduled_to_be_resident_on: readOnly(
      ref('PGPU'),
      'Physical GPU reserved for a start or migration in progress; NULL otherwise',
      { default: nullRef() },
    ),
    compatibility_metadata: readOnly(map(string, string), 'Driver data checked before a migration', {
      default: {},
    }),
    extra_args: readWrite(string, "Additional options handed to the device's emulator", { default: '' }),
    PCI: readOnly(ref('PCI'), 'PCI device or virtual function passed to the VM; NULL when there is none', {
      default: nullRef(),
    }),
  },
  calls: {
    create: call({
      doc: 'Give a halted VM a virtual GPU of a type from a group',
      role: 'pool-operator',
      params: {
        VM: ref('VM'),
        GPU_group: ref('GPU_group'),
        device: optional(string, '0'),
        other_config: optional(map(string, string), {}),
        type: optional(ref('VGPU_type'), nullRef()),
      },
      result: ref('VGPU'),
    }),
    destroy: call({
      doc: 'Remove the virtual GPU from its halted VM',
      role: 'pool-operator',
      params: { self: ref('VGPU') },
    }),
  },
});
