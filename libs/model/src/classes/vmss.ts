import * as enums from '../enums';
import { atCreate, computed, planned, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, datetime, int, map, ref, set, string } from '../types';

export const VMSS = xenClass('VMSS', {
  doc: 'VMSS',
  role: 'pool-operator',
  constructs: true,
  fields: {
    uuid,
    name_label: readWrite(string, 'name_label', { default: '' }),
    name_description: readWrite(string, 'name_description', { default: '' }),
    enabled: readWrite(bool, 'enabled', { default: true }),
    type: atCreate(enums.vmss_type, 'type'),
    retained_snapshots: atCreate(int, 'retained_snapshots', { default: 7 }),
    frequency: atCreate(enums.vmss_frequency, 'frequency'),
    schedule: atCreate(map(string, string), 'schedule', { default: {} }),
    last_run_time: readOnly(datetime, 'last_run_time', { default: '19700101T00:00:00Z' }),
    VMs: computed(set(ref('VM')), 'VMs', 'VM.snapshot_schedule'),
  },
  calls: {
    snapshot_now: planned({ doc: 'snapshot_now', role: 'pool-operator', params: { vmss: ref('VMSS') }, result: string, async: false }),
    set_retained_snapshots: planned({ doc: 'set_retained_snapshots', role: 'pool-operator', params: { self: ref('VMSS'), value: int }, async: false }),
    set_frequency: planned({ doc: 'set_frequency', role: 'pool-operator', params: { self: ref('VMSS'), value: enums.vmss_frequency }, async: false }),
    set_schedule: planned({ doc: 'set_schedule', role: 'pool-operator', params: { self: ref('VMSS'), value: map(string, string) }, async: false }),
    add_to_schedule: planned({ doc: 'add_to_schedule', role: 'pool-operator', params: { self: ref('VMSS'), key: string, value: string }, async: false }),
    remove_from_schedule: planned({ doc: 'remove_from_schedule', role: 'pool-operator', params: { self: ref('VMSS'), key: string }, async: false }),
    set_last_run_time: planned({ doc: 'set_last_run_time', role: 'local-root', params: { self: ref('VMSS'), value: datetime }, async: false }),
    set_type: planned({ doc: 'set_type', role: 'pool-operator', params: { self: ref('VMSS'), value: enums.vmss_type }, async: false }),
  },
});
