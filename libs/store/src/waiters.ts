import type { Logged, Wants } from './events';

/** Calls that wait for the next change: thousands cost a few hundred bytes each and nothing while nothing happens. */
interface Waiter {
  readonly position: number;
  /** What it is waiting for; without it, anything. */
  readonly wants: Wants | undefined;
  readonly wake: () => void;
}

export class Waiters {
  private waiting = new Set<Waiter>();

  /** `reached` is the last change that is settled. */
  constructor(private readonly reached: () => number) {}

  /** Resolves when a change at or after the position is settled, the time is over, or the signal says so. */
  wait(position: number, timeoutMs: number, signal?: AbortSignal, wants?: Wants): Promise<void> {
    if (this.reached() >= position || timeoutMs <= 0 || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wake);
        this.waiting.delete(waiter);
        resolve();
      };
      const waiter: Waiter = { position, wants, wake };
      const timer = setTimeout(wake, Math.min(timeoutMs, longestMs));
      signal?.addEventListener('abort', wake, { once: true });
      this.waiting.add(waiter);
    });
  }

  /** Called after changes have settled, with those; who waits for something else sleeps on. */
  notify(settled?: readonly Logged[]): void {
    const reached = this.reached();
    const concerns = ({ position, wants }: Waiter): boolean => !wants || !settled || settled.some((one) => one.xid >= position && wants(one.cls, one.ref));
    for (const waiter of [...this.waiting]) if (waiter.position <= reached && concerns(waiter)) waiter.wake();
  }
  /** Everyone is let go: nothing more will come. */
  release(): void {
    for (const waiter of [...this.waiting]) waiter.wake();
  }
}
/** What a timer can hold. */
const longestMs = 2 ** 31 - 1;
