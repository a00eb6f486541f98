/** How a scheduler runs an operation: admitted first, where it was accepted while its objects were busy; its end explained, where it was overtaken. */
import { asRef } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import { Superseded } from '../core/agents';
import type { Context, Plane, Session } from '../core/context';
import { systemSession } from '../core/system-session';
import { admitMarked, laterIfBusy } from './admission';
import { whyOvertaken } from './overtaken';

type Args = Readonly<Record<string, unknown>>;
export type OperationHandler = (run: Run<Tx>, args: Args) => Promise<unknown>;

export async function admittedRun(
  plane: Plane,
  method: string,
  handler: OperationHandler,
  run: Run<Tx>,
  args: Args,
): Promise<unknown> {
  if (run.context['admitted'] === false)
    await run.commit('admit', (tx) => admitLate(contextOf(plane, tx, run), method, args));
  try {
    return await handler(run, args);
  } catch (error) {
    throw error instanceof Superseded
      ? await whyOvertaken(plane.store, { ref: run.ref, method }, error)
      : error;
  }
}

async function admitLate(context: Context, method: string, args: Args): Promise<void> {
  try {
    await admitMarked(context, method, args);
  } catch (error) {
    throw laterIfBusy(error);
  }
}

const contextOf = (plane: Plane, tx: Tx, run: Run<Tx>): Context => ({
  plane,
  tx,
  task: asRef<'task'>(run.ref),
  session: (run.context['session'] as Session | undefined) ?? systemSession,
});
