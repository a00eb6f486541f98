/** Operations that an operation begins and waits for: tasks of their own below its task, run by whoever is free. */
import { asRef, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { Parked, type Run } from '@xenplane/work';
import { startInternally } from './accept';
import type { Plane, Session } from './context';

export interface Child {
  readonly method: string;
  readonly args: Readonly<Record<string, unknown>>;
}
export interface Ended {
  readonly task: string;
  readonly succeeded: boolean;
  /** In the form of the wire. */
  readonly result: string;
  readonly error: readonly string[];
}
const lookAgainMs = 250;

export async function startChildren(plane: Plane, tx: Tx, run: Run<Tx>, children: readonly Child[]): Promise<Ref<'task'>[]> {
  const parent = { task: asRef<'task'>(run.ref), session: run.context['session'] as Session | undefined };
  const tasks: Ref<'task'>[] = [];
  for (const { method, args } of children) tasks.push(await startInternally(tx, plane, method, args, parent));
  return tasks;
}

/** How they ended. Until they have, the operation gives its place up: no number of waiting ones can keep the work that they wait for from being done. */
export async function childrenEnded(plane: Plane, run: Run<Tx>, tasks: readonly string[]): Promise<readonly Ended[]> {
  const rows = await plane.store.query<{ ref: string; status: string; result: string; error_info: string[]; open: boolean }>(
    `SELECT t.ref, t.status, t.result, t.error_info, EXISTS (SELECT 1 FROM operation o WHERE o.ref = t.ref AND o.state <> 'done') AS open FROM task t WHERE t.ref = ANY($1)`,
    [tasks],
  );
  if (rows.some((r) => r.open)) {
    run.checkpoint();
    throw new Parked(run.ref, lookAgainMs);
  }
  const found = new Map(rows.map((r) => [r.ref, r]));
  return tasks.map((task) => {
    const row = found.get(task);
    return { task, succeeded: row?.status === 'success', result: row?.result ?? '', error: row?.error_info ?? [] };
  });
}

/** Asks what has not ended to stop. */
export async function cancelAll(tx: Tx, tasks: readonly string[]): Promise<void> {
  await tx.query("UPDATE operation SET cancel_requested = true WHERE ref = ANY($1) AND state <> 'done'", [tasks]);
}

/** Waits until a moment of the database's clock without holding a place. */
export async function waitUntil(plane: Plane, run: Run<Tx>, moment: number): Promise<void> {
  const left = moment - plane.clock.now().getTime();
  if (left <= 0) return;
  run.checkpoint();
  throw new Parked(run.ref, Math.min(left, 1_000));
}
