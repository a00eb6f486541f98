/** Time that only a test moves. */
import type { Clock } from '../clock';

export class StepClock implements Clock {
  private ids = 0;
  newId(): string {
    return `id ${(this.ids += 1)}`;
  }
  private at = 0;
  private readonly due: { at: number; act: () => void }[] = [];
  now(): number {
    return this.at;
  }
  after(ms: number, act: () => void): () => void {
    const entry = { at: this.at + ms, act };
    this.due.push(entry);
    return () => {
      if (this.due.includes(entry)) this.due.splice(this.due.indexOf(entry), 1);
    };
  }
  async pass(ms: number): Promise<void> {
    const until = this.at + ms;
    for (;;) {
      for (let i = 0; i < 5; i += 1) await Promise.resolve();
      const next = this.due.filter((d) => d.at <= until).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.at = next.at;
      this.due.splice(this.due.indexOf(next), 1);
      next.act();
    }
    this.at = until;
  }
}
