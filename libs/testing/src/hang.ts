import { runInNewContext } from 'node:vm';

/** Far above what any machine takes, far below what work takes that grows with the square of megabytes. */
const hungMs = 60_000;

/** The result of work that must not grow faster than its input: stopped, even in a loop, when it would hang. Throws what the work throws. */
export function notHanging<T>(work: () => T): T {
  return runInNewContext('work()', { work }, { timeout: hungMs }) as T;
}
