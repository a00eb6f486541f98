/** Simulated Xen for any number of hosts in one thread, with the watchdog that looks after all of them. */
import { systemClock, type Clock } from '../clock';
import {
  HypervisorError,
  type Block,
  type ConsoleChannel,
  type ConsoleListener,
  type ConsoleOwner,
  type DomainState,
  type Hypervisor,
  type HypervisorEvent,
  type MemoryCopy,
  type NewDomain,
} from '../hypervisor';
import type { DomainSpec, HostLoad, Inventory, SavedImage } from '../protocol';
import { hostUuid, inventoryOf } from './inventory';
import { Machine } from './machine';
import { seeded } from './timing';

export interface XenOptions {
  readonly seed: number;
  readonly speed: number;
  /** How many hosts there are from the start. */
  readonly hosts?: number;
  /** Those, by their numbers from 1, that cannot pass PCI devices through. */
  readonly withoutIommu?: ReadonlySet<number>;
  readonly clock?: Clock;
  readonly watchMs?: number;
}

export class SimulatedXen implements Hypervisor {
  private readonly machines = new Map<string, Machine>();
  private readonly listeners: ((event: HypervisorEvent) => void)[] = [];
  private readonly watch: NodeJS.Timeout;

  constructor(private readonly options: XenOptions) {
    for (let index = 0; index < (options.hosts ?? 0); index += 1) this.addSeeded(index);
    this.watch = setInterval(() => this.tick(), options.watchMs ?? 100);
  }
  private addSeeded(index: number): void {
    const { seed, withoutIommu } = this.options;
    const inventory = inventoryOf(seed, index);
    this.addHost(
      hostUuid(seed, index),
      withoutIommu?.has(index + 1) ? { ...inventory, iommu: false } : inventory,
    );
  }

  /** The watchdog's round. */
  tick(): void {
    for (const machine of this.machines.values()) machine.over();
  }

  addHost(host: string, inventory: Inventory): void {
    const { seed, speed, clock = systemClock } = this.options;
    const chance = seeded(seed + this.machines.size);
    this.machines.set(
      host,
      new Machine(host, inventory, {
        clock,
        chance,
        speed,
        tell: (event) => this.listeners.forEach((l) => l(event)),
      }),
    );
  }
  async hosts(): Promise<readonly string[]> {
    return [...this.machines.keys()];
  }
  async inventory(host: string): Promise<Inventory> {
    return this.machine(host).inventory;
  }
  async bootOf(host: string): Promise<string> {
    return this.machine(host).bootId;
  }
  power(host: string, on: boolean): Promise<void> {
    return this.machine(host).power(on);
  }
  async extend(host: string, deadlineMs: number): Promise<void> {
    this.machine(host).extend(deadlineMs);
  }
  create(host: string, domain: NewDomain): Promise<{ domid: number }> {
    return this.machine(host).create(domain);
  }
  async destroy(host: string, vm: string): Promise<void> {
    this.machine(host).destroy(vm);
  }
  async destroyAll(host: string): Promise<void> {
    this.machine(host).destroyAll();
  }
  async pause(host: string, vm: string): Promise<void> {
    this.machine(host).pause(vm);
  }
  async unpause(host: string, vm: string): Promise<void> {
    this.machine(host).unpause(vm);
  }
  async ask(host: string, vm: string, what: 'shutdown' | 'reboot'): Promise<void> {
    this.machine(host).ask(vm, what);
  }
  save(host: string, vm: string): Promise<SavedImage> {
    return this.machine(host).save(vm);
  }
  checkpoint(host: string, vm: string): Promise<SavedImage> {
    return this.machine(host).checkpoint(vm);
  }
  copyMemory(host: string, vm: string, attempt: number): Promise<MemoryCopy> {
    return this.machine(host).copyMemory(vm, attempt);
  }
  handOver(host: string, vm: string, attempt: number): Promise<SavedImage> {
    return this.machine(host).handOver(vm, attempt);
  }
  async takeOver(host: string, vm: string, image: SavedImage): Promise<void> {
    this.machine(host).takeOver(vm, image);
  }
  async attach(host: string, vm: string, block: Block): Promise<void> {
    this.machine(host).attach(vm, block);
  }
  async detach(host: string, vm: string, vbd: string): Promise<void> {
    this.machine(host).detach(vm, vbd);
  }
  async configure(host: string, vm: string, spec: DomainSpec): Promise<void> {
    this.machine(host).configure(vm, spec);
  }
  async crash(host: string, vm: string): Promise<void> {
    this.machine(host).crash(vm);
  }
  async list(host: string): Promise<readonly DomainState[]> {
    return this.machine(host).list();
  }
  async sample(host: string): Promise<HostLoad> {
    return this.machine(host).sample();
  }
  async console(host: string, owner: ConsoleOwner, listener: ConsoleListener): Promise<ConsoleChannel> {
    return this.machine(host).console(owner, listener);
  }
  async consoleRing(host: string): Promise<string> {
    return this.machine(host).ring.read();
  }
  async debugKeys(host: string, keys: string): Promise<void> {
    this.machine(host).debugKeys(keys);
  }
  onEvent(listener: (event: HypervisorEvent) => void): void {
    this.listeners.push(listener);
  }
  async close(): Promise<void> {
    clearInterval(this.watch);
    for (const machine of this.machines.values()) machine.destroyAll();
  }
  private machine(host: string): Machine {
    const machine = this.machines.get(host);
    if (!machine) throw new HypervisorError(['INTERNAL_ERROR', `no host ${host}`]);
    return machine;
  }
}
