/** All hosts of this process: joined once, registered at each start, renewed together every two seconds. */
import { createHmac, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentSettings } from '@xenplane/config';
import { hostUuid, inventoryOf, monotonicMs, renewEveryMs, type Claim, type Hypervisor, type HypervisorEvent, type Report } from '@xenplane/hypervisor';
import { Batch } from './batches';
import { NodeDisks } from './disks';
import { HostAgent } from './host-agent';
import { PlaneClient, PlaneRefused } from './plane-client';
import { SwitchedOff } from './switched-off';
import { Tokens } from './tokens';

export interface Log {
  warn(fields: object, text: string): void;
  info(fields: object, text: string): void;
}

export class Fleet {
  readonly hosts = new Map<string, HostAgent>();
  private readonly agentBoot = randomUUID();
  private readonly plane: PlaneClient;
  private readonly tokens: Tokens;
  private readonly off: SwitchedOff;
  private readonly waking = new Set<string>();
  /** Hosts that the pool does not know, or not any more: they ask again without haste. */
  private readonly refused = new Set<string>();
  private readonly claims: Batch<Claim, boolean>;
  private readonly reports: Batch<Report, boolean>;
  private stopped = false;
  private nap = new AbortController();
  private loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly settings: AgentSettings,
    private readonly hypervisor: Hypervisor,
    private readonly log: Log,
  ) {
    this.plane = new PlaneClient(settings.apiUrl);
    this.tokens = new Tokens(settings.data);
    this.off = new SwitchedOff(settings.data);
    this.claims = new Batch(async (claims) => (await this.plane.claim({ claims })).granted);
    this.reports = new Batch(async (reports) => (await this.plane.report({ reports })).applied, 20);
    const disks = new NodeDisks(settings.data, settings.imagesUrl);
    for (let i = 0; i < settings.hosts; i += 1) {
      const uuid = hostUuid(settings.seed, i);
      this.hosts.set(
        uuid,
        new HostAgent(uuid, inventoryOf(settings.seed, i), {
          hypervisor,
          disks,
          claim: (claim) => this.claims.add(claim),
          report: (report) => void this.tell(report),
          depart: (departure) => this.untilAnswered(() => this.plane.depart({ departures: [departure] })),
          setOff: (host, off) => this.off.set(host, off),
          hurry: () => this.nap.abort(),
        }),
      );
    }
    hypervisor.onEvent((event) => this.hear(event));
  }

  private hear(event: HypervisorEvent): void {
    if (this.stopped) return;
    void this.hosts
      .get(event.host)
      ?.hear(event)
      .catch((error: unknown) => this.log.warn({ error }, 'event lost'));
  }

  async start(agentUrl: string): Promise<void> {
    await this.addHosts();
    this.loop = this.run(agentUrl);
  }
  async stop(): Promise<void> {
    this.stopped = true;
    await this.loop;
  }

  private async addHosts(): Promise<void> {
    for (const host of this.hosts.values()) {
      await this.hypervisor.addHost(host.uuid, host.inventory);
      host.isOn = false;
      if (this.off.has(host.uuid)) await this.hypervisor.power(host.uuid, false);
      else if ((await this.hypervisor.bootOf(host.uuid)) === '') this.wake(host);
      else host.isOn = true;
    }
  }

  private async run(agentUrl: string): Promise<void> {
    while (!this.stopped) {
      const began = monotonicMs();
      await this.round(agentUrl).catch((error: unknown) =>
        this.log.warn({ error: error instanceof Error ? error.message : String(error) }, 'the control plane cannot be reached'),
      );
      const registered = [...this.hosts.values()].every((h) => h.epoch !== 0 || this.refused.has(h.uuid) || (!h.isOn && !this.waking.has(h.uuid)));
      this.nap = new AbortController();
      await sleep(Math.max(0, (registered ? renewEveryMs : 250) - (monotonicMs() - began)), undefined, { signal: this.nap.signal }).catch(() => undefined);
    }
  }

  private async round(agentUrl: string): Promise<void> {
    const all = [...this.hosts.values()];
    await this.joinNew(all.filter((h) => h.token === '' && h.isOn));
    await this.registerNew(
      all.filter((h) => h.epoch === 0 && h.token !== '' && h.isOn),
      agentUrl,
    );
    await this.renewAll(all.filter((h) => h.epoch !== 0));
    await this.standBy(all.filter((h) => this.off.has(h.uuid) && h.token !== ''));
  }

  /** Asks, for hosts that were shut down, whether somebody wants them on again. */
  private async standBy(hosts: readonly HostAgent[]): Promise<void> {
    if (hosts.length === 0) return;
    const { wake } = await this.plane.standBy({ standbys: hosts.map(({ uuid, token }) => ({ host: uuid, token })) });
    for (const host of hosts) if (wake.includes(host.uuid)) this.wake(host);
  }
  private wake(host: HostAgent): void {
    if (this.waking.has(host.uuid)) return;
    this.waking.add(host.uuid);
    void host.boot().finally(() => this.waking.delete(host.uuid));
  }

  private async joinNew(hosts: readonly HostAgent[]): Promise<void> {
    for (const host of hosts) {
      const secret = createHmac('sha256', this.settings.joinKey).update(host.uuid).digest('hex');
      const token = this.tokens.get(host.uuid) ?? (await this.plane.join({ host: host.uuid, secret, inventory: host.inventory })).token;
      this.tokens.keep([[host.uuid, token]]);
      host.token = token;
    }
  }

  private async registerNew(hosts: readonly HostAgent[], agentUrl: string): Promise<void> {
    if (hosts.length === 0) return;
    const sentAt = monotonicMs();
    const registrations = await Promise.all(hosts.map((h) => h.registration(this.agentBoot, agentUrl)));
    const answer = await this.plane.register({ registrations });
    for (const result of answer.hosts) {
      if (result.refused) {
        this.refused.add(result.host);
        this.log.warn({ host: result.host, why: result.refused }, 'registration refused');
      } else await this.hosts.get(result.host)?.registered(result, sentAt);
    }
    this.log.info({ hosts: answer.hosts.filter((h) => !h.refused).length }, 'hosts registered');
  }

  private async renewAll(hosts: readonly HostAgent[]): Promise<void> {
    if (hosts.length === 0) return;
    const renewals = await Promise.all(hosts.map((h) => h.renewal()));
    const sentAt = monotonicMs();
    const answer = await this.plane.renew({ renewals });
    const asked = new Map(renewals.map((r) => [r.host, r.hostEpoch]));
    for (const { host, renewed } of answer.renewals) {
      const agent = this.hosts.get(host);
      // A host that went down or whose agent was restarted meanwhile has done with the epoch that was asked about.
      if (agent?.epoch !== asked.get(host)) continue;
      if (renewed) await agent?.renewed(sentAt);
      else {
        this.log.warn({ host }, 'this host was fenced');
        await agent?.fenced();
      }
    }
  }

  private tell(report: Report): Promise<void> {
    return this.untilAnswered(() => this.reports.add(report));
  }
  /** An answer of no is an answer. */
  private async untilAnswered(say: () => Promise<unknown>): Promise<void> {
    for (let waitMs = 100; !this.stopped; waitMs = Math.min(2 * waitMs, 5_000)) {
      try {
        await say();
        return;
      } catch (error) {
        if (error instanceof PlaneRefused) return this.log.warn({ error: error.message }, 'a message was refused');
        await sleep(waitMs, undefined, { ref: false });
      }
    }
  }
}
