/** All hosts of this process, each under the control plane that it belongs to: its home, unless it was sent to another. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { AgentSettings } from '@xenplane/config';
import type { Clock, Hypervisor, HypervisorEvent, PlaneAnswer, PlaneCommand } from '@xenplane/hypervisor';
import { NodeDisks } from './disks';
import { joinedPoolAdmission, homeAdmission } from './admissions';
import { HostAgent } from './host-agent';
import type { Log } from './log';
import { PlaneHosts, type Admission } from './plane-hosts';
import { Places, type Place } from './places';
import { SwitchedOff } from './switched-off';
import { Tokens } from './tokens';

/** A host, and whether who commands is the control plane that sent it away, not the one that it is at. */
export interface Commanded {
  readonly host: HostAgent;
  readonly sentBy: boolean;
}
type Where = Pick<Place, 'apiUrl' | 'imagesUrl'>;

export class Fleet {
  readonly hosts = new Map<string, HostAgent>();
  private readonly agentBoot: string;
  private readonly planes = new Map<string, PlaneHosts>();
  private readonly tokens: Tokens;
  private readonly places: Places;
  private readonly off: SwitchedOff;
  private agentUrl = '';
  private stopped = false;

  constructor(
    private readonly settings: AgentSettings,
    private readonly hypervisor: Hypervisor,
    private readonly log: Log,
    private readonly clock: Clock,
  ) {
    this.agentBoot = clock.newId();
    this.tokens = new Tokens(settings.data);
    this.places = new Places(settings.data);
    this.off = new SwitchedOff(settings.data);
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
    this.agentUrl = agentUrl;
    for (const uuid of await this.hypervisor.hosts()) await this.addHost(uuid);
    for (const host of this.hosts.values()) this.planeOf(host.uuid).add(host);
  }
  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all([...this.planes.values()].map((plane) => plane.stop()));
  }

  private async addHost(uuid: string): Promise<void> {
    const plane = this.planeOf(uuid);
    const parts = {
      hypervisor: this.hypervisor,
      clock: this.clock,
      setOff: (host: string, off: boolean) => this.off.set(host, off),
    };
    const host = new HostAgent(uuid, await this.hypervisor.inventory(uuid), parts, plane);
    host.token = this.tokenOf(uuid);
    this.hosts.set(uuid, host);
    host.isOn = false;
    if (this.off.has(uuid)) await this.hypervisor.power(uuid, false);
    else if ((await this.hypervisor.bootOf(uuid)) === '') plane.wake(host);
    else host.isOn = true;
  }
  private tokenOf(host: string): string {
    const place = this.places.of(host);
    return (place ? place.token : this.tokens.get(host)) ?? '';
  }

  private planeOf(host: string): PlaneHosts {
    const place = this.places.of(host);
    const home = !place;
    const where: Where = place ?? this.settings;
    const key = home ? '' : JSON.stringify([where.apiUrl, where.imagesUrl]);
    const present = this.planes.get(key);
    if (present) return present;
    const away = (): Admission => joinedPoolAdmission(this.places, (stray) => this.goHome(stray));
    const made = new PlaneHosts({
      apiUrl: where.apiUrl,
      disks: new NodeDisks(
        this.settings.data,
        where.imagesUrl,
        imagesFolder(this.settings.data, home ? undefined : where.imagesUrl),
      ),
      entrance: home ? homeAdmission(this.settings.joinKey, this.tokens, this.places) : away(),
      agentBoot: this.agentBoot,
      agentUrl: this.agentUrl,
      log: this.log,
      clock: this.clock,
      isOff: (uuid) => this.off.has(uuid),
    });
    this.planes.set(key, made);
    return made;
  }

  /** Sends a host with nothing on it to another control plane. Asked the same again, it is there or on its way. */
  async goAway(
    { host, sentBy }: Commanded,
    { hostEpoch, apiUrl, imagesUrl, secret }: PlaneCommand,
  ): Promise<PlaneAnswer> {
    const place = this.places.of(host.uuid);
    if (place && !sentBy) return { phase: 'visiting' };
    if (place) return { phase: place.settled ? 'settled' : place.secret === secret ? 'done' : 'refused' };
    const { token, commandKey } = host;
    if (!(await host.leave(hostEpoch))) return { phase: 'refused' };
    const from = this.planeOf(host.uuid);
    try {
      this.places.set(host.uuid, { apiUrl, imagesUrl, secret, key: commandKey });
    } catch (error) {
      host.leaving = false;
      throw error;
    }
    this.move(host, from);
    void from.depart({ host: host.uuid, token, hostEpoch });
    return { phase: 'done' };
  }

  /** Calls a host back that has not registered where it was sent. */
  async callBack({ host, sentBy }: Commanded): Promise<PlaneAnswer> {
    const present = (): Place | undefined => this.places.of(host.uuid);
    if (!present() || !sentBy) return { phase: 'done' };
    if (present()?.settled) return { phase: 'settled' };
    host.leaving = true;
    try {
      // A registration may be under way: whether it succeeds decides.
      await this.planeOf(host.uuid).rest();
      if (present()?.settled) return { phase: 'settled' };
      await this.goHome(host);
      return { phase: 'done' };
    } finally {
      host.leaving = false;
    }
  }
  /** The key of the control plane that sent the host away. */
  senderKey(host: HostAgent): string | undefined {
    return this.places.of(host.uuid)?.key;
  }

  private async goHome(host: HostAgent): Promise<void> {
    if (!this.places.of(host.uuid)) return;
    await host.fenced();
    const from = this.planeOf(host.uuid);
    this.places.comeHome(host.uuid);
    this.move(host, from);
    // A host that is ejected while it is off would be invited by nobody.
    if (!host.isOn) this.planeOf(host.uuid).wake(host);
    this.log.info({ host: host.uuid }, 'this host comes home');
  }
  private move(host: HostAgent, from: PlaneHosts): void {
    from.remove(host);
    const to = this.planeOf(host.uuid);
    host.moveTo(to, this.tokenOf(host.uuid));
    to.add(host);
    host.leaving = false;
  }
}

/** Images of another control plane lie apart: a folder has one reader. */
function imagesFolder(data: string, imagesUrl: string | undefined): string {
  const name =
    imagesUrl === undefined
      ? 'images'
      : `images-${createHash('sha256').update(imagesUrl).digest('hex').slice(0, 12)}`;
  return path.join(data, name);
}
