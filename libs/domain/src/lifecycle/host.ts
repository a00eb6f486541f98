/** The lifecycle of a host: its allowed operations. */
import { enums, XenError, type StoredRecord, type TypeOf } from '@xenplane/model';
import type { CurrentOperations } from './refusals';

export type HostOperation = TypeOf<typeof enums.host_allowed_operations>;
export interface HostSubject {
  readonly ref: string;
  readonly host: Pick<StoredRecord<'host'>, 'current_operations' | 'enabled' | 'power_on_mode'>;
  readonly live: boolean;
}

/** Which operations a running one keeps away. */
const keepsAway: Readonly<Partial<Record<HostOperation, readonly HostOperation[]>>> = {
  provision: ['evacuate', 'reboot', 'shutdown', 'provision'],
  vm_resume: ['evacuate', 'reboot', 'shutdown'],
  vm_migrate: ['evacuate', 'reboot', 'shutdown'],
  evacuate: ['provision', 'vm_resume', 'vm_migrate'],
  reboot: ['provision', 'vm_resume', 'vm_migrate', 'shutdown', 'apply_updates'],
  shutdown: ['provision', 'vm_resume', 'vm_migrate', 'reboot', 'apply_updates'],
  apply_updates: ['reboot', 'shutdown', 'enable'],
};
const shown: Readonly<Partial<Record<string, string>>> = {
  vm_start: 'VM.start',
  vm_resume: 'VM.resume',
  vm_migrate: 'VM.migrate',
};

function concurrent(op: HostOperation, ref: string, current: CurrentOperations): XenError | undefined {
  const blocking = Object.entries(current).find(([, c]) => keepsAway[c as HostOperation]?.includes(op));
  return (
    blocking &&
    new XenError('OTHER_OPERATION_IN_PROGRESS', 'host', ref, shown[blocking[1]] ?? blocking[1], blocking[0])
  );
}

export function refusal(op: HostOperation, { ref, host, live }: HostSubject): XenError | undefined {
  const refused = concurrent(op, ref, host.current_operations);
  if (refused) return refused;
  if (host.enabled && (op === 'reboot' || op === 'shutdown' || op === 'apply_updates'))
    return new XenError('HOST_NOT_DISABLED');
  if (op !== 'power_on') return undefined;
  if (live) return new XenError('HOST_IS_LIVE', ref);
  return host.power_on_mode === '' ? new XenError('HOST_POWER_ON_MODE_DISABLED') : undefined;
}
export const operations = (enums.host_allowed_operations.values ?? []) as readonly HostOperation[];
export const allowedOperations = (subject: HostSubject): HostOperation[] =>
  operations.filter((op) => !refusal(op, subject));
