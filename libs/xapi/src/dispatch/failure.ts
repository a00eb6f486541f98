/** Errors of calls: every one that leaves dispatch has a code; what has none of its own is logged once with its cause. */
import { XenError } from '@xenplane/model';
import { databaseError, errorOf } from '../api/error-of';
import type { Plane } from '../core/context';

export function failureOfCall({ log }: Plane, error: unknown, method: string): XenError {
  if (error instanceof XenError) return error;
  const known = databaseError(error);
  if (known)
    log.warn(
      { method, code: known.code, error: error instanceof Error ? error.message : String(error) },
      'the database did not serve',
    );
  else log.error({ method, error }, 'call failed');
  return known ?? errorOf(error);
}
