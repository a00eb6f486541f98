/**
 * Turns a call that is durable work into a row: checked, marked and recorded in one transaction, then rung for.
 * From that commit on the client may disappear and every process may die; the operation still ends.
 */
import { XenError, type Message, type Ref } from '@xenplane/model';
import { decodeTaskResult } from '@xenplane/wire';
import { inTransaction } from '@xenplane/store';
import type { Plane, Session } from '../core/context';
import { rulesOf } from '../registry/operation-rules';
import { admit, busyLimitMs, isBusy } from './admission';
import { beginOperation, newTask, type NewOperation } from './begin-operation';
import { inSession } from '../api/sessions';
import { endTask, insertTask, isFinal, type TaskHead } from './tasks';
import { removeTask } from '../tables/operations/tasks';

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
  const { seal: exchange } = rulesOf(start.message.name);
  return exchange ? { ...start, ...(await exchange(plane, start.args)) } : start;
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

/** Admits the operation and writes it down, with its busy objects, in one transaction. */
async function accept(plane: Plane, start: Start, ref: Ref<'task'>): Promise<void> {
  const { message, session, args } = start;
  await inSession(plane, start, async (tx) => {
    const marks = await admit({ plane, session, tx, task: ref }, message.name, args);
    await beginOperation(tx, plane, ref, { ...operationOf(start), marks });
  });
}

const acceptUnadmitted = (plane: Plane, start: Start, ref: Ref<'task'>): Promise<void> =>
  inSession(plane, start, (tx) => beginOperation(tx, plane, ref, operationOf(start)));

const operationOf = ({ message, args, label, session, head, sealed }: Start): NewOperation => ({
  method: message.name,
  args,
  label,
  session,
  head,
  sealed,
});

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
  await inTransaction(plane.store, async (tx) => removeTask(tx, ref));
}
