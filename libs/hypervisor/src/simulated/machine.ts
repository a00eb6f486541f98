/** One simulated host: its memory, its domains with their ids, its builds, and the moment until which they may run. */
import { precopy } from '@xenplane/domain';
import type { Clock } from '../clock';
import {
  domainGone,
  hostGone,
  HypervisorError,
  type Block,
  type ConsoleChannel,
  type ConsoleListener,
  type ConsoleOwner,
  type DomainState,
  type HypervisorEvent,
  type MemoryCopy,
  type NewDomain,
} from '../hypervisor';
import type { HostNames } from '../console';
import type { DomainSpec, HostLoad, Inventory, SavedImage } from '../protocol';
import { GuestTerminal, type GuestFacts } from './console';
import { domainBytes, memoryOf, newDomain, remember, xenBytes, type Domain } from './domain';
import { guestMetrics, hears } from './guest';
import { guestFacts, hostFacts } from './screen-facts';
import { ConsoleRing } from './ring';
import {
  bootMs,
  buildMs,
  dirtyBytesPerSecond,
  emptyBuildMs,
  hostBootMs,
  realMs,
  saveMs,
  shutdownMs,
  type Chance,
} from './timing';

const MiB = 2 ** 20;
const buildsAtOnce = 8;

export class Machine {
  private readonly domains = new Map<string, Domain>();
  private nextDomid = 1;
  private deadline = -Infinity;
  private building = 0;
  private copying = 0;
  private readonly waiting: (() => void)[] = [];
  private isOn = true;
  private boot: string;
  private bootedAt: number;
  private terminal: GuestTerminal | undefined;
  /** As its console shows them. */
  private names: HostNames | undefined;
  readonly ring: ConsoleRing;

  constructor(
    readonly host: string,
    readonly inventory: Inventory,
    private readonly world: {
      readonly clock: Clock;
      readonly chance: Chance;
      readonly speed: number;
      tell(event: HypervisorEvent): void;
    },
  ) {
    this.boot = world.clock.newId();
    this.bootedAt = world.clock.now();
    this.ring = new ConsoleRing(() => this.world.clock.now());
    this.ring.boot(inventory);
  }

  get bootId(): string {
    return this.isOn ? this.boot : '';
  }

  async power(on: boolean): Promise<void> {
    if (this.isOn === on) return;
    if (!on) {
      this.destroyAll();
      this.terminal?.end();
      this.terminal = undefined;
      this.deadline = -Infinity;
      this.isOn = false;
      return;
    }
    if (this.world.speed > 0)
      await new Promise<void>((resolve) =>
        this.world.clock.after(realMs(hostBootMs, this.world.speed, this.world.chance), resolve),
      );
    this.boot = this.world.clock.newId();
    this.bootedAt = this.world.clock.now();
    this.isOn = true;
    this.ring.boot(this.inventory);
  }

  get freeBytes(): number {
    let used = xenBytes + this.inventory.dom0MemoryBytes;
    for (const d of this.domains.values()) used += d.bytes;
    return this.inventory.memoryBytes - used;
  }

  extend(deadlineMs: number): void {
    this.deadline = Math.max(this.deadline, deadlineMs);
  }
  /** Ends everything when the time is over; true when it is. Stands before every step that a guest could take. */
  over(): boolean {
    if (this.world.clock.now() < this.deadline) return false;
    for (const domain of [...this.domains.values()]) this.end(domain, 'watchdog');
    return true;
  }
  private assertLease(): void {
    if (!this.isOn || this.over()) throw new HypervisorError(hostGone);
  }

  async create(wanted: NewDomain): Promise<{ domid: number }> {
    const { vm, spec, paused, saved, received } = wanted;
    this.assertLease();
    if (this.domains.has(vm)) throw new HypervisorError(['INTERNAL_ERROR', `domain of ${vm} exists`]);
    if (spec.mode === 'hvm' && !this.inventory.hvmCapable) throw new HypervisorError(['VM_HVM_REQUIRED', vm]);
    const bytes = domainBytes(spec);
    if (bytes > this.freeBytes)
      throw new HypervisorError([
        'HOST_NOT_ENOUGH_FREE_MEMORY',
        String(bytes),
        String(Math.max(0, this.freeBytes)),
      ]);
    const domain = newDomain(wanted, { domid: this.nextDomid++, now: this.world.clock.now() });
    this.domains.set(vm, domain);
    this.ring.write(`d${domain.domid}: created for ${vm}`);
    await this.build(domain, received ? emptyBuildMs : saved ? saveMs(spec) : buildMs(spec));
    this.assertLease();
    if (this.domains.get(vm) !== domain)
      throw new HypervisorError(['INTERNAL_ERROR', `domain of ${vm} was destroyed while it was built`]);
    domain.state = 'paused';
    if (!paused) this.run(domain);
    return { domid: domain.domid };
  }

  /** Builds take turns: memory bandwidth and xenstore do not grow with their number. */
  private async build(domain: Domain, ms: number): Promise<void> {
    if (this.world.speed === 0) return;
    if (this.building >= buildsAtOnce) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.building += 1;
    await new Promise<void>((resolve) => {
      domain.cancel = this.later(ms, resolve);
    });
    this.building -= 1;
    this.waiting.shift()?.();
  }

  private run(domain: Domain): void {
    domain.state = 'running';
    if (!domain.booted) domain.startedAt = this.world.clock.now();
    domain.cancel = this.later(domain.booted ? 0 : bootMs(domain.spec), () => {
      domain.cancel = undefined;
      domain.booted = true;
      const guest = guestMetrics(domain.spec);
      if (guest && this.present(domain)) this.tell(domain, { kind: 'guest', domid: domain.domid, guest });
    });
  }
  private later(ms: number, act: () => void): () => void {
    return this.world.clock.after(realMs(ms, this.world.speed, this.world.chance), () => {
      if (!this.over()) act();
    });
  }
  private present(domain: Domain): boolean {
    return this.domains.get(domain.vm) === domain;
  }

  pause(vm: string): void {
    this.find(vm).state = 'paused';
  }
  /** The prepared domain gets the guest's memory. */
  takeOver(vm: string, image: SavedImage): void {
    remember(this.find(vm), image, this.world.clock.now());
  }

  unpause(vm: string): void {
    this.assertLease();
    const domain = this.find(vm);
    if (domain.state !== 'paused') return;
    domain.copy = undefined;
    this.run(domain);
  }

  ask(vm: string, what: 'shutdown' | 'reboot'): void {
    const domain = this.find(vm);
    if (!hears(domain.spec)) throw new HypervisorError(['VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT', vm]);
    domain.cancel?.();
    domain.state = 'stopping';
    domain.cancel = this.later(shutdownMs(domain.spec), () => {
      if (!this.present(domain)) return;
      if (what === 'shutdown') this.end(domain, 'shutdown');
      else void this.rebuild(domain);
    });
  }

  /** The guest stops by itself; what follows is the spec's word. */
  crash(vm: string): void {
    const domain = this.find(vm);
    domain.cancel?.();
    if (domain.spec.onCrash === 'restart') void this.rebuild(domain);
    else if (domain.spec.onCrash === 'preserve') domain.state = 'paused';
    else this.end(domain, 'crash');
  }

  private async rebuild(domain: Domain): Promise<void> {
    domain.domid = this.nextDomid++;
    domain.state = 'building';
    domain.terminal?.end();
    domain.terminal = undefined;
    domain.remembered = undefined;
    domain.booted = false;
    domain.copy = undefined;
    await this.build(domain, buildMs(domain.spec));
    if (!this.present(domain) || this.over()) return;
    this.run(domain);
    this.tell(domain, { kind: 'rebooted', domid: domain.domid });
  }

  async save(vm: string): Promise<SavedImage> {
    const image = await this.checkpoint(vm);
    this.destroy(vm);
    return image;
  }

  async checkpoint(vm: string): Promise<SavedImage> {
    const domain = this.find(vm);
    domain.cancel?.();
    domain.state = 'paused';
    await this.build(domain, saveMs(domain.spec));
    if (!this.present(domain)) throw new HypervisorError(domainGone(vm));
    return memoryOf(domain, this.world.clock.now());
  }

  /** The console of a guest, or of the host as it is called. */
  console(owner: ConsoleOwner, listener: ConsoleListener): ConsoleChannel {
    if ('vm' in owner) return this.terminalOf(this.find(owner.vm)).open(listener);
    if (!this.isOn) throw new HypervisorError(hostGone);
    this.names = owner;
    const { clock: timers } = this.world;
    const facts = (): GuestFacts => hostFacts(this.inventory, this.names ?? owner);
    this.terminal ??= new GuestTerminal({ timers, startedAt: this.bootedAt, facts });
    this.terminal.lookAtOwner();
    return this.terminal.open(listener);
  }
  private terminalOf(domain: Domain): GuestTerminal {
    if (domain.state === 'building') throw new HypervisorError(domainGone(domain.vm));
    const { clock: timers } = this.world;
    domain.terminal ??= new GuestTerminal(
      {
        timers,
        startedAt: domain.startedAt,
        facts: () => guestFacts(domain),
      },
      domain.remembered,
    );
    return domain.terminal;
  }

  /** Migrations share the link of the first card. */
  private get linkBytesPerSecond(): number {
    return ((this.inventory.nics[0]?.speedMbit ?? 1_000) * 125_000) / Math.max(1, this.copying);
  }
  private writer({ spec }: Domain): precopy.Writer {
    return { memoryBytes: spec.memoryTargetBytes, dirtyBytesPerSecond: dirtyBytesPerSecond(spec) };
  }
  /** The copy that belongs to this attempt; one that was given up is begun anew. */
  private copyFor(domain: Domain, attempt: number): NonNullable<Domain['copy']> {
    if (domain.copy?.attempt !== attempt) domain.copy = { attempt, at: precopy.copyOf(this.writer(domain)) };
    return domain.copy;
  }

  async copyMemory(vm: string, attempt: number): Promise<MemoryCopy> {
    const domain = this.find(vm);
    const copy = this.copyFor(domain, attempt),
      writer = this.writer(domain);
    if (!precopy.isCopied(copy.at, writer)) {
      const bytes = precopy.chunkOf(copy.at);
      this.copying += 1;
      const ms = (bytes / this.linkBytesPerSecond) * 1000;
      await this.pass(ms);
      this.copying -= 1;
      if (!this.present(domain) || domain.copy !== copy)
        throw new HypervisorError(['INTERNAL_ERROR', 'the guest changed while it was copied']);
      copy.at = precopy.afterSending(copy.at, writer, bytes, ms);
    }
    return { done: precopy.isCopied(copy.at, writer), share: precopy.shareCopied(copy.at, writer) };
  }

  async handOver(vm: string, attempt: number): Promise<SavedImage> {
    const domain = this.find(vm);
    const copy = this.copyFor(domain, attempt);
    if (copy.handed) return copy.handed;
    if (domain.state !== 'running')
      throw new HypervisorError(['INTERNAL_ERROR', `the guest is ${domain.state}`]);
    domain.state = 'paused';
    const rest = copy.at.leftBytes + copy.at.dirtiedBytes;
    const stoodMs = precopy.downtimeMs(rest, this.linkBytesPerSecond);
    await this.pass(stoodMs);
    if (!this.present(domain)) throw new HypervisorError(domainGone(vm));
    this.ring.write(`d${domain.domid}: handed over after ${copy.at.round} rounds`);
    copy.handed = {
      ...memoryOf(domain, this.world.clock.now()),
      rounds: copy.at.round,
      sentBytes: copy.at.sentBytes + rest,
      stoodMs,
    };
    return copy.handed;
  }
  private pass(ms: number): Promise<void> {
    const { speed, clock, chance } = this.world;
    return speed === 0
      ? Promise.resolve()
      : new Promise((resolve) => clock.after(realMs(ms, speed, chance), resolve));
  }

  debugKeys(keys: string): void {
    for (const key of keys)
      this.ring.write(
        `'${key}' pressed -> ${this.domains.size} domains, ${Math.floor(this.freeBytes / MiB)} MiB free`,
      );
  }

  attach(vm: string, block: Block): void {
    const domain = this.find(vm);
    const other = [...domain.blocks.values()].find((b) => b.vbd !== block.vbd && b.device === block.device);
    if (other) throw new HypervisorError(['DEVICE_ALREADY_EXISTS', block.device]);
    domain.blocks.set(block.vbd, block);
  }
  detach(vm: string, vbd: string): void {
    this.find(vm).blocks.delete(vbd);
  }
  configure(vm: string, spec: DomainSpec): void {
    const domain = this.find(vm);
    const bytes = domainBytes(spec);
    if (bytes - domain.bytes > this.freeBytes)
      throw new HypervisorError([
        'HOST_NOT_ENOUGH_FREE_MEMORY',
        String(bytes),
        String(Math.max(0, this.freeBytes)),
      ]);
    const moved = JSON.stringify(domain.spec.nics) !== JSON.stringify(spec.nics);
    domain.spec = spec;
    domain.bytes = bytes;
    const guest = guestMetrics(spec);
    if (moved && guest && domain.state === 'running' && domain.cancel === undefined)
      this.tell(domain, { kind: 'guest', domid: domain.domid, guest });
  }

  destroy(vm: string): void {
    const domain = this.domains.get(vm);
    domain?.cancel?.();
    domain?.terminal?.end();
    if (this.domains.delete(vm)) this.ring.write(`d${domain?.domid}: destroyed`);
  }
  destroyAll(): void {
    for (const vm of [...this.domains.keys()]) this.destroy(vm);
  }

  list(): DomainState[] {
    return [...this.domains.values()].map(({ vm, vmEpoch, domid, state, blocks }) => ({
      ...{ vm, vmEpoch, domid, state },
      blocks: [...blocks.values()],
    }));
  }
  sample(): HostLoad {
    const threads = this.inventory.sockets * this.inventory.coresPerSocket * this.inventory.threadsPerCore;
    let busy = 0.02 * threads;
    for (const { state, spec } of this.domains.values()) if (state === 'running') busy += 0.08 * spec.vcpus;
    return {
      memoryFreeBytes: Math.max(0, this.freeBytes),
      domains: this.domains.size,
      cpuUsage: Math.min(1, busy / threads),
    };
  }

  private find(vm: string): Domain {
    const domain = this.domains.get(vm);
    if (!domain) throw new HypervisorError(domainGone(vm));
    return domain;
  }
  private end(domain: Domain, reason: 'shutdown' | 'crash' | 'watchdog'): void {
    this.destroy(domain.vm);
    this.tell(domain, { kind: 'ended', reason });
  }
  private tell(
    { vm, vmEpoch }: Domain,
    what:
      | { kind: 'guest'; domid: number; guest: NonNullable<ReturnType<typeof guestMetrics>> }
      | { kind: 'ended'; reason: 'shutdown' | 'crash' | 'watchdog' }
      | { kind: 'rebooted'; domid: number },
  ): void {
    this.world.tell({ host: this.host, vm, vmEpoch, ...what });
  }
}
