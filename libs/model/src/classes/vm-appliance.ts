import * as enums from '../enums';
import { computed, planned, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, map, ref, set, string } from '../types';

export const VM_appliance = xenClass('VM_appliance', {
  doc: 'VM_appliance',
  role: 'pool-operator',
  constructs: true,
  fields: {
    uuid,
    name_label: readWrite(string, 'name_label', { default: '' }),
    name_description: readWrite(string, 'name_description', { default: '' }),
    allowed_operations: readOnly(set(enums.vm_appliance_operation), 'allowed_operations', { default: [] }),
    current_operations: readOnly(map(string, enums.vm_appliance_operation), 'current_operations', { default: {} }),
    VMs: computed(set(ref('VM')), 'VMs', 'VM.appliance'),
  },
  calls: {
    start: planned({ doc: 'start', role: 'pool-operator', params: { self: ref('VM_appliance'), paused: bool }, errors: ['OPERATION_PARTIALLY_FAILED'] }),
    clean_shutdown: planned({ doc: 'clean_shutdown', role: 'pool-operator', params: { self: ref('VM_appliance') }, errors: ['OPERATION_PARTIALLY_FAILED'] }),
    hard_shutdown: planned({ doc: 'hard_shutdown', role: 'pool-operator', params: { self: ref('VM_appliance') }, errors: ['OPERATION_PARTIALLY_FAILED'] }),
    shutdown: planned({ doc: 'shutdown', role: 'pool-operator', params: { self: ref('VM_appliance') }, errors: ['OPERATION_PARTIALLY_FAILED'] }),
    assert_can_be_recovered: planned({ doc: 'assert_can_be_recovered', role: 'read-only', params: { self: ref('VM_appliance'), session_to: ref('session') }, errors: ['VM_REQUIRES_SR'] }),
    get_SRs_required_for_recovery: planned({ doc: 'get_SRs_required_for_recovery', role: 'read-only', params: { self: ref('VM_appliance'), session_to: ref('session') }, result: set(ref('SR')) }),
    recover: planned({ doc: 'recover', role: 'read-only', params: { self: ref('VM_appliance'), session_to: ref('session'), force: bool }, errors: ['VM_REQUIRES_SR'] }),
  },
});
