import * as enums from '../enums';
import { atCreate, computed, readWrite, uuid, xenClass } from '../language';
import { ref, set, string } from '../types';

export const VM_group = xenClass('VM_group', {
  doc: 'VM_group',
  role: 'vm-admin',
  constructs: true,
  state: 'prototyped',
  fields: {
    uuid,
    name_label: readWrite(string, 'name_label', { default: '' }),
    name_description: readWrite(string, 'name_description', { default: '' }),
    placement: atCreate(enums.placement_policy, 'placement', { default: 'normal' }),
    VMs: computed(set(ref('VM')), 'VMs', 'VM.groups'),
  },
  calls: {
  },
});
