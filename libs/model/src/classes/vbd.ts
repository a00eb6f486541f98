import * as enums from '../enums';
import { atCreate, call, operation, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, int, map, nullRef, optional, ref, set, string } from '../types';

export const VBD = xenClass('VBD', {
  doc: 'The attachment of a disk, or of an empty drive, to a VM',
  role: 'vm-admin',
  constructs: true,
  fields: {
    uuid,
    allowed_operations: readOnly(
      set(enums.vbd_operations),
      'Operations the virtual block device would accept now; only a hint, checked again on call',
      { default: [] },
    ),
    current_operations: readOnly(
      map(string, enums.vbd_operations),
      'Operations under way on the virtual block device, keyed by task',
      { default: {} },
    ),
    VM: atCreate(ref('VM'), 'VM that owns the device'),
    VDI: atCreate(ref('VDI'), 'Disk in the device; NULL when the drive is empty'),
    device: atCreate(string, 'Name of the device in the guest, such as xvda; may be empty while detached', {
      default: '',
    }),
    userdevice: readWrite(
      string,
      'Requested position, as a number or a device name; autodetect when left to the server',
    ),
    bootable: readWrite(bool, 'True when the VM may boot from the device'),
    mode: atCreate(enums.vbd_mode, 'Whether the guest may write'),
    type: readWrite(enums.vbd_type, 'How the device appears to the guest: disk, CD or floppy'),
    unpluggable: readWrite(bool, 'True when the device may be removed from a running guest', {
      default: true,
    }),
    storage_lock: readOnly(bool, 'True while the device holds a storage-level lock'),
    empty: atCreate(bool, 'True for a removable drive without a medium'),
    other_config: readWrite(
      map(string, string),
      'Extra keys and values clients store with the virtual block device',
      { keyRoles: { 'backend-local': 'pool-admin', 'backend-kind': 'pool-admin' } },
    ),
    currently_attached: atCreate(
      bool,
      'True while the device is connected to a running, paused or suspended guest',
      { default: false },
    ),
    status_code: readOnly(int, 'Result code of the most recent attach attempt; 0 means success'),
    status_detail: readOnly(string, 'Error text of the most recent attach attempt, empty if none'),
    runtime_properties: readOnly(
      map(string, string),
      'Properties reported by the device while it is attached',
    ),
    qos_algorithm_type: readWrite(string, "Disk scheduling algorithm in force; 'ionice' or empty for none"),
    qos_algorithm_params: readWrite(
      map(string, string),
      'Arguments of the scheduling algorithm, such as sched and class',
    ),
    qos_supported_algorithms: readOnly(
      set(string),
      'Scheduling algorithms that may be chosen for the device',
    ),
    metrics: readOnly(ref('VBD_metrics'), 'Deprecated metrics object, always NULL on current servers', {
      default: nullRef(),
      state: 'removed',
    }),
  },
  calls: {
    eject: call({
      doc: 'Take the medium out of a removable drive and leave it empty',
      role: 'vm-operator',
      params: { vbd: ref('VBD') },
      errors: ['VBD_NOT_REMOVABLE_MEDIA', 'VBD_IS_EMPTY'],
    }),
    insert: call({
      doc: 'Put a disk into an empty removable drive',
      role: 'vm-operator',
      params: { vbd: ref('VBD'), vdi: ref('VDI') },
      errors: ['VBD_NOT_REMOVABLE_MEDIA', 'VBD_NOT_EMPTY'],
    }),
    plug: operation({
      targets: { self: 'plug' },
      doc: 'Hot-add the device to a running guest',
      role: 'vm-admin',
      params: { self: ref('VBD') },
    }),
    unplug: operation({
      targets: { self: 'unplug' },
      doc: "Hot-remove the device from a running guest, with the guest's consent",
      role: 'vm-admin',
      params: { self: ref('VBD') },
      errors: ['DEVICE_DETACH_REJECTED', 'DEVICE_ALREADY_DETACHED'],
    }),
    unplug_force: operation({
      targets: { self: 'unplug_force' },
      doc: 'Detach the device without waiting for the guest to agree',
      role: 'vm-admin',
      params: { self: ref('VBD') },
    }),
    assert_attachable: call({
      doc: 'Fail unless the device could be attached now',
      role: 'vm-admin',
      params: { self: ref('VBD') },
    }),
    set_mode: call({
      doc: 'Choose read-only or read-write; only while detached from a running guest',
      role: 'vm-admin',
      params: { self: ref('VBD'), value: enums.vbd_mode },
    }),
    pause: call({
      doc: 'Halt the traffic of the device and return what lets it go on; no storage here can',
      role: 'vm-admin',
      params: { self: ref('VBD') },
      result: string,
      hidden: true,
    }),
    unpause: call({
      doc: 'Let the traffic of a halted device go on; no storage here can',
      role: 'vm-admin',
      params: { self: ref('VBD'), token: optional(string, '') },
      hidden: true,
    }),
  },
});
