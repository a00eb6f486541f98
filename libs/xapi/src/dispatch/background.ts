/** Calls in the background (`Async.`) that are no durable work: each under a task, which the caller is given at once. */
import { asRef, type Ref, type Type, type XenError } from '@xenplane/model';
import { inTransaction, type Tx } from '@xenplane/store';
import { encodeTaskResult } from '@xenplane/wire';
import { inSession } from '../api/sessions';
import { endTask, insertTask, type End } from '../begin/tasks';
import type { Plane } from '../core/context';
import * as journal from '../transfer/journal';
import type { TransferHeartbeats } from '../transfer/transfer-heartbeats';
import type { Answer, Background } from './call';
import { failureOfCall } from './failure';

export const taskType: Type = { kind: 'ref', cls: 'task' };
const newTask = (plane: Plane): Ref<'task'> => asRef(`OpaqueRef:${plane.ids.uuid()}`);

const insert = (tx: Tx, ref: Ref<'task'>, { label, session, head }: Background): Promise<void> =>
  insertTask(tx, { ref, label, session, ...head });

/** A task that ends as soon as it begins. */
export async function failInBackground(
  plane: Plane,
  call: Background,
  error: XenError,
  ref = newTask(plane),
): Promise<Answer> {
  await inSession(plane, call, async (tx) => {
    await insert(tx, ref, call);
    await endTask(tx, ref, { status: 'failure', error: error.description });
  });
  return { type: taskType, value: ref };
}

/** Work in one transaction with its task. Whatever goes wrong is the task's, not the call's. */
export async function inTaskTransaction(
  plane: Plane,
  call: Background,
  work: (tx: Tx, task: Ref<'task'>) => Promise<unknown>,
): Promise<Answer> {
  const ref = newTask(plane);
  try {
    await inSession(plane, call, async (tx) => {
      await insert(tx, ref, call);
      const result = encodeTaskResult(call.message.result, await work(tx, ref));
      await endTask(tx, ref, { status: 'success', result });
    });
  } catch (error) {
    return failInBackground(plane, call, failureOfCall(plane, error, call.label), ref);
  }
  return { type: taskType, value: ref };
}

/**
 * Work that makes transactions of its own. Should this process die, the sweeper ends the task as it does that of a transfer, and
 * the work hears of it by its signal.
 */
export async function inLongTask(
  plane: Plane,
  beats: TransferHeartbeats,
  call: Background,
  run: (lost: AbortSignal) => Promise<unknown>,
): Promise<Answer> {
  const { message, label } = call;
  const work = { id: plane.ids.uuid(), task: newTask(plane) };
  const lost = new AbortController();
  await inSession(plane, call, async (tx) => {
    await insert(tx, work.task, call);
    await journal.beginTransfer(tx, work);
  });
  beats.carry(work.id, () => lost.abort());
  const end = async (how: End): Promise<void> => {
    beats.drop(work.id);
    await inTransaction(plane.store, (tx) => journal.endTransfer(tx, work, async () => how));
  };
  void run(lost.signal)
    .then((value) => end({ status: 'success', result: encodeTaskResult(message.result, value) }))
    .catch((error: unknown) => {
      const { description } = failureOfCall(plane, error, label);
      return end({ status: 'failure', error: description });
    })
    .catch((error: unknown) => plane.log.error({ error, label }, 'task not ended'));
  return { type: taskType, value: work.task };
}
