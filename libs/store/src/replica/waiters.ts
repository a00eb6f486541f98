import type { Logged } from './events';

/** The condition of a waiter: checked at first, then with each batch of changes, or without any when all is new. */
export type IsOver = (news?: readonly Logged[]) => boolean;

/** Calls that wait for the next change: thousands cost a few hundred bytes each and nothing while nothing happens. */
interface Waiter {
  readonly isOver: IsOver;
  readonly wake: () => void;
}

export class Waiters {
  private waiting = new Set<Waiter>();

  /** Resolves when it is over, the time is, or the signal says so. */
  wait(isOver: IsOver, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (timeoutMs <= 0 || signal?.aborted || isOver()) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        this.waiting.delete(waiter);
        resolve();
      };
      const waiter: Waiter = { isOver, wake };
      const timer = setTimeout(wake, Math.min(timeoutMs, longestMs));
      signal?.addEventListener('abort', wake, { once: true });
      this.waiting.add(waiter);
    });
  }

  /** Called after changes have come in, with those; who waits for something else sleeps on. */
  notify(news?: readonly Logged[]): void {
    for (const waiter of [...this.waiting]) if (waiter.isOver(news)) waiter.wake();
  }
  /** Everyone is let go: nothing more will come. */
  release(): void {
    for (const waiter of [...this.waiting]) waiter.wake();
  }
}
/** The longest delay of a timer. */
const longestMs = 2 ** 31 - 1;
