/**
 * Notifies the replicas of all processes of a commit. Not by NOTIFY inside the writing transaction: that takes
 * a lock of the whole database over each commit. One announcement is under way at a time; what is committed meanwhile is
 * in the next.
 */
import type { Pool } from 'pg';
import { statement } from './transaction/statement';

export const channel = 'change';
const { text, name = '' } = statement(`SELECT pg_notify('${channel}', '')`);
/** Announcements of one process are at least this far apart; one that comes after a pause goes out at once. */
const pauseMs = 2;

export class Bell {
  private ringing: Promise<void> | undefined;
  private again = false;
  private readonly heard = new Set<() => void>();

  constructor(private readonly pool: Pool) {}

  ring(): void {
    for (const heard of this.heard) heard();
    if (this.ringing) this.again = true;
    else this.ringing = this.announce();
  }
  listen(heard: () => void): () => void {
    this.heard.add(heard);
    return () => this.heard.delete(heard);
  }

  private async announce(): Promise<void> {
    do {
      this.again = false;
      // Lost with its connection it does no harm: listeners also look by themselves.
      await this.pool.query({ text, name }).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    } while (this.again);
    this.ringing = undefined;
  }

  async stop(): Promise<void> {
    this.again = false;
    await this.ringing;
  }
}
