/**
 * Renews the leases of all registered hosts of one control plane, in a loop that waits for nothing else. There are two ways:
 * the program that does nothing but renew leases, where there is one, and the API. The second is asked as soon as the first
 * has failed or said nothing for a moment; each attempt is short enough for several to fit into a lease.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs, renewEveryMs, type Renewal } from '@xenplane/hypervisor';
import type { HostAgent } from './host-agent';
import { PlaneClient } from './plane-client';
import type { Log } from './log';

/** So many in one request: it stays small. */
const batchSize = 500;
const attemptMs = 3_000;
const patienceMs = 500;
/** After a round in which no way answered. */
const retryMs = 500;

export class Renewals {
  private leases: PlaneClient | undefined;
  private readonly end = new AbortController();

  constructor(
    private readonly hosts: ReadonlySet<HostAgent>,
    private readonly api: PlaneClient,
    private readonly log: Log,
    /** A host is to be registered anew. */
    private readonly lost: () => void,
  ) {}

  /** The control plane says with each registration where it is. */
  leasesAt(url: string | undefined): void {
    if (this.leases?.url !== url) this.leases = url === undefined ? undefined : new PlaneClient(url);
  }
  stop(): void {
    this.end.abort();
  }

  async run(): Promise<void> {
    while (!this.end.signal.aborted) {
      const began = monotonicMs();
      const renewed = await this.round();
      const waitMs = renewed ? renewEveryMs : retryMs;
      await sleep(Math.max(0, waitMs - (monotonicMs() - began)), undefined, {
        signal: this.end.signal,
      }).catch(() => undefined);
    }
  }

  private async round(): Promise<boolean> {
    const hosts = [...this.hosts].filter((h) => h.epoch !== 0 && !h.leaving);
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
      this.log.warn(
        {
          plane: this.api.url,
          error: reasons.map((e) => (e instanceof Error ? e.message : String(e))).join('; '),
        },
        'leases not renewed',
      );
      return false;
    }
  }

  private ask(hosts: readonly HostAgent[], renewals: readonly Renewal[]): Promise<void> {
    const attempt = (way: PlaneClient): Promise<void> => this.attempt(way, hosts, renewals);
    if (!this.leases) return attempt(this.api);
    const first = attempt(this.leases);
    const unanswered = Promise.race([
      first.then(
        () => false,
        () => true,
      ),
      sleep(patienceMs, true, { ref: false }),
    ]);
    const second = unanswered.then(async (isWanted) => (isWanted ? attempt(this.api) : first));
    return Promise.any([first, second]);
  }

  private async attempt(
    way: PlaneClient,
    hosts: readonly HostAgent[],
    renewals: readonly Renewal[],
  ): Promise<void> {
    const sentAt = monotonicMs();
    // Another program may have the port of the program for leases: only an API can say that a host is unknown.
    const answer = await way.renew(
      { renewals },
      { timeoutMs: attemptMs, ...(way === this.leases ? { strangersFail: true } : {}) },
    );
    const asked = new Map(hosts.map((host, i) => [host.uuid, { host, epoch: renewals[i]?.hostEpoch }]));
    for (const { host: uuid, renewed } of answer.renewals) {
      const { host, epoch } = asked.get(uuid) ?? {};
      // A host that went down or away, or whose agent was restarted meanwhile, has done with the epoch that was asked about.
      if (!host || !this.hosts.has(host) || host.epoch !== epoch) continue;
      if (renewed) await host.renewed(sentAt);
      else await this.fenced(host);
    }
  }
  private async fenced(host: HostAgent): Promise<void> {
    this.log.warn({ host: host.uuid }, 'this host was fenced');
    await host.fenced();
    this.lost();
  }
}
