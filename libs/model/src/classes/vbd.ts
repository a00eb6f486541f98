import * as enums from '../enums';
import { atCreate, call, operation, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, int, map, nullRef, ref, set, string } from '../types';

export const VBD = xenClass('VBD', {
  doc: 'VBD',
  role: 'vm-admin',
  constructs: true,
  fields: {
    uuid,
    allowed_operations: readOnly(set(enums.vbd_operations), 'allowed_operations', { default: [] }),
    current_operations: readOnly(map(string, enums.vbd_operations), 'current_operations', { default: {} }),
    VM: atCreate(ref('VM'), 'VM'),
    VDI: atCreate(ref('VDI'), 'VDI'),
    device: atCreate(string, 'device', { default: '' }),
    userdevice: readWrite(string, 'userdevice'),
    bootable: readWrite(bool, 'bootable'),
    mode: atCreate(enums.vbd_mode, 'mode'),
    type: readWrite(enums.vbd_type, 'type'),
    unpluggable: readWrite(bool, 'unpluggable', { default: true }),
    storage_lock: readOnly(bool, 'storage_lock'),
    empty: atCreate(bool, 'empty'),
    other_config: readWrite(map(string, string), 'other_config'),
    currently_attached: atCreate(bool, 'currently_attached', { default: false }),
    status_code: readOnly(int, 'status_code'),
    status_detail: readOnly(string, 'status_detail'),
    runtime_properties: readOnly(map(string, string), 'runtime_properties'),
    qos_algorithm_type: readWrite(string, 'qos_algorithm_type'),
    qos_algorithm_params: readWrite(map(string, string), 'qos_algorithm_params'),
    qos_supported_algorithms: readOnly(set(string), 'qos_supported_algorithms'),
    metrics: readOnly(ref('VBD_metrics'), 'metrics', { default: nullRef(), state: 'removed' }),
  },
  calls: {
    eject: call({ doc: 'eject', role: 'vm-operator', params: { vbd: ref('VBD') }, errors: ['VBD_NOT_REMOVABLE_MEDIA', 'VBD_IS_EMPTY'] }),
    insert: call({ doc: 'insert', role: 'vm-operator', params: { vbd: ref('VBD'), vdi: ref('VDI') }, errors: ['VBD_NOT_REMOVABLE_MEDIA', 'VBD_NOT_EMPTY'] }),
    plug: operation({ doc: 'plug', role: 'vm-admin', params: { self: ref('VBD') } }),
    unplug: operation({ doc: 'unplug', role: 'vm-admin', params: { self: ref('VBD') }, errors: ['DEVICE_DETACH_REJECTED', 'DEVICE_ALREADY_DETACHED'] }),
    unplug_force: operation({ doc: 'unplug_force', role: 'vm-admin', params: { self: ref('VBD') } }),
    assert_attachable: call({ doc: 'assert_attachable', role: 'vm-admin', params: { self: ref('VBD') } }),
    set_mode: call({ doc: 'set_mode', role: 'vm-admin', params: { self: ref('VBD'), value: enums.vbd_mode } }),
  },
});
