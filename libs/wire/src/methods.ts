/** Names of methods as clients write them. */
import { messages, set, string } from '@xenplane/model';

export interface Method {
  readonly name: string;
  readonly async: boolean;
}

const asyncPrefixes = ['Async.', 'InternalAsync.'];
/** `VM_start` for `VM.start`. */
const byAlternative = new Map([...messages.keys()].map((name) => [name.replace('.', '_'), name]));

/**
 * The message that a method means, and whether it is to be answered with a task. `VM_start` stands for `VM.start`, though not
 * after `Async.`; a name that means nothing comes back as it is.
 */
export function parseMethod(method: string): Method {
  const prefix = asyncPrefixes.find((p) => method.startsWith(p));
  if (prefix) return { name: method.slice(prefix.length), async: true };
  return { name: byAlternative.get(method) ?? method, async: false };
}

const published = [...messages.values()].filter((m) => !m.hidden).map((m) => m.name);
/** The answer of system.listMethods: the calls themselves, without their forms in the background. */
export const methodNames = (): string[] => [...published];
export const methodNamesType = set(string);
