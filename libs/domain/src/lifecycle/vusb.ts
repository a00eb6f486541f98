/** The allowed operations of a USB passthrough. */
import { enums, XenError, type StoredRecord, type TypeOf } from '@xenplane/model';
import { busy, isBusy, plain } from './refusals';

export type VusbOperation = TypeOf<typeof enums.vusb_operations>;
export interface VusbSubject {
  readonly ref: string;
  readonly vusb: Pick<StoredRecord<'VUSB'>, 'VM' | 'current_operations' | 'currently_attached'>;
  readonly vm: Pick<StoredRecord<'VM'>, 'power_state' | 'current_operations'>;
}
type Check = (op: VusbOperation, subject: VusbSubject) => XenError | undefined;
const plugging = (op: VusbOperation): boolean => op === 'plug' || op === 'unplug';

const concurrent: Check = (_op, { ref, vusb }) =>
  isBusy(vusb.current_operations) ? busy('VUSB', ref, vusb.current_operations) : undefined;
const plugged: Check = (op, { ref, vusb, vm }) => {
  if (vm.power_state !== 'Running') return undefined;
  if (op === 'plug' && vusb.currently_attached) return new XenError('DEVICE_ALREADY_ATTACHED', ref);
  return op === 'unplug' && !vusb.currently_attached
    ? new XenError('DEVICE_ALREADY_DETACHED', ref)
    : undefined;
};
const powerState: Check = (op, { vusb, vm }) =>
  plugging(op) && vm.power_state !== 'Running'
    ? new XenError('VM_BAD_POWER_STATE', vusb.VM, 'running', plain(vm.power_state))
    : undefined;
const goingDown: Check = (op, { vm }) => {
  const ending = Object.values(vm.current_operations).find((c) =>
    ['clean_shutdown', 'hard_shutdown', 'suspend', 'pause'].includes(c),
  );
  return ending && plugging(op)
    ? new XenError('OPERATION_NOT_ALLOWED', `VM is in the middle of ${ending}`)
    : undefined;
};
const checks: readonly Check[] = [concurrent, plugged, powerState, goingDown];

export function refusal(op: VusbOperation, subject: VusbSubject): XenError | undefined {
  for (const check of checks) {
    const refused = check(op, subject);
    if (refused) return refused;
  }
  return undefined;
}
export const operations = (enums.vusb_operations.values ?? []) as readonly VusbOperation[];
export const allowedOperations = (subject: VusbSubject): VusbOperation[] =>
  operations.filter((op) => !refusal(op, subject));
