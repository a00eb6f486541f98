import * as enums from '../enums';
import { atCreate, computed, planned, readOnly, readWrite, uuid, xenClass } from '../language';
import { bool, datetime, int, map, ref, set, string } from '../types';

export const VMPP = xenClass('VMPP', {
  doc: 'Removed: a policy that backed up and archived VMs; only the record shape remains, see VMSS',
  role: 'pool-operator',
  constructs: true,
  state: 'removed',
  fields: {
    uuid,
    name_label: readWrite(string, 'Human-readable name of the policy', { default: '' }),
    name_description: readWrite(string, 'Free-text notes about the policy', { default: '' }),
    is_policy_enabled: readWrite(bool, 'Whether the policy ran on its own', { default: true }),
    backup_type: readWrite(
      enums.vmpp_backup_type,
      'Whether backups were disk snapshots or checkpoints with memory',
      { default: 'snapshot' },
    ),
    backup_retention_value: atCreate(int, 'How many backups to keep per VM, default 7', { default: 7 }),
    backup_frequency: atCreate(
      enums.vmpp_backup_frequency,
      'How often backups were due: hourly, daily or weekly',
      { default: 'daily' },
    ),
    backup_schedule: atCreate(map(string, string), 'When backups were due: keys min, hour and days', {
      default: {},
    }),
    is_backup_running: readOnly(bool, 'True while a backup was under way'),
    backup_last_run_time: readOnly(datetime, 'When the latest backup ran; the epoch if never', {
      default: '19700101T00:00:00Z',
    }),
    archive_target_type: atCreate(enums.vmpp_archive_target_type, 'Where archives went: cifs, nfs or none', {
      default: 'none',
    }),
    archive_target_config: atCreate(map(string, string), 'Archive location and credentials', { default: {} }),
    archive_frequency: atCreate(
      enums.vmpp_archive_frequency,
      'How often archives were due: never, after each backup, daily or weekly',
      { default: 'never' },
    ),
    archive_schedule: atCreate(map(string, string), 'When archives were due: keys min, hour and days', {
      default: {},
    }),
    is_archive_running: readOnly(bool, 'True while archiving was under way'),
    archive_last_run_time: readOnly(datetime, 'When archiving last ran; the epoch if never', {
      default: '19700101T00:00:00Z',
    }),
    VMs: computed(set(ref('VM')), 'VMs under this policy', 'VM.protection_policy'),
    is_alarm_enabled: atCreate(bool, 'Whether alarms were mailed', { default: false }),
    alarm_config: atCreate(map(string, string), 'Mail settings for alarms', { default: {} }),
    recent_alerts: readOnly(set(string), 'Latest alerts of the policy', { default: [] }),
  },
  calls: {
    protect_now: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to take a backup snapshot at once',
      role: 'pool-operator',
      params: { vmpp: ref('VMPP') },
      result: string,
      async: false,
    }),
    archive_now: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to archive one snapshot at once',
      role: 'vm-power-admin',
      params: { snapshot: ref('VM') },
      result: string,
      async: false,
    }),
    get_alerts: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to list alerts of the last hours',
      role: 'pool-operator',
      params: { vmpp: ref('VMPP'), hours_from_now: int },
      result: set(string),
      async: false,
    }),
    set_backup_retention_value: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to set how many backups are kept',
      role: 'pool-operator',
      params: { self: ref('VMPP'), value: int },
      async: false,
    }),
    set_backup_frequency: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to set how often backups run',
      role: 'pool-operator',
      params: { self: ref('VMPP'), value: enums.vmpp_backup_frequency },
      async: false,
    }),
    set_backup_schedule: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to replace the backup schedule',
      role: 'pool-operator',
      params: { self: ref('VMPP'), value: map(string, string) },
      async: false,
    }),
    set_archive_frequency: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to set how often archiving runs',
      role: 'pool-operator',
      params: { self: ref('VMPP'), value: enums.vmpp_archive_frequency },
      async: false,
    }),
    set_archive_schedule: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to replace the archive schedule',
      role: 'pool-operator',
      params: { self: ref('VMPP'), value: map(string, string) },
      async: false,
    }),
    set_archive_target_type: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to choose cifs, nfs or none',
      role: 'pool-operator',
      params: { self: ref('VMPP'), value: enums.vmpp_archive_target_type },
      async: false,
    }),
    set_archive_target_config: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to replace the archive location settings',
      role: 'pool-operator',
      params: { self: ref('VMPP'), value: map(string, string) },
      async: false,
    }),
    set_is_alarm_enabled: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to turn e-mail alarms on or off',
      role: 'pool-operator',
      params: { self: ref('VMPP'), value: bool },
      async: false,
    }),
    set_alarm_config: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to replace the alarm settings',
      role: 'pool-operator',
      params: { self: ref('VMPP'), value: map(string, string) },
      async: false,
    }),
    add_to_backup_schedule: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to add one backup schedule key',
      role: 'pool-operator',
      params: { self: ref('VMPP'), key: string, value: string },
      async: false,
    }),
    add_to_archive_target_config: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to add one archive location key',
      role: 'pool-operator',
      params: { self: ref('VMPP'), key: string, value: string },
      async: false,
    }),
    add_to_archive_schedule: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to add one archive schedule key',
      role: 'pool-operator',
      params: { self: ref('VMPP'), key: string, value: string },
      async: false,
    }),
    add_to_alarm_config: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to add one alarm key',
      role: 'pool-operator',
      params: { self: ref('VMPP'), key: string, value: string },
      async: false,
    }),
    remove_from_backup_schedule: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to drop one backup schedule key',
      role: 'pool-operator',
      params: { self: ref('VMPP'), key: string },
      async: false,
    }),
    remove_from_archive_target_config: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to drop one archive location key',
      role: 'pool-operator',
      params: { self: ref('VMPP'), key: string },
      async: false,
    }),
    remove_from_archive_schedule: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to drop one archive schedule key',
      role: 'pool-operator',
      params: { self: ref('VMPP'), key: string },
      async: false,
    }),
    remove_from_alarm_config: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to drop one alarm key',
      role: 'pool-operator',
      params: { self: ref('VMPP'), key: string },
      async: false,
    }),
    set_backup_last_run_time: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to record the latest backup time',
      role: 'local-root',
      params: { self: ref('VMPP'), value: datetime },
      async: false,
    }),
    set_archive_last_run_time: planned({
      doc: 'Removed, answers MESSAGE_REMOVED; was meant to record the latest archive time',
      role: 'local-root',
      params: { self: ref('VMPP'), value: datetime },
      async: false,
    }),
  },
});
