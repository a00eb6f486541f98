/** The allowed operations of an appliance: they depend on the states of its VMs. */
import { enums, XenError, type StoredRecord, type TypeOf } from '@xenplane/model';
import { busy, isBusy } from './refusals';

export type ApplianceOperation = TypeOf<typeof enums.vm_appliance_operation>;
type PowerState = StoredRecord<'VM'>['power_state'];
export interface ApplianceSubject {
  readonly ref: string;
  readonly appliance: Pick<StoredRecord<'VM_appliance'>, 'current_operations'>;
  /** Of each VM. */
  readonly states: readonly PowerState[];
}

/** Which VMs each operation is about; there must be one. */
export const concerns: Readonly<Record<ApplianceOperation, (state: PowerState) => boolean>> = {
  start: (state) => state === 'Halted',
  clean_shutdown: (state) => state === 'Running',
  hard_shutdown: (state) => state !== 'Halted',
  shutdown: (state) => state !== 'Halted',
};

export function refusal(
  op: ApplianceOperation,
  { ref, appliance, states }: ApplianceSubject,
): XenError | undefined {
  if (isBusy(appliance.current_operations)) return busy('VM_appliance', ref, appliance.current_operations);
  if (states.length === 0) return new XenError('OPERATION_NOT_ALLOWED', 'The appliance has no VMs');
  return states.some(concerns[op])
    ? undefined
    : new XenError('OPERATION_NOT_ALLOWED', `No VM of the appliance is in a state for ${op}`);
}
export const operations = (enums.vm_appliance_operation.values ?? []) as readonly ApplianceOperation[];
export const allowedOperations = (subject: ApplianceSubject): ApplianceOperation[] =>
  operations.filter((op) => !refusal(op, subject));

/** One after another: VMs with equal order together, and how long to wait behind each group. */
export interface Member {
  readonly ref: string;
  readonly order: number;
  readonly delay: number;
}
export interface Group {
  readonly vms: readonly string[];
  readonly delay: number;
}
export function groups(members: readonly Member[], direction: 'up' | 'down'): Group[] {
  const orders = [...new Set(members.map((m) => m.order))].sort((a, b) =>
    direction === 'up' ? a - b : b - a,
  );
  return orders.map((order) => {
    const together = members.filter((m) => m.order === order);
    return { vms: together.map((m) => m.ref).sort(), delay: Math.max(...together.map((m) => m.delay)) };
  });
}
