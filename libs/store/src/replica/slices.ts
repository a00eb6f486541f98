/**
 * Long work in slices. A process has one thread for all its calls, so work that would hold it is cut: in each turn of the event loop
 * at most one slice of a few milliseconds is done, whatever the number of those that have long work.
 */
export class Slices {
  private ends = 0;
  private readonly waiting: (() => void)[] = [];
  private scheduled = false;

  constructor(
    readonly lengthMs = 4,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Resolves when the caller's slice begins; the slice lasts until `isOver`. Callers take turns. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.schedule();
    });
  }
  get isOver(): boolean {
    return this.now() >= this.ends;
  }
  /** A clock for work that may begin at once and goes on in slices if it lasts longer than this. */
  allowance(ms: number): () => boolean {
    const ends = this.now() + ms;
    return () => this.now() >= ends;
  }

  private schedule(): void {
    if (this.scheduled || this.waiting.length === 0) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.ends = this.now() + this.lengthMs;
      this.waiting.shift()?.();
      this.schedule();
    });
  }
}

/** Those of this process. */
export const slices = new Slices();

/** Work that takes less than this begins and ends at once. */
const shortMs = 1;

/** The things one after the other, with turns for others in between. */
export async function* inSlices<T>(things: Iterable<T>, of: Slices = slices): AsyncGenerator<T> {
  let isOver = of.allowance(shortMs);
  for (const thing of things) {
    yield thing;
    if (!isOver()) continue;
    await of.next();
    isOver = () => of.isOver;
  }
}
