import * as enums from '../enums';
import { call, computed, readOnly, uuid, xenClass } from '../language';
import { datetime, float, map, nullRef, ref, set, string } from '../types';

export const task = xenClass('task', {
  doc: 'task',
  role: 'pool-admin',
  fields: {
    uuid,
    name_label: readOnly(string, 'name_label', { default: '' }),
    name_description: readOnly(string, 'name_description', { default: '' }),
    allowed_operations: readOnly(set(enums.task_allowed_operations), 'allowed_operations', { default: [] }),
    current_operations: readOnly(map(string, enums.task_allowed_operations), 'current_operations', { default: {} }),
    created: readOnly(datetime, 'created'),
    finished: readOnly(datetime, 'finished'),
    status: readOnly(enums.task_status_type, 'status'),
    resident_on: readOnly(ref('host'), 'resident_on'),
    progress: readOnly(float, 'progress'),
    type: readOnly(string, 'type'),
    result: readOnly(string, 'result'),
    error_info: readOnly(set(string), 'error_info'),
    other_config: readOnly(map(string, string), 'other_config', { default: {}, keyRoles: { 'applies_to': 'vm-operator', 'XenCenterUUID': 'vm-operator', 'XenCenterMeddlingActionTitle': 'vm-operator' } }),
    subtask_of: readOnly(ref('task'), 'subtask_of', { default: nullRef() }),
    subtasks: computed(set(ref('task')), 'subtasks', 'task.subtask_of'),
    backtrace: readOnly(string, 'backtrace', { default: '()' }),
  },
  calls: {
    create: call({ doc: 'create', role: 'read-only', params: { label: string, description: string }, result: ref('task'), async: false }),
    destroy: call({ doc: 'destroy', role: 'read-only', params: { self: ref('task') }, async: false }),
    cancel: call({ doc: 'cancel', role: 'read-only', params: { task: ref('task') }, errors: ['OPERATION_NOT_ALLOWED'] }),
    set_status: call({ doc: 'set_status', role: 'read-only', params: { self: ref('task'), value: enums.task_status_type }, async: false }),
    set_progress: call({ doc: 'set_progress', role: 'read-only', params: { self: ref('task'), value: float }, async: false }),
    set_result: call({ doc: 'set_result', role: 'read-only', params: { self: ref('task'), value: string }, async: false }),
    set_error_info: call({ doc: 'set_error_info', role: 'read-only', params: { self: ref('task'), value: set(string) }, async: false }),
    add_to_other_config: call({ doc: 'add_to_other_config', role: 'read-only', params: { self: ref('task'), key: string, value: string }, keyRoles: { 'applies_to': 'vm-operator', 'XenCenterUUID': 'vm-operator', 'XenCenterMeddlingActionTitle': 'vm-operator' }, state: 'prototyped' }),
    remove_from_other_config: call({ doc: 'remove_from_other_config', role: 'read-only', params: { self: ref('task'), key: string }, keyRoles: { 'applies_to': 'vm-operator', 'XenCenterUUID': 'vm-operator', 'XenCenterMeddlingActionTitle': 'vm-operator' }, state: 'prototyped' }),
    set_other_config: call({ doc: 'set_other_config', role: 'read-only', params: { self: ref('task'), value: map(string, string) }, state: 'prototyped' }),
  },
});
