/** Time and chance as agents and drivers have them: a test may own both. */
import { randomUUID } from 'node:crypto';

export interface Timers {
  /** Milliseconds of the machine's monotonic clock, one and the same in all its threads. */
  now(): number;
  /** Acts once, later; calling what it answers takes that back. */
  after(ms: number, act: () => void): () => void;
}
export interface Clock extends Timers {
  newId(): string;
}

export const systemClock: Clock = {
  now: () => Number(process.hrtime.bigint() / 1_000n) / 1_000,
  after: (ms, act) => {
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  },
  newId: () => randomUUID(),
};

/** Answers after so long, or as soon as the signal is aborted. */
export function pause(clock: Timers, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}
