import * as enums from '../enums';
import { atCreate, computed, readWrite, uuid, xenClass } from '../language';
import { ref, set, string } from '../types';

export const VM_group = xenClass('VM_group', {
  doc: 'VMs that follow one common placement rule',
  role: 'vm-admin',
  constructs: true,
  state: 'prototyped',
  fields: {
    uuid,
    name_label: readWrite(string, 'Name of the VM group shown to people; need not be unique', {
      default: '',
    }),
    name_description: readWrite(string, 'Free text that describes the VM group', { default: '' }),
    placement: atCreate(
      enums.placement_policy,
      'How members are placed; anti_affinity spreads them over hosts',
      { default: 'normal' },
    ),
    VMs: computed(set(ref('VM')), 'VMs that belong to the group', 'VM.groups'),
  },
  calls: {},
});
