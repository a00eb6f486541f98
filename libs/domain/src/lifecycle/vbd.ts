/** The allowed operations of a virtual block device. */
import { enums, isNullRef, XenError, type StoredRecord, type TypeOf } from '@xenplane/model';
import { busy, isBusy, plain } from './refusals';

export type VbdOperation = TypeOf<typeof enums.vbd_operations>;
type Vbd = StoredRecord<'VBD'>;
type Vdi = StoredRecord<'VDI'>;

export interface VbdSubject {
  readonly ref: string;
  readonly vbd: Pick<
    Vbd,
    'VM' | 'VDI' | 'current_operations' | 'unpluggable' | 'type' | 'empty' | 'currently_attached' | 'mode'
  >;
  readonly vm: Pick<
    StoredRecord<'VM'>,
    'power_state' | 'current_operations' | 'domain_type' | 'HVM_boot_policy' | 'is_control_domain'
  >;
  readonly guest:
    Pick<StoredRecord<'VM_guest_metrics'>, 'PV_drivers_detected' | 'can_use_hotplug_vbd'> | undefined;
  readonly vdi: Pick<Vdi, 'managed' | 'current_operations' | 'sharable' | 'read_only'> | undefined;
  /** Other devices that hold the same disk now. */
  readonly others: readonly Pick<Vbd, 'mode'>[];
}

const pluggings: readonly VbdOperation[] = ['plug', 'unplug', 'unplug_force'];
const attachments: readonly VbdOperation[] = ['attach', 'plug', 'insert'];
type Check = (op: VbdOperation, subject: VbdSubject) => XenError | undefined;

const concurrent: Check = (op, { ref, vbd }) => {
  if (!isBusy(vbd.current_operations)) return undefined;
  const current = Object.values(vbd.current_operations);
  const beside = { pause: ['pause', 'unpause'], unpause: ['attach', 'pause', 'unpause'] };
  if ((op === 'pause' || op === 'unpause') && current.every((c) => beside[op].includes(c))) return undefined;
  return busy('VBD', ref, vbd.current_operations);
};
const unpluggable: Check = (op, { ref, vbd }) =>
  !vbd.unpluggable && (op === 'unplug' || op === 'unplug_force')
    ? new XenError('VBD_NOT_UNPLUGGABLE', ref)
    : undefined;
const removable: Check = (op, { ref, vbd }) => {
  if (op !== 'insert' && op !== 'eject') return undefined;
  if (vbd.type !== 'CD') return new XenError('VBD_NOT_REMOVABLE_MEDIA', ref);
  if (op === 'eject' && vbd.empty) return new XenError('VBD_IS_EMPTY', ref);
  return op === 'insert' && !vbd.empty ? new XenError('VBD_NOT_EMPTY', ref) : undefined;
};
const plugged: Check = (op, { ref, vbd, vm }) => {
  if (vm.power_state !== 'Running') return undefined;
  if (op === 'plug' && vbd.currently_attached) return new XenError('DEVICE_ALREADY_ATTACHED', ref);
  return (op === 'unplug' || op === 'unplug_force') && !vbd.currently_attached
    ? new XenError('DEVICE_ALREADY_DETACHED', ref)
    : undefined;
};
const powerState: Check = (op, { vbd, vm }) => {
  const wrong =
    vm.power_state !== 'Running' &&
    (pluggings.includes(op) || (vm.power_state !== 'Paused' && (op === 'pause' || op === 'unpause')));
  return wrong ? new XenError('VM_BAD_POWER_STATE', vbd.VM, 'running', plain(vm.power_state)) : undefined;
};
const goingDown: Check = (op, { vm }) => {
  const ending = Object.values(vm.current_operations).find((c) =>
    ['clean_shutdown', 'hard_shutdown', 'suspend', 'pause'].includes(c),
  );
  return ending && (op === 'plug' || op === 'unplug')
    ? new XenError('OPERATION_NOT_ALLOWED', `VM is in the middle of ${ending}`)
    : undefined;
};
const isHvm = (vm: VbdSubject['vm']): boolean =>
  vm.domain_type === 'hvm' || (vm.domain_type === 'unspecified' && vm.HVM_boot_policy !== '');
const hotplug: Check = (op, { vbd, vm, guest }) => {
  if (vm.power_state !== 'Running' || !pluggings.includes(op) || !isHvm(vm)) return undefined;
  if (!guest?.PV_drivers_detected) return new XenError('VM_MISSING_PV_DRIVERS', vbd.VM);
  if (guest.can_use_hotplug_vbd === 'no')
    return new XenError('OPERATION_NOT_ALLOWED', 'The guest cannot hotplug block devices');
  return vbd.type === 'CD'
    ? new XenError(
        'OPERATION_NOT_ALLOWED',
        'HVM CDROMs cannot be hotplugged/unplugged, only inserted or ejected',
      )
    : undefined;
};
const cdOfSuspended: Check = (op, { vbd, vm }) =>
  vbd.type === 'CD' && vm.power_state === 'Suspended' && (op === 'insert' || op === 'eject')
    ? new XenError('VM_BAD_POWER_STATE', vbd.VM, 'halted, running', 'suspended')
    : undefined;
const managed: Check = (_op, { ref, vdi }) =>
  vdi && !vdi.managed ? new XenError('VDI_NOT_MANAGED', ref) : undefined;
const diskBusy: Check = (op, { vbd, vdi }) => {
  if (!vdi || !attachments.includes(op)) return undefined;
  const blocking = Object.fromEntries(
    Object.entries(vdi.current_operations).filter(([, c]) => c !== 'mirror' && c !== 'copy'),
  );
  return isBusy(blocking) ? busy('VDI', vbd.VDI, blocking) : undefined;
};
const checks: readonly Check[] = [
  concurrent,
  unpluggable,
  removable,
  plugged,
  powerState,
  goingDown,
  hotplug,
  cdOfSuspended,
  managed,
  diskBusy,
];

/** A copy reads the disk all the while. */
const diskRead: Check = (op, { vbd, vdi }) =>
  vdi &&
  vbd.mode === 'RW' &&
  !vdi.sharable &&
  attachments.includes(op) &&
  Object.values(vdi.current_operations).includes('copy')
    ? new XenError('VDI_IN_USE', vbd.VDI)
    : undefined;

/** Only for a call that really wants the disk; a list of allowed operations does not look at other VMs. */
const diskInUse: Check = (op, { vbd, vm, vdi, others }) => {
  if (
    !vdi ||
    isNullRef(vbd.VDI) ||
    vbd.currently_attached ||
    !attachments.includes(op) ||
    vm.is_control_domain
  )
    return undefined;
  if (!vdi.sharable && (others.some((o) => o.mode === 'RW') || (vbd.mode === 'RW' && others.length > 0)))
    return new XenError('VDI_IN_USE', vbd.VDI);
  return vbd.mode === 'RW' && vdi.read_only ? new XenError('VDI_READONLY', vbd.VDI) : undefined;
};

export function refusal(
  op: VbdOperation,
  subject: VbdSubject,
  { listing = false } = {},
): XenError | undefined {
  for (const check of listing ? checks : [...checks, diskRead, diskInUse]) {
    const refused = check(op, subject);
    if (refused) return refused;
  }
  return undefined;
}
export const operations = (enums.vbd_operations.values ?? []) as readonly VbdOperation[];
export const allowedOperations = (subject: VbdSubject): VbdOperation[] =>
  operations.filter((op) => !refusal(op, subject, { listing: true }));
