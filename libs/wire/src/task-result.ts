/** `task.result`: an XML-RPC `<value>` element, whichever wire the call came over. */
import type { Type } from '@xenplane/model';
import { decode, encodeXml } from './values';
import { parseValue } from './xmlrpc';

/** Void gives `<value></value>`. */
export const encodeTaskResult = (type: Type | undefined, value: unknown): string => encodeXml(type, value);

/** The value that a finished task has kept; of void, and of a task without a result, undefined. */
export const decodeTaskResult = (type: Type | undefined, text: string): unknown =>
  type === undefined || text === '' ? undefined : decode(type, parseValue(text));
