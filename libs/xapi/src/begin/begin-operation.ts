/** The rows with which durable work begins, in the transaction of whoever asks for it: the busy objects, the task, the operation. */
import { asRef, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Plane, Session } from '../core/context';
import { markBusy, type BusyMark } from './busy-marks';
import { insertTask, type TaskHead } from './tasks';
import { insertOperation } from '../tables/operations/operations';

export interface NewOperation {
  readonly method: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** The task's name. */
  readonly label: string;
  readonly session?: Session | undefined;
  readonly head?: TaskHead | undefined;
  /** Of an operation that was admitted: its busy objects. Any other is admitted by whoever runs it. */
  readonly marks?: readonly BusyMark[];
  /** The stored form of arguments that are not written down. */
  readonly sealed?: Readonly<Record<string, unknown>> | undefined;
}

export const newTask = (plane: Plane): Ref<'task'> => asRef(`OpaqueRef:${plane.ids.uuid()}`);

/** Sent with the commit, after which a scheduler is rung for; should the ring be lost, the sweeper rings. */
export async function beginOperation(
  tx: Tx,
  plane: Plane,
  ref: Ref<'task'>,
  { method, args, label, session, head = {}, marks, sealed }: NewOperation,
): Promise<void> {
  await markBusy(tx, ref, marks ?? []);
  await insertTask(tx, { ref, label, session, ...head });
  const context = {
    admitted: marks !== undefined,
    ...(session ? { session } : {}),
    ...(sealed ? { sealed } : {}),
  };
  insertOperation(tx, { ref, method, params: args, context });
  tx.afterCommit(() => void plane.doorbell.ring([{ ref, attempt: 0 }]));
}

/** Work that the control plane itself asks for, or, with a parent, that is a part of other work: its task stands below that one's. */
export async function beginInternally(
  tx: Tx,
  plane: Plane,
  method: string,
  args: Readonly<Record<string, unknown>>,
  parent?: Parent,
): Promise<Ref<'task'>> {
  const ref = newTask(plane);
  const head = parent ? { subtaskOf: parent.task } : {};
  await beginOperation(tx, plane, ref, {
    method,
    args,
    label: parent?.label ?? method,
    session: parent?.session,
    head,
  });
  return ref;
}
export interface Parent {
  readonly task: Ref<'task'>;
  readonly session: Session | undefined;
  /** The name of the task below, where it is not the method. */
  readonly label?: string;
}
