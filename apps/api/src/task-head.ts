/** The task that the head of a request names or describes. */
import type { IncomingHttpHeaders } from 'node:http';
import { asRef } from '@xenplane/model';
import type { TaskHead } from '@xenplane/xapi';

const prefix = 'x-http-other-config-';
/** Headers that go into the settings of the task, each under its name without the prefix. */
export const otherConfigOf = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value = '']): [string, string] => [`http:${name.slice(prefix.length)}`, String(value)]),
  );

/** Of a call; the handlers have the task in their query. */
export function taskHead(headers: IncomingHttpHeaders): TaskHead {
  const whole = headers['subtask-of'] ?? headers['task-id'];
  return {
    subtaskOf: typeof whole === 'string' ? asRef<'task'>(whole) : undefined,
    otherConfig: otherConfigOf(headers),
  };
}
