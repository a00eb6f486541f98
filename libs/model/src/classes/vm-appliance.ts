import * as enums from '../enums';
import { call, computed, operation, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, map, ref, set, string } from '../types';

export const VM_appliance = xenClass('VM_appliance', {
  doc: 'A vApp: VMs started and shut down together in their configured order',
  role: 'pool-operator',
  constructs: true,
  fields: {
    uuid,
    name_label: readWrite(string, 'Human-readable name of the appliance', { default: '' }),
    name_description: readWrite(string, 'Free-text notes about the appliance', { default: '' }),
    allowed_operations: readOnly(
      set(enums.vm_appliance_operation),
      'Operations the appliance would accept right now; advisory, rechecked when the call is made',
      { default: [] },
    ),
    current_operations: readOnly(
      map(string, enums.vm_appliance_operation),
      'Operations in flight, keyed by the reference of the task that runs each',
      { default: {} },
    ),
    VMs: computed(set(ref('VM')), 'VMs belonging to the appliance', 'VM.appliance'),
  },
  calls: {
    start: operation({
      targets: { self: 'start' },
      doc: 'Start all halted VMs by ascending order, honouring start_delay; paused leaves them Paused',
      role: 'pool-operator',
      params: { self: ref('VM_appliance'), paused: bool },
      errors: ['OPERATION_PARTIALLY_FAILED'],
    }),
    clean_shutdown: operation({
      targets: { self: 'clean_shutdown' },
      doc: 'Shut all running VMs down cleanly in reverse order, honouring shutdown_delay',
      role: 'pool-operator',
      params: { self: ref('VM_appliance') },
      errors: ['OPERATION_PARTIALLY_FAILED'],
    }),
    hard_shutdown: operation({
      targets: { self: 'hard_shutdown' },
      doc: 'Force all VMs off at once, in reverse order',
      role: 'pool-operator',
      params: { self: ref('VM_appliance') },
      errors: ['OPERATION_PARTIALLY_FAILED'],
    }),
    shutdown: operation({
      targets: { self: 'shutdown' },
      doc: 'Try a clean shutdown of each VM, forcing those that do not cooperate',
      role: 'pool-operator',
      params: { self: ref('VM_appliance') },
      errors: ['OPERATION_PARTIALLY_FAILED'],
    }),
    assert_can_be_recovered: call({
      doc: 'Raise an error if storage any of its VMs needs is missing in the session_to pool',
      role: 'read-only',
      params: { self: ref('VM_appliance'), session_to: ref('session') },
      errors: ['VM_REQUIRES_SR'],
    }),
    get_SRs_required_for_recovery: call({
      doc: 'SRs that must be attached before the appliance can be recovered into the session_to pool',
      role: 'read-only',
      params: { self: ref('VM_appliance'), session_to: ref('session') },
      result: set(ref('SR')),
    }),
    recover: call({
      doc: 'Recreate the appliance and its VMs from this metadata database in the session_to pool; force replaces older copies',
      role: 'read-only',
      params: { self: ref('VM_appliance'), session_to: ref('session'), force: bool },
      errors: ['VM_REQUIRES_SR'],
    }),
  },
});
