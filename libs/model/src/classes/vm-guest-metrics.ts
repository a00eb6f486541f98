import * as enums from '../enums';
import { readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, datetime, map, string } from '../types';

export const VM_guest_metrics = xenClass('VM_guest_metrics', {
  doc: 'VM_guest_metrics',
  role: 'vm-admin',
  fields: {
    uuid,
    os_version: readOnly(map(string, string), 'os_version'),
    netbios_name: readOnly(map(string, string), 'netbios_name', { default: {}, state: 'prototyped' }),
    PV_drivers_version: readOnly(map(string, string), 'PV_drivers_version'),
    PV_drivers_up_to_date: readOnly(bool, 'PV_drivers_up_to_date', { state: 'deprecated' }),
    memory: readOnly(map(string, string), 'memory', { default: {}, state: 'removed' }),
    disks: readOnly(map(string, string), 'disks', { default: {}, state: 'removed' }),
    networks: readOnly(map(string, string), 'networks'),
    other: readOnly(map(string, string), 'other'),
    last_updated: readOnly(datetime, 'last_updated'),
    other_config: readWrite(map(string, string), 'other_config', { default: {} }),
    live: readOnly(bool, 'live', { default: false }),
    can_use_hotplug_vbd: readOnly(enums.tristate_type, 'can_use_hotplug_vbd', { default: 'unspecified' }),
    can_use_hotplug_vif: readOnly(enums.tristate_type, 'can_use_hotplug_vif', { default: 'unspecified' }),
    PV_drivers_detected: readOnly(bool, 'PV_drivers_detected', { default: false }),
    services: readOnly(map(string, string), 'services', { default: {}, state: 'prototyped' }),
  },
  calls: {
  },
});
