/** Operations that an operation begins and waits for: tasks of their own below its task, run by whoever is free. */
import { asRef, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { Parked, type Run } from '@xenplane/work';
import { beginInternally } from './begin-operation';
import type { Plane, Session } from '../core/context';
import { operationEnds, requestCancel, type OperationEnd } from '../tables/operations/operations';

export interface ChildOperation {
  readonly method: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** The name of its task, where it is not the method. */
  readonly label?: string;
}
export interface EndedChild {
  readonly task: string;
  readonly succeeded: boolean;
  /** In the form of the wire. */
  readonly result: string;
  readonly error: readonly string[];
}
const lookAgainMs = 250;

export async function beginChildOperations(
  plane: Plane,
  tx: Tx,
  run: Run<Tx>,
  children: readonly ChildOperation[],
): Promise<Ref<'task'>[]> {
  const parent = { task: asRef<'task'>(run.ref), session: run.context['session'] as Session | undefined };
  const tasks: Ref<'task'>[] = [];
  for (const { method, args, label = method } of children)
    tasks.push(await beginInternally(tx, plane, method, args, { ...parent, label }));
  return tasks;
}

/**
 * Begins operations in one transaction and answers how they ended. Until they have, the operation gives its place up: no number of
 * waiting ones can keep the work that they wait for from being done. When it is to end before that, they are cancelled and waited for.
 */
export async function endedChildren(
  plane: Plane,
  run: Run<Tx>,
  name: string,
  begin: (tx: Tx) => Promise<readonly string[]>,
): Promise<readonly EndedChild[]> {
  const tasks: string[] = [];
  // Undone after the cancelling, which is registered later.
  run.undo(`wait for ${name}`, async () => {
    if ((await operationEnds(plane.store, tasks)).some((r) => r.open)) throw new Parked(run.ref, lookAgainMs);
  });
  tasks.push(...(await run.commit(name, begin, requestCancel)));
  const rows = await operationEnds(plane.store, tasks);
  if (rows.some((r) => r.open)) {
    run.checkpoint();
    throw new Parked(run.ref, lookAgainMs);
  }
  return rows.map(endOf);
}
/** Of a task whose record is gone already its owner wants to hear nothing. */
const endOf = ({ ref, status, result, error_info }: OperationEnd): EndedChild => ({
  task: ref,
  succeeded: (status ?? 'success') === 'success',
  result: result ?? '',
  error: status === 'cancelled' ? ['TASK_CANCELLED', ref] : (error_info ?? []),
});

/** Waits until a moment of the database's clock without holding a place. */
export async function parkUntil(plane: Plane, run: Run<Tx>, moment: number): Promise<void> {
  const left = moment - plane.clock.now().getTime();
  if (left <= 0) return;
  run.checkpoint();
  throw new Parked(run.ref, Math.min(left, 1_000));
}
