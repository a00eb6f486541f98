/** A virtual TPM can be taken away only from a VM that is halted. */
import { XenError, type StoredRecord } from '@xenplane/model';
import { plain } from './refusals';

export interface VtpmSubject {
  readonly vm: string;
  readonly power_state: StoredRecord<'VM'>['power_state'];
}
export const refusal = (_op: 'destroy', { vm, power_state }: VtpmSubject): XenError | undefined =>
  power_state === 'Halted' ? undefined : new XenError('VM_BAD_POWER_STATE', vm, 'halted', plain(power_state));
export const allowedOperations = (subject: VtpmSubject): 'destroy'[] =>
  refusal('destroy', subject) ? [] : ['destroy'];
