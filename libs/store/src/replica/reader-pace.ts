/**
 * How often readers make the replica look for changes. While a look takes long, reads would take the processor from those who make the
 * changes; then readers wait for one another after each look, and share the next.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export interface PaceClock {
  readonly now: () => number;
  readonly wait: (ms: number) => Promise<unknown>;
}
const realClock: PaceClock = { now: () => performance.now(), wait: (ms) => sleep(ms) };

/** A look that is shorter than this keeps nobody waiting. */
const shortPullMs = 4;
/** After a longer one readers wait so many times as long as it took, and no longer than this. */
const pauseFactor = 4;
const longestPauseMs = 200;

export class ReaderPace {
  private pauseMs = 0;
  private served = -Infinity;
  private together: Promise<void> | undefined;

  /** `look` resolves when everything is in that was committed before it was called. */
  constructor(
    private readonly look: () => Promise<void>,
    private readonly clock: PaceClock = realClock,
  ) {}

  /** A look of anybody has ended, and took so long. */
  tookMs(ms: number): void {
    this.pauseMs = ms < shortPullMs ? 0 : Math.min(longestPauseMs, pauseFactor * ms);
  }

  /** Resolves when everything is in that was committed before the call. */
  fresh(): Promise<void> {
    const restMs = this.served + this.pauseMs - this.clock.now();
    if (restMs <= 0) return this.serve();
    this.together ??= this.clock.wait(restMs).then(() => {
      this.together = undefined;
      return this.serve();
    });
    return this.together;
  }
  private async serve(): Promise<void> {
    await this.look();
    this.served = this.clock.now();
  }
}
