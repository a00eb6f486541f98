import * as enums from '../enums';
import { call, computed, readOnly, uuid, xenClass } from '../language';
import { datetime, float, map, nullRef, ref, set, string } from '../types';

export const task = xenClass('task', {
  doc: 'A long-running operation: its progress, outcome and means to cancel it',
  role: 'pool-admin',
  fields: {
    uuid,
    name_label: readOnly(string, 'Name of the task; the method for asynchronous calls, e.g. Async.VM.start', {
      default: '',
    }),
    name_description: readOnly(string, 'Free-text explanation of what the task does', { default: '' }),
    allowed_operations: readOnly(
      set(enums.task_allowed_operations),
      'Whether the task can be cancelled or destroyed now; advisory',
      { default: [] },
    ),
    current_operations: readOnly(
      map(string, enums.task_allowed_operations),
      'Requests in flight, such as cancel, keyed by the reference of their task',
      { default: {} },
    ),
    created: readOnly(datetime, 'When the task began'),
    finished: readOnly(datetime, 'When the task ended; meaningless while status is pending'),
    status: readOnly(enums.task_status_type, 'State: pending, success, failure, cancelling or cancelled'),
    resident_on: readOnly(ref('host'), 'Host that runs the task'),
    progress: readOnly(float, 'Fraction done from 0 to 1; 1 once ended in any way'),
    type: readOnly(string, "Kind of result; '<none/>' unless something else was recorded"),
    result: readOnly(
      string,
      "Outcome as XML-RPC value text, e.g. '<value>OpaqueRef:...</value>'; empty unless success gave one",
    ),
    error_info: readOnly(set(string), 'Error code followed by its parameters; empty unless the task failed'),
    other_config: readOnly(
      map(string, string),
      'Client-defined keys, plus hints from xapi such as object_creation and applies_to',
      {
        default: {},
        keyRoles: {
          applies_to: 'vm-operator',
          XenCenterUUID: 'vm-operator',
          XenCenterMeddlingActionTitle: 'vm-operator',
        },
      },
    ),
    subtask_of: readOnly(ref('task'), 'Task that this one is part of; NULL for none', { default: nullRef() }),
    subtasks: computed(set(ref('task')), 'Tasks that are parts of this one', 'task.subtask_of'),
    backtrace: readOnly(string, "Server-side stack trace of a failure, as an s-expression; '()' when none", {
      default: '()',
    }),
  },
  calls: {
    create: call({
      doc: 'Create a pending task owned by the caller, to be passed as task_id to an HTTP transfer',
      role: 'read-only',
      params: { label: string, description: string },
      result: ref('task'),
      async: false,
    }),
    destroy: call({
      doc: 'Delete the task record; a task still pending is only marked and vanishes when it ends',
      role: 'read-only',
      params: { self: ref('task') },
      async: false,
    }),
    cancel: call({
      doc: 'Ask the task to stop; some cannot, and the end is seen in its status',
      role: 'read-only',
      params: { task: ref('task') },
      errors: ['OPERATION_NOT_ALLOWED'],
    }),
    set_status: call({
      doc: 'Set the state of a task the client made itself',
      role: 'read-only',
      params: { self: ref('task'), value: enums.task_status_type },
      async: false,
    }),
    set_progress: call({
      doc: 'Set the fraction done, from 0 to 1, of a client-made task',
      role: 'read-only',
      params: { self: ref('task'), value: float },
      async: false,
    }),
    set_result: call({
      doc: 'Set the result text of a client-made task',
      role: 'read-only',
      params: { self: ref('task'), value: string },
      async: false,
    }),
    set_error_info: call({
      doc: 'Set the error code and parameters of a client-made task',
      role: 'read-only',
      params: { self: ref('task'), value: set(string) },
      async: false,
    }),
    add_to_other_config: call({
      doc: 'Insert one other_config key; fails if it exists',
      role: 'read-only',
      params: { self: ref('task'), key: string, value: string },
      keyRoles: {
        applies_to: 'vm-operator',
        XenCenterUUID: 'vm-operator',
        XenCenterMeddlingActionTitle: 'vm-operator',
      },
      state: 'prototyped',
    }),
    remove_from_other_config: call({
      doc: 'Drop one other_config key; absent keys are ignored',
      role: 'read-only',
      params: { self: ref('task'), key: string },
      keyRoles: {
        applies_to: 'vm-operator',
        XenCenterUUID: 'vm-operator',
        XenCenterMeddlingActionTitle: 'vm-operator',
      },
      state: 'prototyped',
    }),
    set_other_config: call({
      doc: 'Replace the whole other_config map',
      role: 'read-only',
      params: { self: ref('task'), value: map(string, string) },
      state: 'prototyped',
    }),
  },
});
