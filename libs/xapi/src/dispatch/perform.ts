/** The work of a call inside its transaction: the handler of its message, or what the model implies. */
import { asRef, isClassName, XenError, type Message } from '@xenplane/model';
import type { Context } from '../core/context';
import { createPlain, writeField } from '../core/implied-calls';
import { assertChangedKeys, replacedMap } from '../people/roles';
import { handledMessages } from '../registry/calls';
import type { Args } from './call';

export async function perform(message: Message, args: Args, context: Context): Promise<unknown> {
  const { tx } = context;
  await assertKeys(message, args, context);
  const handler = handledMessages.get(message.name);
  if (handler) return handler(context, args);
  const cls = message.cls.name;
  if (!isClassName(cls)) throw new XenError('MESSAGE_METHOD_UNKNOWN', message.name);
  if (message.kind === 'create') return createPlain(context, cls, args['args'] as Args);
  if (message.kind === 'destroy') return tx.remove(cls, asRef(String(args['self'])));
  return writeField(tx, message, args);
}

/** Keys of a map that is replaced may need roles of their own: which of them change is known once the record is locked. */
async function assertKeys(message: Message, args: Args, { session, tx }: Context): Promise<void> {
  const field = replacedMap(message);
  if (!field || !isClassName(message.cls.name)) return;
  const row: Args = await tx.lock(message.cls.name, asRef(String(args['self'])));
  const [before, after] = [row[field], args['value']] as readonly Record<string, string>[];
  assertChangedKeys(session, message, { before: before ?? {}, after: after ?? {} });
}
