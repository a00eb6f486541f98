/** Which operation of an object's own vocabulary each message takes, and on which of its parameters. */
import { asRef, isNullRef, type ClassName, type Ref } from '@xenplane/model';

export interface Taking {
  readonly cls: ClassName;
  readonly param: string;
  readonly op: string;
  /** The VM's disks and interfaces are kept busy too, by being attached. */
  readonly devices?: true;
  /** The method looks itself whether the object may be taken. */
  readonly unasked?: true;
}

const on = (cls: ClassName, param: string, op: string): Taking[] => [{ cls, param, op }];
const vm = (op: string): Taking[] => on('VM', 'vm', op);
const withDevices = (op: string): Taking[] => vm(op).map((taking) => ({ ...taking, devices: true }));

export const takings: Readonly<Record<string, readonly Taking[]>> = {
  'VM.start': withDevices('start'),
  'VM.start_on': withDevices('start_on'),
  'VM.pause': vm('pause'),
  'VM.unpause': vm('unpause'),
  'VM.clean_shutdown': vm('clean_shutdown'),
  'VM.hard_shutdown': vm('hard_shutdown'),
  'VM.shutdown': vm('shutdown'),
  'VM.clean_reboot': withDevices('clean_reboot'),
  'VM.hard_reboot': withDevices('hard_reboot'),
  'VM.restart_device_models': on('VM', 'self', 'pool_migrate'),
  'VM.suspend': vm('suspend'),
  'VM.resume': withDevices('resume'),
  'VM.resume_on': withDevices('resume_on'),
  'VM.copy': vm('copy'),
  'VM.snapshot': vm('snapshot'),
  'VM.checkpoint': vm('checkpoint'),
  'VM.revert': on('VM', 'snapshot', 'revert'),
  'VM.set_memory_target_live': on('VM', 'self', 'changing_memory_live'),
  'VM.wait_memory_target_live': on('VM', 'self', 'awaiting_memory_live'),
  'VM.migrate_send': vm('migrate_send'),
  'VM.pool_migrate': [...vm('pool_migrate'), ...on('host', 'host', 'vm_migrate')],
  'VM.set_memory_dynamic_range': on('VM', 'self', 'changing_dynamic_range'),
  'VM.set_VCPUs_number_live': on('VM', 'self', 'changing_VCPUs_live'),
  'VM_appliance.start': on('VM_appliance', 'self', 'start'),
  'VM_appliance.clean_shutdown': on('VM_appliance', 'self', 'clean_shutdown'),
  'VM_appliance.hard_shutdown': on('VM_appliance', 'self', 'hard_shutdown'),
  'VM_appliance.shutdown': on('VM_appliance', 'self', 'shutdown'),
  'VBD.plug': on('VBD', 'self', 'plug'),
  'VBD.unplug': on('VBD', 'self', 'unplug'),
  'VBD.unplug_force': on('VBD', 'self', 'unplug_force'),
  'VIF.plug': on('VIF', 'self', 'plug'),
  'VIF.unplug': on('VIF', 'self', 'unplug'),
  'VIF.unplug_force': on('VIF', 'self', 'unplug'),
  'VDI.copy': [...on('VDI', 'vdi', 'copy'), { cls: 'VDI', param: 'into_vdi', op: 'copy', unasked: true }],
  'VDI.pool_migrate': on('VDI', 'vdi', 'mirror'),
  'VDI.list_changed_blocks': [...on('VDI', 'vdi_from', 'list_changed_blocks'), ...on('VDI', 'vdi_to', 'list_changed_blocks')],
  'host.evacuate': on('host', 'host', 'evacuate'),
  'host.shutdown': on('host', 'host', 'shutdown'),
  'host.reboot': on('host', 'host', 'reboot'),
  'host.power_on': on('host', 'host', 'power_on'),
  'pool.sync_updates': on('pool', 'self', 'sync_updates'),
};

/** One object that an operation keeps busy, by the name of what is done to it. */
export interface Mark extends Omit<Taking, 'param'> {
  readonly ref: Ref;
}

/** The objects that a started operation keeps busy. */
export const marksOf = (method: string, params: Readonly<Record<string, unknown>>): Mark[] =>
  (takings[method] ?? [])
    .map(({ param, ...taking }) => ({ ...taking, ref: asRef(String(params[param] ?? '')) }))
    .filter(({ ref }) => ref !== '' && !isNullRef(ref));
