/** Which errors of a step are final, and with which code; others may pass when tried again. */
import { XenError } from '@xenplane/model';
import { Superseded } from './agents';

export function describeError(error: unknown): readonly string[] | undefined {
  if (error instanceof XenError) return error.description;
  // Final; what it means is looked up where the operation ends.
  if (error instanceof Superseded) return ['OTHER_OPERATION_IN_PROGRESS', 'VM', error.vm];
  return undefined;
}
