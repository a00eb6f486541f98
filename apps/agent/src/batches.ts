/** Small things that many VMs want to send at once, gathered for a moment and sent together. */
import type { Timers } from '@xenplane/hypervisor';

export class Batch<I, O> {
  private entries: { readonly item: I; resolve(answer: O): void; reject(error: unknown): void }[] = [];
  private waiting = false;

  constructor(
    private readonly timers: Timers,
    private readonly send: (items: readonly I[]) => Promise<readonly O[]>,
    private readonly gatherMs = 2,
    private readonly most = 500,
  ) {}

  add(item: I): Promise<O> {
    return new Promise<O>((resolve, reject) => {
      this.entries.push({ item, resolve, reject });
      if (!this.waiting) this.flushAfter(this.gatherMs);
    });
  }

  private flushAfter(ms: number): void {
    this.waiting = true;
    this.timers.after(ms, () => this.flush());
  }
  private flush(): void {
    this.waiting = false;
    const entries = this.entries.splice(0, this.most);
    if (this.entries.length > 0) this.flushAfter(0);
    this.send(entries.map((e) => e.item)).then(
      (answers) => entries.forEach((e, i) => e.resolve(answers[i] as O)),
      (error: unknown) => entries.forEach((e) => e.reject(error)),
    );
  }
}
