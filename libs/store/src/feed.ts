/** Follows the change log: what is visible is handed over at once, what is settled is also told in commit order. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClassName } from '@xenplane/model';
import { Client } from 'pg';
import type { LoggedChange } from './history';
import type { Store } from './store';

interface LogRow {
  readonly xid: string | null;
  readonly seq: number;
  readonly cls: ClassName;
  readonly ref: string;
  readonly op: 'a' | 'm' | 'd';
  readonly horizon: string;
}
export interface Pulled {
  readonly fresh: readonly LoggedChange[];
  readonly settled: readonly LoggedChange[];
  readonly horizon: bigint;
}

const pollMs = 500;
/** Pulls that follow one another begin at least so far apart: under load each brings more, and the first one after quiet comes at once. */
const gapMs = 4;
const pull = `SELECT s.horizon::text AS horizon, c.xid::text AS xid, c.seq, c.cls, c.ref, c.op FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS horizon) s LEFT JOIN change c ON c.xid >= $1::xid8 ORDER BY c.xid, c.seq`;

export class Feed {
  horizon = 0n;
  private readonly unsettled = new Set<number>();
  private running: Promise<void> | undefined;
  private queued: Promise<void> | undefined;
  private listener: Client | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private began = 0;

  constructor(
    private readonly store: Store,
    private readonly onPulled: (pulled: Pulled) => Promise<void>,
  ) {}

  async start(from: bigint): Promise<void> {
    this.horizon = from;
    await this.listen();
    this.timer = setInterval(() => void this.poke(), pollMs);
    await this.caughtUp();
  }

  /** Resolves when everything that was committed before this call has been handed over. All who ask meanwhile share one pull. */
  caughtUp(): Promise<void> {
    if (this.queued) return this.queued;
    if (!this.running) return (this.running = this.once());
    this.queued = this.running
      .catch(() => undefined)
      .then(() => sleep(Math.max(0, this.began + gapMs - performance.now())))
      .then(() => {
        this.queued = undefined;
        return (this.running = this.once());
      });
    return this.queued;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.listener?.end().catch(() => undefined);
    await this.running?.catch(() => undefined);
  }

  private async once(): Promise<void> {
    this.began = performance.now();
    try {
      const rows = await this.store.query<LogRow>(pull, [String(this.horizon)]);
      await this.hand(rows);
    } finally {
      this.running = undefined;
    }
  }

  private async hand(rows: readonly LogRow[]): Promise<void> {
    const horizon = BigInt(rows[0]?.horizon ?? this.horizon);
    const fresh: LoggedChange[] = [],
      settled: LoggedChange[] = [];
    for (const row of rows) {
      if (row.xid === null) continue;
      const change = { xid: BigInt(row.xid), cls: row.cls, ref: row.ref, op: row.op };
      if (!this.unsettled.has(row.seq)) fresh.push(change);
      if (change.xid < horizon) {
        settled.push(change);
        this.unsettled.delete(row.seq);
      } else this.unsettled.add(row.seq);
    }
    await this.onPulled({ fresh, settled, horizon });
    this.horizon = horizon;
  }

  private poke(): Promise<void> {
    return this.stopped ? Promise.resolve() : this.caughtUp().catch(() => undefined);
  }

  /** Listens on a connection of its own; when it breaks, polling carries on until it is back. */
  private async listen(): Promise<void> {
    const client = new Client({ connectionString: this.store.url, application_name: 'xenplane-feed' });
    client.on('notification', () => void this.poke());
    client.on('error', () => {
      if (!this.stopped) setTimeout(() => void this.listen().catch(() => undefined), pollMs).unref();
    });
    await client.connect();
    await client.query('LISTEN change');
    this.listener = client;
  }
}
