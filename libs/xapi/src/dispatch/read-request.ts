/** What a request means: its message, and its arguments as the model types them. Order and errors are xapi's. */
import { messages, string, XenError, type Message } from '@xenplane/model';
import {
  assertParamCount,
  assertTexts,
  decodeArguments,
  decodeNamed,
  methodNames,
  methodNamesType,
  plainOf,
  sessionToken,
  type Untyped,
} from '@xenplane/wire';
import { sessionRef } from '../api/sessions';
import type { Answer, Args, Parameters } from './call';

/** The session's token as it was sent: unread, for errors come in xapi's order. */
export const sentToken = (given: Parameters): Untyped | undefined =>
  'params' in given ? given.params[0] : given.token;

/** The message that is meant, with parameters whose texts are sound and whose number fits; undefined when there is none. */
export function messageOf(name: string, given: Parameters): Message | undefined {
  const message = messages.get(name);
  const values = 'params' in given ? given.params : [given.named];
  // An error in a secret is raised where it is read, without its value.
  if (!message?.params.some((p) => p.type.secret)) assertTexts(values);
  if (message && 'params' in given) assertParamCount(message, given.params);
  return message;
}

/** The session's token, empty for a message that takes none, and the arguments by name. */
export function readArguments(
  message: Message,
  given: Parameters,
): { readonly token: string; readonly args: Args } {
  const { session: token = '', args } =
    'params' in given
      ? decodeArguments(message, given.params)
      : { session: given.token ?? '', args: decodeNamed(message, given.named) };
  return { token, args: hashSessionRefs(message, args) };
}

/** The token alone, of a call whose arguments are not read any more. */
export const readToken = (given: Parameters): string => sessionToken(sentToken(given));

/** A client names sessions by their tokens; inside, only their references are known. */
function hashSessionRefs(message: Message, args: Args): Args {
  const own = message.params.filter((p) => p.type.kind === 'ref' && p.type.cls === 'session');
  if (own.length === 0) return args;
  return { ...args, ...Object.fromEntries(own.map((p) => [p.name, sessionRef(String(args[p.name]))])) };
}

/** The answer to a method of the wire itself, which needs no session; undefined for any other. */
export function systemAnswer(name: string, given: Parameters): Answer | undefined {
  if (name === 'system.listMethods') return { type: methodNamesType, value: methodNames() };
  return name.startsWith('system.isAlive:') ? echo(sentToken(given)) : undefined;
}
function echo(first: Untyped | undefined): Answer {
  if (first === undefined) throw new XenError('INTERNAL_ERROR', 'there is nothing to send back');
  return typeof first === 'string'
    ? { type: string, value: first }
    : { type: { kind: 'anyRecord' }, value: plainOf(first) };
}
