/** The allowed operations of a virtual network interface. */
import { enums, XenError, type StoredRecord, type TypeOf } from '@xenplane/model';
import { isBusy, plain } from './refusals';

export type VifOperation = TypeOf<typeof enums.vif_operations>;
export interface VifSubject {
  readonly ref: string;
  readonly vif: Pick<StoredRecord<'VIF'>, 'VM' | 'current_operations' | 'currently_attached'>;
  readonly vm: Pick<
    StoredRecord<'VM'>,
    'power_state' | 'current_operations' | 'domain_type' | 'HVM_boot_policy' | 'is_control_domain' | 'domid'
  >;
  /** On a network of virtual functions, which cannot be plugged into a guest that runs. */
  readonly sriov?: boolean;
  readonly guest:
    Pick<StoredRecord<'VM_guest_metrics'>, 'PV_drivers_detected' | 'can_use_hotplug_vif'> | undefined;
}
type Check = (op: VifOperation, subject: VifSubject) => XenError | undefined;
const plugging = (op: VifOperation): boolean => op === 'plug' || op === 'unplug';

const concurrent: Check = (_op, { ref, vif }) => {
  if (!isBusy(vif.current_operations)) return undefined;
  const entries = Object.entries(vif.current_operations);
  return new XenError(
    'OTHER_OPERATION_IN_PROGRESS',
    'VIF',
    ref,
    `{${entries.map(([, op]) => op).join('; ')}}`,
    `{${entries.map(([task]) => task).join('; ')}}`,
  );
};
const dom0: Check = (op, { vm }) =>
  op === 'plug' && vm.is_control_domain && vm.domid === 0
    ? new XenError('OPERATION_NOT_ALLOWED', 'VIF plug is not allowed on dom0')
    : undefined;
const functions: Check = (op, { sriov }) =>
  sriov && plugging(op)
    ? new XenError('OPERATION_NOT_ALLOWED', 'A SR-IOV VIF cannot be plugged or unplugged')
    : undefined;
const plugged: Check = (op, { ref, vif, vm }) => {
  if (vm.power_state !== 'Running') return undefined;
  if (op === 'plug' && vif.currently_attached) return new XenError('DEVICE_ALREADY_ATTACHED', ref);
  return op === 'unplug' && !vif.currently_attached
    ? new XenError('DEVICE_ALREADY_DETACHED', ref)
    : undefined;
};
const powerState: Check = (op, { vif, vm }) =>
  plugging(op) && vm.power_state !== 'Running'
    ? new XenError('VM_BAD_POWER_STATE', vif.VM, 'running', plain(vm.power_state))
    : undefined;
const goingDown: Check = (op, { vm }) => {
  const ending = Object.values(vm.current_operations).find((c) =>
    ['clean_shutdown', 'hard_shutdown', 'suspend', 'pause'].includes(c),
  );
  return ending && plugging(op)
    ? new XenError('OPERATION_NOT_ALLOWED', `VM is in the middle of ${ending}`)
    : undefined;
};
const hotplug: Check = (op, { vif, vm, guest }) => {
  const hvm = vm.domain_type === 'hvm' || (vm.domain_type === 'unspecified' && vm.HVM_boot_policy !== '');
  if (!plugging(op) || vm.power_state !== 'Running' || !hvm) return undefined;
  if (!guest?.PV_drivers_detected) return new XenError('VM_MISSING_PV_DRIVERS', vif.VM);
  return guest.can_use_hotplug_vif === 'no'
    ? new XenError('OPERATION_NOT_ALLOWED', 'The guest cannot hotplug network interfaces')
    : undefined;
};
const checks: readonly Check[] = [concurrent, dom0, functions, plugged, powerState, goingDown, hotplug];

export function refusal(op: VifOperation, subject: VifSubject): XenError | undefined {
  for (const check of checks) {
    const refused = check(op, subject);
    if (refused) return refused;
  }
  return undefined;
}
export const operations = (enums.vif_operations.values ?? []) as readonly VifOperation[];
export const allowedOperations = (subject: VifSubject): VifOperation[] =>
  operations.filter((op) => !refusal(op, subject));
