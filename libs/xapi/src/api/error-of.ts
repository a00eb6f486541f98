/** Every failure in the form of the interface. What the database says when it cannot serve is nothing for clients. */
import { XenError } from '@xenplane/model';
import { failureOf, type Failure } from '@xenplane/store';

const inWords: Readonly<Record<Failure, () => XenError>> = {
  /** As xapi answers while it starts: ask again soon. */
  away: () => new XenError('HOST_STILL_BOOTING'),
  full: () => new XenError('OUT_OF_SPACE', 'database'),
  busy: () => new XenError('TOO_BUSY'),
  unknown: () =>
    new XenError(
      'INTERNAL_ERROR',
      'The connection to the database was lost during the commit: the change may have been made or not',
    ),
};

/** The code of a failure that is the database's; undefined for any other. */
export function databaseError(error: unknown): XenError | undefined {
  const failure = failureOf(error);
  return failure && inWords[failure]();
}

/** It will serve again without anybody's doing; what was begun goes on then. */
export function isDatabaseOutage(error: unknown): boolean {
  const failure = failureOf(error);
  return failure === 'away' || failure === 'full';
}

export const errorOf = (error: unknown): XenError =>
  error instanceof XenError
    ? error
    : (databaseError(error) ??
      new XenError('INTERNAL_ERROR', error instanceof Error ? error.message : String(error)));
