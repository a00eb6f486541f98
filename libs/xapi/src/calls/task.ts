import { allows, asRef, classes, XenError, type CallsOf, type Ref } from '@xenplane/model';
import { dateTime, type Context } from '../context';
import { writeField } from '../implied';
import { messages } from '@xenplane/model';
import { insertTask, isFinal } from '../tasks';

/** Anyone may end what they began; what others began needs the role for it. */
async function assertOwner({ tx, session }: Context, task: Ref<'task'>, verb: string): Promise<void> {
  const [row] = await tx.query<{ owner: string }>('SELECT owner FROM task_owner WHERE task = $1', [task]);
  if (row?.owner === session.user || allows(session.role, 'pool-operator')) return;
  throw new XenError('RBAC_PERMISSION_DENIED', `task.${verb}/any`, 'The task belongs to somebody else');
}

async function cancel(context: Context, task: Ref<'task'>): Promise<void> {
  const record = await context.tx.lock('task', task);
  await assertOwner(context, task, 'cancel');
  if (isFinal(record.status)) return;
  const asked = await context.tx.query("UPDATE operation SET cancel_requested = true WHERE ref = $1 AND state <> 'done' RETURNING ref", [task]);
  if (asked.length === 0) {
    // A transfer's task says why it ended; other work that is cancelled has no error.
    const carried = await context.tx.query('SELECT 1 AS yes FROM transfer WHERE task = $1', [task]);
    const error_info = carried.length > 0 ? ['TASK_CANCELLED', task] : [];
    return context.tx.update('task', task, { status: 'cancelled', error_info, finished: dateTime(context.plane.clock.now()) });
  }
  await context.tx.update('task', task, { current_operations: { ...record.current_operations, [task]: 'cancel' } });
}

/** A task whose work goes on cannot go yet: that somebody wants it gone is noted, as in xapi, and its record goes with those of finished tasks. */
async function destroy(context: Context, task: Ref<'task'>): Promise<void> {
  const record = await context.tx.lock('task', task);
  await assertOwner(context, task, 'destroy');
  if (!isFinal(record.status)) {
    const [working] = await context.tx.query("SELECT 1 AS yes FROM operation WHERE ref = $1 AND state <> 'done'", [task]);
    if (working) return context.tx.update('task', task, { current_operations: { ...record.current_operations, [task]: 'destroy' } });
  }
  await context.tx.query('DELETE FROM task_owner WHERE task = $1', [task]);
  await context.tx.remove('task', task);
}

/** Only tasks that a client made are the client's to move. */
async function setOwn(context: Context, task: Ref<'task'>, patch: Parameters<Context['tx']['update']>[2]): Promise<void> {
  await context.tx.lock('task', task);
  await assertOwner(context, task, 'set');
  await context.tx.update('task', task, patch);
}

const field =
  (name: string) =>
  async ({ tx }: Context, args: Readonly<Record<string, unknown>>): Promise<void> => {
    const message = messages.get(`task.${name}`);
    if (message) await writeField(tx, message, args);
  };

export const taskCalls: CallsOf<typeof classes.task, Context> = {
  create: async (context, { label, description }) => {
    const ref = asRef<'task'>(`OpaqueRef:${context.plane.ids.uuid()}`);
    await insertTask(context.tx, context.plane, { ref, label, description, session: context.session });
    return ref;
  },
  destroy: (context, { self }) => destroy(context, self),
  cancel: (context, { task }) => cancel(context, task),
  set_status: (context, { self, value }) =>
    setOwn(context, self, isFinal(value) ? { status: value, finished: dateTime(context.plane.clock.now()) } : { status: value }),
  set_progress: (context, { self, value }) => setOwn(context, self, { progress: value }),
  set_result: (context, { self, value }) => setOwn(context, self, { result: value }),
  set_error_info: (context, { self, value }) => setOwn(context, self, { error_info: value }),
  add_to_other_config: field('add_to_other_config'),
  remove_from_other_config: field('remove_from_other_config'),
  set_other_config: field('set_other_config'),
};
