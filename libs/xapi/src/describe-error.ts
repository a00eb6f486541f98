/** Which errors of a step are final, and with which code; others may pass when tried again. */
import { XenError } from '@xenplane/model';
import { Superseded } from './agents';

export function describeError(error: unknown): readonly string[] | undefined {
  if (error instanceof XenError) return error.description;
  if (error instanceof Superseded) return ['INTERNAL_ERROR', error.message];
  return undefined;
}
