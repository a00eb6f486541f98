/** From a method's name and untyped parameters to what the model declares. Counted before the session is looked at, as in xapi. */
import { mandatory, messages, XenError, type Message } from '@xenplane/model';
import { decode, dictionary } from './decode';
import type { Untyped } from './untyped';

export interface Method {
  readonly name: string;
  readonly async: boolean;
}

/** `Async.VM.start`, `VM.start`, and the other spelling `VM_start`, which has no Async. */
export function parseMethod(method: string): Method {
  const prefix = /^(?:Async|InternalAsync)\./.exec(method)?.[0];
  if (prefix) return { name: method.slice(prefix.length), async: true };
  if (messages.has(method) || method.includes('.')) return { name: method, async: false };
  for (let at = method.indexOf('_'); at > 0; at = method.indexOf('_', at + 1)) {
    const dotted = `${method.slice(0, at)}.${method.slice(at + 1)}`;
    if (messages.has(dotted)) return { name: dotted, async: false };
  }
  return { name: method, async: false };
}

/** MESSAGE_PARAMETER_COUNT_MISMATCH [method, expected, received], the session not counted; -1 when not even that came. */
export function assertParamCount(message: Message, params: readonly Untyped[]): void {
  const given = params.length - (message.session ? 1 : 0);
  const needed = mandatory(message);
  const flexible = needed < message.params.length;
  if (given === needed || (flexible && given >= needed)) return;
  throw new XenError('MESSAGE_PARAMETER_COUNT_MISMATCH', message.name, String(needed), String(given));
}

export interface Arguments {
  readonly session?: string;
  readonly args: Record<string, unknown>;
}

/** Surplus parameters of messages with defaults are not read. */
export function decodeArguments(message: Message, params: readonly Untyped[]): Arguments {
  const [first, ...others] = message.session ? params : [undefined, ...params];
  const args = dictionary();
  for (const [i, { name, type }] of message.params.entries()) {
    const given = others[i];
    args[name] = given === undefined ? structuredClone(type.default) : decode(type, given);
  }
  return message.session ? { session: String(decode({ kind: 'string' }, first ?? '')), args } : { args };
}
