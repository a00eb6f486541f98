/** The agent of one host: its registration, its VMs, its reports. */
import {
  clockRateError,
  pause,
  usualLeaseMs,
  withinQuota,
  type Claim,
  type Clock,
  type ConsoleChannel,
  type ConsoleListener,
  type ConsoleOwner,
  type DesiredVm,
  type Hypervisor,
  type HypervisorEvent,
  type Inventory,
  type PowerAnswer,
  type PowerCommand,
  type Registration,
  type RegistrationResult,
  type Renewal,
  type Report,
  type VmAnswer,
  type VmEvent,
} from '@xenplane/hypervisor';
import type { NodeDisks } from './disks';
import { VmWork, type Site } from './vm-work';

export interface HostParts {
  readonly hypervisor: Hypervisor;
  readonly clock: Clock;
  /** Remembers that the host was shut down, or switched on. */
  setOff(host: string, off: boolean): void;
}
/** The control plane that the host belongs to. */
export interface HostPlane {
  readonly disks: NodeDisks;
  /** Repeated while it is wanted and not answered. */
  claim(claim: Claim, isWanted: () => boolean): Promise<boolean>;
  report(report: Report): void;
  /** Gives the lease back, for nothing runs here any more. */
  depart(departure: { host: string; token: string; hostEpoch: number }): Promise<void>;
  /** There is something to register: the next round need not wait. */
  hurry(): void;
}

const finishMs = 5_000;

export class HostAgent {
  /** Known to the control plane that the host belongs to, and to no other. */
  commandKey: string;
  /** How long its lease lasts, as the control plane said. */
  leaseMs = usualLeaseMs;
  /** 0 while the host is not registered: nothing may run, nothing is answered. */
  epoch = 0;
  token = '';
  /** Off, or still booting: it registers when it is on. */
  isOn = true;
  /** On its way from one control plane to another: no round is to touch it. */
  leaving = false;
  /** Fenced, and its domains are being destroyed: it registers when that is done. */
  ending = false;
  private readonly vms = new Map<string, VmWork>();

  constructor(
    readonly uuid: string,
    readonly inventory: Inventory,
    private readonly parts: HostParts,
    private plane: HostPlane,
  ) {
    this.commandKey = parts.clock.newId();
  }

  private work(vm: string): VmWork {
    const present = this.vms.get(vm);
    if (present) return present;
    // Epochs and tokens mean something to one control plane only.
    const { plane, token } = this;
    const site: Site = {
      host: this.uuid,
      hypervisor: this.parts.hypervisor,
      clock: this.parts.clock,
      disks: plane.disks,
      isCurrent: (epoch) => epoch !== 0 && epoch === this.epoch && plane === this.plane,
      claim: (uuid, vmEpoch, hostEpoch, nonce, attempt) =>
        plane.claim(
          {
            host: this.uuid,
            token,
            hostEpoch,
            vm: uuid,
            vmEpoch,
            nonce,
            ...(attempt === undefined ? {} : { attempt }),
          },
          () => site.isCurrent(hostEpoch),
        ),
    };
    const work = new VmWork(vm, site);
    this.vms.set(vm, work);
    return work;
  }

  ensure(vm: string, desired: DesiredVm): Promise<VmAnswer> {
    return this.work(vm).ensure(desired);
  }

  async registration(agentBoot: string, agentUrl: string): Promise<Registration> {
    const domains = (await this.parts.hypervisor.list(this.uuid)).map(({ vm, vmEpoch, domid }) => ({
      vm,
      vmEpoch,
      domid,
    }));
    return {
      host: this.uuid,
      token: this.token,
      agentBoot,
      hypervisorBoot: await this.parts.hypervisor.bootOf(this.uuid),
      agentUrl,
      commandKey: this.commandKey,
      inventory: this.inventory,
      domains,
    };
  }

  /** Destroys first what is not to be kept, then answers commands (R11). */
  async registered({ hostEpoch, leaseMs, adopt }: RegistrationResult, sentAt: number): Promise<void> {
    const keep = new Map(adopt.map((a) => [a.vm, a.boots]));
    const domains = await this.parts.hypervisor.list(this.uuid);
    for (const { vm } of domains) if (!keep.has(vm)) await this.parts.hypervisor.destroy(this.uuid, vm);
    const kept = domains.filter((d) => keep.has(d.vm));
    await this.plane.disks.sweep(this.uuid, kept);
    this.vms.clear();
    for (const { vm, vmEpoch, domid, state, blocks } of kept)
      this.work(vm).domain = { vmEpoch, domid, boots: keep.get(vm) ?? 1, paused: state === 'paused', blocks };
    this.leaseMs = leaseMs;
    await this.renewed(sentAt);
    this.epoch = hostEpoch;
  }

  async renewal(): Promise<Renewal> {
    return {
      host: this.uuid,
      token: this.token,
      hostEpoch: this.epoch,
      load: await this.parts.hypervisor.sample(this.uuid),
    };
  }
  /** The lease counts from when it was asked for, not from when the answer came (R5). */
  async renewed(sentAt: number): Promise<void> {
    await this.parts.hypervisor.extend(this.uuid, sentAt + this.leaseMs * (1 - clockRateError));
  }

  /** The control plane has given the host's VMs away: nothing of it may go on here. */
  async fenced(): Promise<void> {
    this.epoch = 0;
    this.ending = true;
    try {
      await this.parts.hypervisor.destroyAll(this.uuid);
      await this.plane.disks.sweep(this.uuid, []);
      this.vms.clear();
    } finally {
      this.ending = false;
    }
  }

  async power({ hostEpoch, action }: PowerCommand): Promise<PowerAnswer> {
    if (this.epoch === 0 || hostEpoch !== this.epoch) return { phase: 'refused' };
    this.epoch = 0;
    if (action === 'toolstack') await this.finishWork();
    this.vms.clear();
    if (action === 'toolstack') this.plane.hurry();
    else await this.goDown(hostEpoch, action);
    return { phase: 'done' };
  }
  /** Two agents of one VM must not be at work together: what is under way ends first, unless it waits for its guest. */
  private async finishWork(): Promise<void> {
    const rested = new AbortController();
    const late = pause(this.parts.clock, finishMs, rested.signal);
    await Promise.race([Promise.all([...this.vms.values()].map((work) => work.atRest())), late]);
    rested.abort();
  }
  private async goDown(hostEpoch: number, action: 'off' | 'reboot'): Promise<void> {
    this.isOn = false;
    if (action === 'off') this.parts.setOff(this.uuid, true);
    await this.parts.hypervisor.power(this.uuid, false);
    await this.plane.disks.sweep(this.uuid, []);
    await this.plane.depart({ host: this.uuid, token: this.token, hostEpoch });
    if (action === 'reboot') void this.boot();
  }
  async boot(): Promise<void> {
    this.parts.setOff(this.uuid, false);
    await this.parts.hypervisor.power(this.uuid, true);
    this.isOn = true;
    this.plane.hurry();
  }

  /** Gives up its epoch for good when there is nothing on the host, else it registers anew with what there is. */
  async leave(hostEpoch: number): Promise<boolean> {
    if (this.epoch === 0 || hostEpoch !== this.epoch) return false;
    this.epoch = 0;
    this.leaving = true;
    await this.finishWork();
    this.vms.clear();
    if ((await this.parts.hypervisor.list(this.uuid)).length === 0) return true;
    this.leaving = false;
    this.plane.hurry();
    return false;
  }
  moveTo(plane: HostPlane, token: string): void {
    this.plane = plane;
    this.token = token;
    this.commandKey = this.parts.clock.newId();
  }

  consoleRing(): Promise<string> {
    return this.parts.hypervisor.consoleRing(this.uuid);
  }
  console(owner: ConsoleOwner, listener: ConsoleListener): Promise<ConsoleChannel> {
    return this.parts.hypervisor.console(this.uuid, owner, listener);
  }
  debugKeys(keys: string): Promise<void> {
    return this.parts.hypervisor.debugKeys(this.uuid, keys);
  }

  async hear(event: HypervisorEvent): Promise<void> {
    if (!(await this.vms.get(event.vm)?.hear(event)) || this.epoch === 0) return;
    const told: VmEvent =
      event.kind === 'guest'
        ? { kind: 'guest', domid: event.domid, guest: withinQuota(event.guest) }
        : event.kind === 'ended'
          ? { kind: 'ended', reason: event.reason }
          : { kind: 'rebooted', domid: event.domid };
    this.plane.report({
      host: this.uuid,
      token: this.token,
      hostEpoch: this.epoch,
      vm: event.vm,
      vmEpoch: event.vmEpoch,
      event: told,
    });
  }

  crash(vm: string): Promise<void> {
    return this.parts.hypervisor.crash(this.uuid, vm);
  }
  list(): VmAnswer[] {
    return [...this.vms.values()].flatMap(({ vm, domain }) =>
      domain
        ? [
            {
              vm,
              vmEpoch: domain.vmEpoch,
              phase: 'done' as const,
              progress: 1,
              domid: domain.domid,
              boots: domain.boots,
              state: domain.paused ? ('paused' as const) : ('running' as const),
            },
          ]
        : [],
    );
  }
}
