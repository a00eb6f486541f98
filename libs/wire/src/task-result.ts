/** `task.result`: an XML-RPC value as text, whatever wire the client speaks; void is an empty value. */
import type { Type } from '@xenplane/model';
import { decode } from './decode';
import { encodeXml } from './encode';
import { parseCall } from './xmlrpc';

export const encodeTaskResult = (type: Type | undefined, value: unknown): string => (type ? encodeXml(type, value) : '<value></value>');

export function decodeTaskResult(type: Type | undefined, text: string): unknown {
  if (!type) return undefined;
  const [value] = parseCall(`<methodCall><methodName>r</methodName><params><param>${text}</param></params></methodCall>`).params;
  return value === undefined ? undefined : decode(type, value);
}
