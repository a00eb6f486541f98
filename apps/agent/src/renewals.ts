/**
 * Renews the leases of all registered hosts of one control plane, in a loop that waits for nothing else. There are two ways:
 * the program that does nothing but renew leases, where there is one, and the API. The second is asked as soon as the first
 * has failed or said nothing for a moment; each attempt is short enough for several to fit into a lease.
 */
import { pause, usualLeaseMs, type Clock, type Renewal } from '@xenplane/hypervisor';
import type { HostAgent } from './host-agent';
import { PlaneClient } from './plane-client';
import type { Log } from './log';

/** So many in one request: it stays small. */
const batchSize = 500;
/** Parts of a lease: how often it is renewed, how long one attempt may take, and after which silence the second way is tried. */
const parts = { renewal: 0.2, attempt: 0.3, patience: 0.05, retry: 0.05 } as const;

const lookMs = 100;

export interface RenewalParts {
  readonly hosts: ReadonlySet<HostAgent>;
  /** The control plane, besides the program that does nothing else. */
  readonly api: PlaneClient;
  readonly log: Log;
  readonly clock: Clock;
  /** A host is to be registered anew. */
  lost(): void;
}

export class Renewals {
  private leases: PlaneClient | undefined;
  private readonly end = new AbortController();

  constructor(private readonly given: RenewalParts) {}

  /** The control plane says with each registration where it is. */
  leasesAt(url: string | undefined): void {
    if (this.leases?.url !== url) this.leases = url === undefined ? undefined : new PlaneClient(url);
  }
  stop(): void {
    this.end.abort();
  }

  async run(): Promise<void> {
    while (!this.end.signal.aborted) {
      const began = this.given.clock.now();
      const renewed = await this.round();
      await this.rest(began, renewed ? parts.renewal : parts.retry);
    }
  }
  /** A host that registers meanwhile may have a shorter lease than those before it. */
  private async rest(began: number, part: number): Promise<void> {
    const { clock } = this.given;
    while (!this.end.signal.aborted) {
      const leftMs = began + this.leaseMs * part - clock.now();
      if (leftMs <= 0) return;
      await pause(clock, Math.min(leftMs, lookMs), this.end.signal);
    }
  }
  /** Of the host whose lease is the shortest. */
  private get leaseMs(): number {
    let least = Infinity;
    for (const { epoch, leaseMs } of this.given.hosts) if (epoch !== 0) least = Math.min(least, leaseMs);
    return Number.isFinite(least) ? least : usualLeaseMs;
  }

  private async round(): Promise<boolean> {
    const hosts = [...this.given.hosts].filter((h) => h.epoch !== 0 && !h.leaving);
    const batches = Array.from({ length: Math.ceil(hosts.length / batchSize) }, (_, i) =>
      hosts.slice(i * batchSize, (i + 1) * batchSize),
    );
    const done = await Promise.all(batches.map((some) => this.renew(some)));
    return done.every((one) => one);
  }

  /** True when a server answered. A slower answer of the other one counts too. */
  private async renew(hosts: readonly HostAgent[]): Promise<boolean> {
    try {
      const renewals = await Promise.all(hosts.map((h) => h.renewal()));
      await this.ask(hosts, renewals);
      return true;
    } catch (error) {
      const reasons: unknown[] = error instanceof AggregateError ? error.errors : [error];
      this.given.log.warn(
        {
          plane: this.given.api.url,
          error: reasons.map((e) => (e instanceof Error ? e.message : String(e))).join('; '),
        },
        'leases not renewed',
      );
      return false;
    }
  }

  private ask(hosts: readonly HostAgent[], renewals: readonly Renewal[]): Promise<void> {
    const attempt = (way: PlaneClient): Promise<void> => this.attempt(way, hosts, renewals);
    if (!this.leases) return attempt(this.given.api);
    const first = attempt(this.leases);
    const unanswered = Promise.race([
      first.then(
        () => false,
        () => true,
      ),
      pause(this.given.clock, this.leaseMs * parts.patience).then(() => true),
    ]);
    const second = unanswered.then(async (isWanted) => (isWanted ? attempt(this.given.api) : first));
    return Promise.any([first, second]);
  }

  private async attempt(
    way: PlaneClient,
    hosts: readonly HostAgent[],
    renewals: readonly Renewal[],
  ): Promise<void> {
    const sentAt = this.given.clock.now();
    // Another program may have the port of the program for leases: only an API can say that a host is unknown.
    const answer = await way.renew(
      { renewals },
      { timeoutMs: this.leaseMs * parts.attempt, ...(way === this.leases ? { strangersFail: true } : {}) },
    );
    const asked = new Map(hosts.map((host, i) => [host.uuid, { host, epoch: renewals[i]?.hostEpoch }]));
    for (const { host: uuid, renewed } of answer.renewals) {
      const { host, epoch } = asked.get(uuid) ?? {};
      // A host that went down or away, or whose agent was restarted meanwhile, has done with the epoch that was asked about.
      if (!host || !this.given.hosts.has(host) || host.epoch !== epoch) continue;
      if (renewed) await host.renewed(sentAt);
      else await this.fenced(host);
    }
  }
  private async fenced(host: HostAgent): Promise<void> {
    this.given.log.warn({ host: host.uuid }, 'this host was fenced');
    await host.fenced();
    this.given.lost();
  }
}
