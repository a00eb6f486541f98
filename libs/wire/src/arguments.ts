/** The parameters of a call, by the message it means: counted first, since that is answered before the session is looked at; then read. */
import { mandatory, XenError, type Message, type Param } from '@xenplane/model';
import { fresh } from './records';
import { decode, decodeRecord } from './values';
import { stringCodec } from './codec';

export interface Arguments {
  /** Absent for the few messages that take none. */
  readonly session?: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/**
 * Throws MESSAGE_PARAMETER_COUNT_MISMATCH [message, expected, received] unless the number of parameters fits. Neither number counts
 * the session, so that a call without even that has received -1. Messages with defaults ignore what is surplus.
 */
export function assertParamCount(message: Message, params: readonly unknown[]): void {
  const expected = mandatory(message);
  const received = params.length - (message.session ? 1 : 0);
  const hasDefaults = message.params.length > expected;
  if (received === expected || (hasDefaults && received > expected)) return;
  throw new XenError('MESSAGE_PARAMETER_COUNT_MISMATCH', message.name, String(expected), String(received));
}

/** The session and the arguments by name. Throws what `decode` throws, with the names of message and parameter in the text. */
export function decodeArguments(message: Message, params: readonly unknown[]): Arguments {
  const [session, own] = message.session ? [sessionToken(params[0]), params.slice(1)] : [undefined, params];
  const args: Record<string, unknown> = {};
  for (const [i, param] of message.params.entries())
    args[param.name] = i < own.length ? read(message, param, own[i]) : fresh(param.type.default);
  return session === undefined ? { args } : { session, args };
}

/** The arguments of a call that names them. Throws INVALID_VALUE for a name that the message does not have, or that it needs. */
export function decodeNamed(message: Message, named: Readonly<Record<string, unknown>>): Arguments['args'] {
  const unknown = Object.keys(named).find((name) => !message.params.some((param) => param.name === name));
  if (unknown !== undefined) throw new XenError('INVALID_VALUE', unknown, `no parameter of ${message.name}`);
  const args: Record<string, unknown> = {};
  for (const param of message.params) {
    if (Object.hasOwn(named, param.name)) args[param.name] = read(message, param, named[param.name]);
    else if ('default' in param.type) args[param.name] = fresh(param.type.default);
    else throw new XenError('INVALID_VALUE', param.name, 'missing');
  }
  return args;
}
export const sessionToken = (value: unknown): string => String(stringCodec.decode(value));

/** Counts, then reads. */
export function bindArguments(message: Message, params: readonly unknown[]): Arguments {
  assertParamCount(message, params);
  return decodeArguments(message, params);
}

function read(message: Message, param: Param, value: unknown): unknown {
  try {
    return message.kind === 'create' && param.type.kind === 'record'
      ? decodeRecord(message.cls, value)
      : decode(param.type, value);
  } catch (error) {
    throw error instanceof XenError ? located(error, message, param) : error;
  }
}

/** Says where the wrong value was; of a secret, nothing else. */
function located(error: XenError, message: Message, param: Param): XenError {
  const place = `${message.name} ${param.name}`;
  const [text = '', ...rest] = error.params;
  if (param.type.secret)
    return error.code === 'INVALID_VALUE'
      ? new XenError('INVALID_VALUE', text, param.name)
      : new XenError('INTERNAL_ERROR', `${place}: wrong type`);
  return error.code === 'INTERNAL_ERROR'
    ? new XenError('INTERNAL_ERROR', `${place}: ${text}`, ...rest)
    : error;
}
