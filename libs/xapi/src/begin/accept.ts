/**
 * Turns a call that is durable work into a row: checked, marked and recorded in one transaction, then rung for.
 * From that commit on the client may disappear and every process may die; the operation still ends.
 */
import { asRef, XenError, type Message, type Ref } from '@xenplane/model';
import { decodeTaskResult } from '@xenplane/wire';
import { inTransaction, type Tx } from '@xenplane/store';
import type { Plane, Session } from '../core/context';
import { admit, busyLimitMs, isBusy } from './admission';
import { markBusy } from './operation-store';
import { sealOf } from '../registry/sealed-arguments';
import { inSession } from '../api/sessions';
import { endTask, insertTask, isFinal, type TaskHead } from './tasks';

export interface Start {
  readonly message: Message;
  readonly session: Session;
  readonly token: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** The method as the client wrote it, `Async.` included. */
  readonly label: string;
  /** Given by a caller who waits for the end; without one the task is answered at once. */
  readonly signal?: AbortSignal;
  readonly head?: TaskHead;
  /** Called when nothing more is done for the caller than to wait. */
  readonly accepted?: () => void;
  /** The stored form of arguments that are not written down. */
  readonly sealed?: Readonly<Record<string, unknown>>;
}

/** The task's reference, or, for a caller who waits, what the operation answered. */
export async function startOperation(plane: Plane, start: Start): Promise<unknown> {
  if (!start.signal) return acceptAsync(plane, start);
  const sealed = await seal(plane, start);
  return waitForEnd(plane, await acceptWaiting(plane, sealed, start.signal), sealed);
}

async function seal(plane: Plane, start: Start): Promise<Start> {
  const exchange = sealOf(start.message.name);
  if (!exchange) return start;
  return { ...start, ...(await exchange(plane, start.args)) };
}

/** In the background every refusal belongs to the task. */
async function acceptAsync(plane: Plane, start: Start): Promise<Ref<'task'>> {
  const ref = newTask(plane);
  try {
    const sealed = await seal(plane, start);
    await accept(plane, sealed, ref).catch((error: unknown) =>
      isBusy(error) ? acceptUnadmitted(plane, sealed, ref) : Promise.reject(error),
    );
  } catch (error) {
    if (!(error instanceof XenError)) throw error;
    await refuse(plane, start, ref, error);
  }
  return ref;
}

/** A caller who waits is refused at once, except that an object that is busy is waited for, as xapi does. */
async function acceptWaiting(plane: Plane, start: Start, signal: AbortSignal): Promise<Ref<'task'>> {
  const deadline = plane.clock.monotonic() + busyLimitMs;
  for (;;) {
    const ref = newTask(plane);
    try {
      await accept(plane, start, ref);
      start.accepted?.();
      return ref;
    } catch (error) {
      if (!isBusy(error) || plane.clock.monotonic() > deadline || signal.aborted) throw error;
    }
    start.accepted?.();
    await plane.replica.waitForMove(busyRetryMs, signal);
  }
}
const busyRetryMs = 1000;

const newTask = (plane: Plane): Ref<'task'> => asRef(`OpaqueRef:${plane.ids.uuid()}`);

async function accept(plane: Plane, start: Start, ref: Ref<'task'>): Promise<void> {
  const { message, session, args } = start;
  await inSession(plane, start, async (tx) => {
    const marks = await admit({ plane, session, tx, task: ref }, message.name, args);
    await markBusy(tx, ref, marks);
    await insertTask(tx, { ref, label: start.label, session, ...start.head });
    insertOperation(tx, start, ref, true);
  });
  await plane.doorbell.ring([{ ref, attempt: 0 }]);
}

async function acceptUnadmitted(plane: Plane, start: Start, ref: Ref<'task'>): Promise<void> {
  await inSession(plane, start, async (tx) => {
    await insertTask(tx, { ref, label: start.label, session: start.session, ...start.head });
    insertOperation(tx, start, ref, false);
  });
  await plane.doorbell.ring([{ ref, attempt: 0 }]);
}

function insertOperation(
  tx: Tx,
  { message, args, session, sealed }: Start,
  ref: Ref<'task'>,
  admitted: boolean,
): void {
  tx.leave("INSERT INTO operation(ref, method, params, context, state) VALUES ($1, $2, $3, $4, 'queued')", [
    ref,
    message.name,
    JSON.stringify(args),
    JSON.stringify({ session, admitted, ...(sealed ? { sealed } : {}) }),
  ]);
}

async function refuse(plane: Plane, start: Start, ref: Ref<'task'>, error: XenError): Promise<void> {
  await inSession(plane, start, async (tx) => {
    await insertTask(tx, { ref, label: start.label, session: start.session, ...start.head });
    await endTask(tx, ref, { status: 'failure', error: error.description });
  });
}

async function waitForEnd(plane: Plane, ref: Ref<'task'>, { message, signal }: Start): Promise<unknown> {
  for (;;) {
    const task = plane.replica.record('task', ref);
    if (task && isFinal(task.status)) {
      await forget(plane, ref);
      if (task.status === 'success') return decodeTaskResult(message.result, task.result);
      if (task.status === 'cancelled') throw new XenError('TASK_CANCELLED', ref);
      const [code = 'INTERNAL_ERROR', ...params] = task.error_info;
      throw asError(code, params);
    }
    if (signal?.aborted) throw new XenError('TASK_CANCELLED', ref);
    await plane.replica.waitForMove(busyRetryMs, signal, (cls, moved) => moved === ref && cls === 'task');
  }
}

const asError = (code: string, params: readonly string[]): XenError =>
  new XenError(code as XenError['code'], ...params);

/** The task of a call that somebody waited for ends with the answer. */
async function forget(plane: Plane, ref: Ref<'task'>): Promise<void> {
  await inTransaction(plane.store, async (tx) => {
    tx.leave('WITH owner AS (DELETE FROM task_owner WHERE task = $1) DELETE FROM task WHERE ref = $1', [ref]);
  });
}

/** Work that is a part of other work: asked for by whoever asked for that, its task under that one's. */
export async function startWithin(
  tx: Tx,
  plane: Plane,
  whole: { readonly ref: string; readonly context: Readonly<Record<string, unknown>> },
  method: string,
  args: Readonly<Record<string, unknown>>,
): Promise<Ref<'task'>> {
  const ref = newTask(plane);
  const session = whole.context['session'] as Session | undefined;
  await insertTask(tx, { ref, label: `Async.${method}`, session, subtaskOf: asRef<'task'>(whole.ref) });
  tx.leave("INSERT INTO operation(ref, method, params, context, state) VALUES ($1, $2, $3, $4, 'queued')", [
    ref,
    method,
    JSON.stringify(args),
    JSON.stringify({ ...(session ? { session } : {}), admitted: false }),
  ]);
  tx.afterCommit(() => void plane.doorbell.ring([{ ref, attempt: 0 }]));
  return ref;
}

/** Work that the control plane itself asks for, inside a transaction of its own; the sweeper rings for it. */
export async function startInternally(
  tx: Tx,
  plane: Plane,
  method: string,
  args: Readonly<Record<string, unknown>>,
  parent?: { readonly task: Ref<'task'>; readonly session: Session | undefined },
): Promise<Ref<'task'>> {
  const ref = newTask(plane);
  await insertTask(tx, {
    ref,
    label: method,
    session: parent?.session,
    ...(parent ? { subtaskOf: parent.task } : {}),
  });
  tx.leave("INSERT INTO operation(ref, method, params, context, state) VALUES ($1, $2, $3, $4, 'queued')", [
    ref,
    method,
    JSON.stringify(args),
    JSON.stringify(parent?.session ? { admitted: false, session: parent.session } : { admitted: false }),
  ]);
  tx.afterCommit(() => void plane.doorbell.ring([{ ref, attempt: 0 }]));
  return ref;
}
