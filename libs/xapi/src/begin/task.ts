import { asRef, classes, messages, type CallsOf, type Ref, type StoredRecord } from '@xenplane/model';
import type { Context } from '../core/context';
import { writeField } from '../core/implied-calls';
import { assertMayChange, destroyKey, endTask, insertTask, isFinal } from './tasks';
import { requestCancel } from '../tables/operations/operations';
import { isTransferTask } from '../tables/operations/transfers';
import { noteEnd, removeTask } from '../tables/operations/tasks';

/** A transfer's task ends at once, and says why. Other work learns of the cancellation at its safe points, if there are any. */
async function cancel(context: Context, task: Ref<'task'>): Promise<void> {
  const { tx } = context;
  const record = await tx.lock('task', task);
  await assertMayChange(tx, context.session, task);
  if (isFinal(record.status)) return;
  if (await isTransferTask(tx, task))
    return endTask(tx, task, { status: 'cancelled', error: ['TASK_CANCELLED', task] });
  await requestCancel(tx, [task]);
  await tx.update('task', task, { current_operations: { ...record.current_operations, [task]: 'cancel' } });
}

/** Of a task that has not ended it is noted that somebody wants it gone: its record goes when it has. */
async function destroy(context: Context, task: Ref<'task'>): Promise<void> {
  const { tx } = context;
  const record = await tx.lock('task', task);
  await assertMayChange(tx, context.session, task);
  if (!isFinal(record.status))
    return tx.update('task', task, {
      current_operations: { ...record.current_operations, [destroyKey]: 'destroy' },
    });
  removeTask(tx, task);
}

async function setOwn(
  context: Context,
  task: Ref<'task'>,
  patch: Parameters<Context['tx']['update']>[2],
): Promise<void> {
  await context.tx.lock('task', task);
  await assertMayChange(context.tx, context.session, task);
  await context.tx.update('task', task, patch);
}

async function setStatus(
  context: Context,
  task: Ref<'task'>,
  status: StoredRecord<'task'>['status'],
): Promise<void> {
  await setOwn(context, task, { status });
  if (isFinal(status)) noteEnd(context.tx, task);
}

/** A field of the table, written as those of other classes are, but only by the owner. */
const field =
  (name: string) =>
  async ({ tx, session }: Context, args: { readonly self: Ref<'task'> }): Promise<void> => {
    const message = messages.get(`task.${name}`);
    if (!message) throw new Error(`no message task.${name}`);
    await tx.lock('task', args.self);
    await assertMayChange(tx, session, args.self);
    await writeField(tx, message, args);
  };

export const taskCalls: CallsOf<typeof classes.task, Context> = {
  create: async (context, { label, description }) => {
    const ref = asRef<'task'>(`OpaqueRef:${context.plane.ids.uuid()}`);
    await insertTask(context.tx, { ref, label, description, session: context.session });
    return ref;
  },
  destroy: (context, { self }) => destroy(context, self),
  cancel: (context, { task }) => cancel(context, task),
  set_status: (context, { self, value }) => setStatus(context, self, value),
  set_progress: (context, { self, value }) => setOwn(context, self, { progress: value }),
  set_result: (context, { self, value }) => setOwn(context, self, { result: value }),
  set_error_info: (context, { self, value }) => setOwn(context, self, { error_info: value }),
  add_to_other_config: field('add_to_other_config'),
  remove_from_other_config: field('remove_from_other_config'),
  set_other_config: field('set_other_config'),
};
