/** Handlers for fields that clients set by calls of their own which do no more than store the value. */
import { messages, type ClassName } from '@xenplane/model';
import type { Context } from './context';
import { writeField } from './implied-calls';

type Handler = (context: Context, args: Readonly<Record<string, unknown>>) => Promise<void>;

/** A handler for the message `Class.call`, which must be named set_, add_to_, remove_from_, add_ or remove_ and a field. */
export function storing(cls: ClassName, call: string): Handler {
  const message = messages.get(`${cls}.${call}`);
  if (!message) throw new Error(`no message ${cls}.${call}`);
  return ({ tx }, args) => writeField(tx, message, args);
}
