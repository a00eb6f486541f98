/** The hosts of this process that belong to one control plane: joined once, registered at each start; their leases are renewed apart from that. */
import { pause, type Claim, type Clock, type Report } from '@xenplane/hypervisor';
import { Batch } from './batches';
import type { NodeDisks } from './disks';
import type { HostAgent, HostPlane } from './host-agent';
import type { Log } from './log';
import { PlaneClient, PlaneRefused } from './plane-client';
import { Renewals } from './renewals';

/** How hosts come into this control plane, and what becomes of one that it does not want. */
export interface Admission {
  /** Of this agent, whichever of its hosts a message is about. */
  readonly credential?: string;
  secretOf(host: HostAgent): string;
  joined(tokens: ReadonlyMap<HostAgent, string>): void;
  registered(host: HostAgent): void;
  /** Asked to join, or to take the host back by its token, it said no. Answers whether there is another way, to be tried at once. */
  refused(host: HostAgent, at: 'join' | 'registration'): Promise<boolean>;
}
export interface PlaneParts {
  readonly apiUrl: string;
  readonly disks: NodeDisks;
  readonly entrance: Admission;
  readonly agentBoot: string;
  readonly agentUrl: string;
  readonly log: Log;
  readonly clock: Clock;
  isOff(host: string): boolean;
}

/** So many hosts join or register in one request. */
const batchSize = 50;
/** How often it is looked whether hosts have to register, or are wanted on; and while some have to. */
const roundMs = 2_000;
const hurriedMs = 250;

export class PlaneHosts implements HostPlane {
  readonly disks: NodeDisks;
  private readonly hosts = new Set<HostAgent>();
  private readonly plane: PlaneClient;
  private readonly waking = new Set<HostAgent>();
  /** Hosts that the pool does not know, or not any more: they ask again without haste. */
  private readonly refused = new Set<HostAgent>();
  private readonly renewals: Renewals;
  private readonly claims: Batch<Claim, boolean>;
  private readonly reports: Batch<Report, boolean>;
  private stopped = false;
  private nap = new AbortController();
  private readonly end = new AbortController();
  private atWork: Promise<void> = Promise.resolve();
  private loop: Promise<unknown> | undefined;

  constructor(private readonly parts: PlaneParts) {
    this.disks = parts.disks;
    this.plane = new PlaneClient(parts.apiUrl, { credential: parts.entrance.credential });
    this.renewals = new Renewals({
      hosts: this.hosts,
      api: this.plane,
      log: parts.log,
      clock: parts.clock,
      lost: () => this.hurry(),
    });
    this.claims = new Batch(parts.clock, async (claims) => (await this.plane.claim({ claims })).granted);
    this.reports = new Batch(
      parts.clock,
      async (reports) => (await this.plane.report({ reports })).applied,
      20,
    );
  }

  add(host: HostAgent): void {
    this.hosts.add(host);
    this.loop ??= Promise.all([this.run(), this.renewals.run()]);
    this.hurry();
  }
  remove(host: HostAgent): void {
    this.hosts.delete(host);
    this.refused.delete(host);
  }
  async stop(): Promise<void> {
    this.stopped = true;
    this.end.abort();
    this.renewals.stop();
    this.hurry();
    await this.loop;
  }
  /** Answers when nothing that was begun for a host is under way any more. */
  rest(): Promise<void> {
    return this.atWork;
  }
  hurry(): void {
    this.nap.abort();
  }

  /** Repeated with its nonce until it is answered, by whichever API, or nobody wants it any more. */
  async claim(claim: Claim, isWanted: () => boolean): Promise<boolean> {
    for (let waitMs = 50; isWanted() && !this.stopped; waitMs = Math.min(2 * waitMs, 1_000)) {
      try {
        return await this.claims.add(claim);
      } catch (error) {
        if (error instanceof PlaneRefused) throw error;
        await pause(this.parts.clock, waitMs, this.end.signal);
      }
    }
    return false;
  }
  report(report: Report): void {
    void this.untilAnswered(() => this.reports.add(report));
  }
  depart(departure: { host: string; token: string; hostEpoch: number }): Promise<void> {
    return this.untilAnswered(() => this.plane.depart({ departures: [departure] }));
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const began = this.parts.clock.now();
      // A host that is added while a round is under way may have come too late for it.
      this.nap = new AbortController();
      this.atWork = this.round().catch((error: unknown) =>
        this.parts.log.warn(
          { plane: this.parts.apiUrl, error: error instanceof Error ? error.message : String(error) },
          'the control plane cannot be reached',
        ),
      );
      await this.atWork;
      const settled = [...this.hosts].every(
        (h) => h.epoch !== 0 || this.refused.has(h) || (!h.isOn && !this.waking.has(h)),
      );
      const restMs = (settled ? roundMs : hurriedMs) - (this.parts.clock.now() - began);
      await pause(this.parts.clock, Math.max(0, restMs), this.nap.signal);
    }
  }

  private async round(): Promise<void> {
    const isNew = (h: HostAgent): boolean =>
      h.epoch === 0 && h.isOn && !h.leaving && !h.ending && this.hosts.has(h);
    // Those that were refused before come last.
    const coming = [...this.hosts]
      .filter(isNew)
      .toSorted((a, b) => Number(this.refused.has(a)) - Number(this.refused.has(b)));
    for (let i = 0; i < coming.length && !this.stopped; i += batchSize) {
      const some = (): HostAgent[] => coming.slice(i, i + batchSize).filter(isNew);
      await this.joinNew(some().filter((h) => h.token === ''));
      await this.registerNew(some().filter((h) => h.token !== ''));
    }
    await this.standBy(
      [...this.hosts].filter((h) => !h.leaving && this.parts.isOff(h.uuid) && h.token !== ''),
    );
  }

  /** Asks, for hosts that were shut down, whether somebody wants them on again. */
  private async standBy(hosts: readonly HostAgent[]): Promise<void> {
    if (hosts.length === 0) return;
    const { wake, unknown } = await this.plane.standBy({
      standbys: hosts.map(({ uuid, token }) => ({ host: uuid, token })),
    });
    for (const host of hosts) {
      if (wake.includes(host.uuid)) this.wake(host);
      else if (unknown.includes(host.uuid)) await this.parts.entrance.refused(host, 'registration');
    }
  }
  wake(host: HostAgent): void {
    if (this.waking.has(host)) return;
    this.waking.add(host);
    void host.boot().finally(() => this.waking.delete(host));
  }

  private async joinNew(hosts: readonly HostAgent[]): Promise<void> {
    if (hosts.length === 0) return;
    const asked = new Map(hosts.map((h) => [h.uuid, h]));
    const answer = await this.plane.join({
      joins: hosts.map((h) => ({
        host: h.uuid,
        secret: this.parts.entrance.secretOf(h),
        inventory: h.inventory,
      })),
    });
    const tokens = new Map<HostAgent, string>();
    for (const { host: uuid, token, refused } of answer.hosts) {
      const host = asked.get(uuid);
      if (!host || !this.hosts.has(host)) continue;
      if (refused === undefined) tokens.set(host, token);
      else await this.refuse(host, 'join', refused);
    }
    if (tokens.size > 0) this.parts.entrance.joined(tokens);
    for (const [host, token] of tokens) host.token = token;
  }

  private async registerNew(hosts: readonly HostAgent[]): Promise<void> {
    if (hosts.length === 0) return;
    const sentAt = this.parts.clock.now();
    const registrations = await Promise.all(
      hosts.map((h) => h.registration(this.parts.agentBoot, this.parts.agentUrl)),
    );
    const answer = await this.plane.register({ registrations });
    this.renewals.leasesAt(answer.leasesUrl);
    const asked = new Map(hosts.map((h) => [h.uuid, h]));
    for (const result of answer.hosts) {
      const host = asked.get(result.host);
      if (!host || !this.hosts.has(host)) continue;
      if (result.refused) await this.refuse(host, 'registration', result.refused);
      else await this.registered(host, () => host.registered(result, sentAt));
    }
    this.parts.log.info({ hosts: answer.hosts.filter((h) => !h.refused).length }, 'hosts registered');
  }
  private async registered(host: HostAgent, act: () => Promise<void>): Promise<void> {
    this.refused.delete(host);
    this.parts.entrance.registered(host);
    await act();
  }
  private async refuse(host: HostAgent, at: 'join' | 'registration', why: string): Promise<void> {
    this.refused.add(host);
    this.parts.log.warn({ host: host.uuid, at, why }, 'this host was refused');
    if (await this.parts.entrance.refused(host, at)) this.refused.delete(host);
  }

  /** An answer of no is an answer. */
  private async untilAnswered(say: () => Promise<unknown>): Promise<void> {
    for (let waitMs = 100; !this.stopped; waitMs = Math.min(2 * waitMs, 5_000)) {
      try {
        await say();
        return;
      } catch (error) {
        if (error instanceof PlaneRefused)
          return this.parts.log.warn({ error: error.message }, 'a message was refused');
        await pause(this.parts.clock, waitMs, this.end.signal);
      }
    }
  }
}
