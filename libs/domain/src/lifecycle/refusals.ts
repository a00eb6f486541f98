/** Refusals common to several lifecycles. */
import { XenError } from '@xenplane/model';

export type CurrentOperations = Readonly<Record<string, string>>;
export const plain = (state: string): string => state.toLowerCase();

/** OTHER_OPERATION_IN_PROGRESS [class, object, operation, task]; several are written `{op1,op2}`. */
export function busy(
  cls: string,
  ref: string,
  current: CurrentOperations,
  shown = (op: string): string => op,
): XenError {
  const entries = Object.entries(current);
  const one = (values: readonly string[]): string =>
    values.length === 1 ? (values[0] ?? '') : `{${values.join(',')}}`;
  return new XenError(
    'OTHER_OPERATION_IN_PROGRESS',
    cls,
    ref,
    one(entries.map(([, op]) => shown(op))),
    one(entries.map(([task]) => task)),
  );
}
export const isBusy = (current: CurrentOperations): boolean => Object.keys(current).length > 0;
