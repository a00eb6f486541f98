/**
 * Keeps a replica up to date. A pull looks at the change log and fetches what changed; one is under way at a time. Whoever
 * asks for freshness gets the next pull to begin, together with all who asked meanwhile. Wake-ups come from commits of this
 * process, from the announcements of others, and, for what both may lose, from looking twice a second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { channel } from '../bell';
import { Link } from '../transaction/link';
import { sharedValues } from '../transaction/parsers';
import { ReaderPace } from './reader-pace';
import { connectionSettings, limitMs, pipelined, type Store } from '../store';
import { TooBusy } from '../transaction/transaction';

export interface Fed {
  /** Brings everything in, after the connection was made or made anew. */
  begin(link: Link): Promise<void>;
  /** Brings in what changed; answers whether something is visible that is not settled yet. */
  pull(link: Link): Promise<boolean>;
}

const pollMs = 500;
/** Wake-ups wait as long as the last pull took, within these: half of the time is left for others. */
const shortestPauseMs = 2;
const longestWakePauseMs = 16;
const longestPauseMs = 64;
const firstRetryMs = 20;
const longestRetryMs = 1_000;
/** For so long a reader waits for a lost connection. */
const patienceMs = 1_000;

/** The log is read by its primary key, whatever the planner thinks of a table that grew a million rows since it was analysed. */
const feedSettings = {
  ...connectionSettings,
  // It only reads: it keeps nobody waiting, and a great batch of changes is taken in between its statements.
  idle_in_transaction_session_timeout: limitMs,
  options: `${connectionSettings.options} -c enable_seqscan=off -c enable_bitmapscan=off -c plan_cache_mode=force_generic_plan`,
};

export class Feed {
  private link: Link | undefined;
  private connecting: Promise<Link> | undefined;
  private running: Promise<void> | undefined;
  private queued: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private due = Infinity;
  private lastPull = 0;
  private pauseMs = shortestPauseMs;
  private readonly readers = new ReaderPace(() => this.fresh());
  private unsettledMs = 0;
  private stopped = false;
  private deafen: (() => void) | undefined;

  constructor(
    private readonly store: Store,
    private readonly fed: Fed,
  ) {}

  /** From now on it follows; one that is never started costs nothing. */
  async start(): Promise<void> {
    this.deafen = this.store.onWake(() => this.soon());
    await this.connect();
    this.soon();
  }

  /** Resolves when everything that was committed before the call is in. */
  async fresh(): Promise<void> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      try {
        return await this.next();
      } catch (error) {
        if (this.stopped || performance.now() > deadline) throw new TooBusy(error);
        await sleep(firstRetryMs);
      }
    }
  }

  /** `fresh` for those who only read and can wait a little: while pulls take long, many of them go together. */
  freshForReaders(): Promise<void> {
    return this.readers.fresh();
  }

  /** The next pull to begin. Calls of one turn of the event loop precede what the server sees of it, so they share it. */
  private next(): Promise<void> {
    this.queued ??= (this.running ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => {
        this.queued = undefined;
        return (this.running = this.pull().finally(() => (this.running = undefined)));
      });
    return this.queued;
  }

  private async pull(): Promise<void> {
    const link = this.link ?? (await this.connect()),
      began = performance.now();
    try {
      const unsettled = await this.fed.pull(link);
      this.unsettledMs = unsettled ? Math.min(Math.max(1, this.unsettledMs * 2), longestPauseMs) : 0;
    } catch (error) {
      this.lose(link);
      throw error;
    } finally {
      this.lastPull = performance.now();
      const tookMs = this.lastPull - began;
      this.pauseMs = Math.min(longestWakePauseMs, Math.max(shortestPauseMs, tookMs));
      this.readers.tookMs(tookMs);
      this.schedule(this.unsettledMs || pollMs);
    }
  }

  /** A pull after a commit of somebody, unless there was one just now: then a little later. */
  soon(): void {
    this.unsettledMs = 0;
    this.schedule(Math.max(0, this.lastPull + this.pauseMs - performance.now()));
  }

  private schedule(ms: number): void {
    const at = performance.now() + ms;
    if (this.stopped || (this.timer && this.due <= at)) return;
    clearTimeout(this.timer);
    this.due = at;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.next().catch(() => this.schedule(firstRetryMs));
    }, ms);
  }

  private connect(): Promise<Link> {
    this.connecting ??= this.open().finally(() => (this.connecting = undefined));
    return this.connecting;
  }

  private async open(): Promise<Link> {
    const client = new Client({
      connectionString: this.store.options.url,
      application_name: `${this.store.options.name ?? 'xenplane'} replica`,
      ...feedSettings,
      ...pipelined,
      types: sharedValues,
    });
    const link = new Link(client);
    client.on('error', () => this.lose(link));
    client.on('end', () => this.lose(link));
    client.on('notification', () => this.soon());
    await client.connect();
    try {
      await client.query(`LISTEN ${channel}`);
      await this.fed.begin(link);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    if (this.stopped) await client.end();
    else this.link = link;
    return link;
  }

  private lose(link: Link): void {
    if (this.link !== link) return;
    this.link = undefined;
    link.client.end().catch(() => undefined);
    if (!this.stopped) void this.reconnect();
  }
  private async reconnect(): Promise<void> {
    for (let wait = firstRetryMs; !this.stopped && !this.link; wait = Math.min(2 * wait, longestRetryMs)) {
      await sleep(wait);
      await this.connect().catch(() => undefined);
    }
    this.soon();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.deafen?.();
    clearTimeout(this.timer);
    await this.running?.catch(() => undefined);
    const link = this.link;
    this.link = undefined;
    await link?.client.end();
  }
}
