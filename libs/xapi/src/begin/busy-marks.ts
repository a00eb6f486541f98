/** The objects that an operation keeps busy, as its declaration in the model names them, and how their records show it. */
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
import type { Tx } from '@xenplane/store';

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

/** Written with the commit; an object and what goes with it in one statement. */
export async function markBusy(tx: Tx, task: Ref<'task'>, marks: readonly BusyMark[]): Promise<void> {
  const busy = 'current_operations = current_operations || jsonb_build_object($2::text, $3::text)';
  const attaching = "current_operations = current_operations || jsonb_build_object($2::text, 'attach')";
  for (const { cls, ref, op, devices } of marks)
    tx.leave(
      `${devices ? changeDevices(attaching) : ''} UPDATE "${cls.toLowerCase()}" SET ${busy} WHERE ref = $1`,
      [ref, task, op],
    );
}
export async function unmarkBusy(
  tx: Tx,
  task: Ref<'task'>,
  marks: readonly Omit<BusyMark, 'op'>[],
): Promise<void> {
  const free = 'current_operations = current_operations - $2::text';
  for (const { cls, ref, devices } of marks)
    tx.leave(
      `${devices ? changeDevices(free, 'AND current_operations ? $2') : ''} UPDATE "${cls.toLowerCase()}" SET ${free} WHERE ref = $1`,
      [ref, task],
    );
}
const changeDevices = (change: string, where = ''): string =>
  `WITH disks AS (UPDATE vbd SET ${change} WHERE "VM" = $1 ${where}), nics AS (UPDATE vif SET ${change} WHERE "VM" = $1 ${where})`;
