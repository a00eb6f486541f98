import * as enums from '../enums';
import { atCreate, call, computed, operation, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, datetime, int, map, ref, set, string } from '../types';

export const VMSS = xenClass('VMSS', {
  doc: 'A schedule that takes snapshots of its VMs and keeps the latest few',
  role: 'pool-operator',
  constructs: true,
  fields: {
    uuid,
    name_label: readWrite(string, 'Human-readable name of the schedule', { default: '' }),
    name_description: readWrite(string, 'Free-text notes about the schedule', { default: '' }),
    enabled: readWrite(bool, 'Whether the schedule runs on its own', { default: true }),
    type: atCreate(
      enums.vmss_type,
      'Kind of snapshot taken: disks only, quiesced, or checkpoint with memory',
    ),
    retained_snapshots: atCreate(int, 'How many snapshots to keep per VM, 1 to 10, oldest deleted first', {
      default: 7,
    }),
    frequency: atCreate(enums.vmss_frequency, 'How often snapshots are due: hourly, daily or weekly'),
    schedule: atCreate(
      map(string, string),
      "When snapshots are due, in the coordinator's local time: keys min, hour and days",
      { default: {} },
    ),
    last_run_time: readOnly(datetime, 'When the schedule last ran; the epoch if never', {
      default: '19700101T00:00:00Z',
    }),
    VMs: computed(set(ref('VM')), 'VMs under this schedule', 'VM.snapshot_schedule'),
  },
  calls: {
    snapshot_now: operation({
      targets: {},
      doc: 'Run the schedule at once and return a text summary',
      role: 'pool-operator',
      params: { vmss: ref('VMSS') },
      result: string,
      async: false,
    }),
    set_retained_snapshots: call({
      doc: 'Set how many snapshots to keep per VM, from 1 to 10',
      role: 'pool-operator',
      params: { self: ref('VMSS'), value: int },
      async: false,
    }),
    set_frequency: call({
      doc: 'Set hourly, daily or weekly, adding default values for missing schedule keys',
      role: 'pool-operator',
      params: { self: ref('VMSS'), value: enums.vmss_frequency },
      async: false,
    }),
    set_schedule: call({
      doc: 'Replace the schedule map: min (0, 15, 30, 45), hour (0-23), days (names, comma separated)',
      role: 'pool-operator',
      params: { self: ref('VMSS'), value: map(string, string) },
      async: false,
    }),
    add_to_schedule: call({
      doc: 'Set one schedule key: min, hour or days',
      role: 'pool-operator',
      params: { self: ref('VMSS'), key: string, value: string },
      async: false,
    }),
    remove_from_schedule: call({
      doc: 'Drop one schedule key',
      role: 'pool-operator',
      params: { self: ref('VMSS'), key: string },
      async: false,
    }),
    set_last_run_time: call({
      doc: 'Record when the schedule last ran; meant for the scheduler',
      role: 'local-root',
      params: { self: ref('VMSS'), value: datetime },
      async: false,
    }),
    set_type: call({
      doc: 'Set the kind of snapshot taken',
      role: 'pool-operator',
      params: { self: ref('VMSS'), value: enums.vmss_type },
      async: false,
    }),
  },
});
