/**
 * Why an operation cannot go on with a run that is over, in the words of the interface. The error that its caller gets names what has
 * happened to the VM, not how it was noticed: cancelled by what overtook it, its host lost, or the VM not in the state that it needs.
 */
import { XenError, type Ref } from '@xenplane/model';
import type { Store } from '@xenplane/store';
import { Cancelled } from '@xenplane/work';
import type { Superseded } from '../core/agents';
import { rulesOf } from '../registry/operation-rules';
import { cancelRequested } from '../tables/operations/operations';
import { lostOn } from '../tables/runs/lost-runs';

interface Facts extends Record<string, unknown> {
  readonly ref: Ref<'VM'>;
  readonly power_state: string;
  readonly cancelled: boolean | null;
  readonly lost_on: Ref<'host'> | null;
}

export async function whyOvertaken(
  store: Store,
  operation: { readonly ref: string; readonly method: string },
  superseded: Superseded,
): Promise<Error> {
  const [facts] = await store.query<Facts>(
    `SELECT v.ref, v.power_state, ${cancelRequested('$2')} AS cancelled, ${lostOn('v.ref')} AS lost_on
     FROM vm v WHERE v.uuid = $1 OR v.ref = $1`,
    [superseded.vm, operation.ref],
  );
  if (facts?.cancelled) return new Cancelled(operation.ref);
  if (superseded.meaning) return superseded.meaning;
  if (!facts) return new XenError('HANDLE_INVALID', 'VM', superseded.vm);
  return whatHappened(facts, rulesOf(operation.method).rests ?? 'Running', superseded.host);
}

function whatHappened(
  { ref, power_state, lost_on }: Facts,
  expected: string,
  host: Ref<'host'> | undefined,
): XenError {
  if (lost_on) return new XenError('HOST_OFFLINE', lost_on);
  const rests = expected === 'Halted' || expected === 'Suspended';
  // It was not to run before this operation, and does not: only the place that it had is gone.
  if (rests && power_state === expected && host) return new XenError('HOST_OFFLINE', host);
  // It runs, but not as it ran when the operation began.
  if (!rests && (power_state === 'Running' || power_state === expected))
    return new XenError('VM_REBOOTED', ref);
  return new XenError('VM_BAD_POWER_STATE', ref, expected.toLowerCase(), power_state.toLowerCase());
}
