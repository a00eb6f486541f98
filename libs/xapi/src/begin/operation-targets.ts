/** The objects that an operation keeps busy, as its declaration in the model names them. */
import {
  asRef,
  classes,
  isClassName,
  isNullRef,
  type ClassDef,
  type ClassName,
  type Ref,
  type Target,
} from '@xenplane/model';

interface OperationTarget extends Target {
  readonly cls: ClassName;
  readonly param: string;
}

function targetsOf({ targets = {}, params }: ClassDef['calls'][string]): OperationTarget[] {
  return Object.entries(targets).flatMap(([param, target]) => {
    const cls = params[param]?.cls ?? '';
    if (target === undefined || !isClassName(cls)) return [];
    return [{ cls, param, ...(typeof target === 'string' ? { op: target } : target) }];
  });
}
const operationTargets: ReadonlyMap<string, readonly OperationTarget[]> = new Map(
  Object.values<ClassDef>(classes).flatMap(({ name, calls }) =>
    Object.entries(calls).map(([call, def]) => [`${name}.${call}`, targetsOf(def)] as const),
  ),
);

/** One object that an operation keeps busy, by the name of what is done to it. */
export interface BusyMark extends Omit<OperationTarget, 'param'> {
  readonly ref: Ref;
}

/** The objects that a started operation keeps busy; parameters that name none are left out. */
export const busyMarksOf = (method: string, params: Readonly<Record<string, unknown>>): BusyMark[] =>
  (operationTargets.get(method) ?? [])
    .map(({ param, ...target }) => ({ ...target, ref: asRef(String(params[param] ?? '')) }))
    .filter(({ ref }) => !isNullRef(ref));
