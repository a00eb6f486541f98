/** The port through which an agent drives domains, of one host or of many. Simulated Xen stands behind it; real ones may. */
import type { DomainSpec, GuestMetrics, HostLoad, Inventory, SavedImage } from './protocol';

export interface DomainState {
  readonly vm: string;
  readonly vmEpoch: number;
  readonly domid: number;
  readonly state: 'building' | 'running' | 'paused' | 'stopping';
}
export interface NewDomain {
  readonly vm: string;
  readonly vmEpoch: number;
  readonly spec: DomainSpec;
  readonly paused: boolean;
  readonly saved?: SavedImage;
  /** Its memory comes from another host: it is built empty, and wakes where it stood there. */
  readonly received?: true;
}

/** How far a guest's memory is copied away; `done` when only a pause of the guest brings it further. */
export interface MemoryCopy {
  readonly done: boolean;
  readonly share: number;
}

export type HypervisorEvent = { readonly host: string; readonly vm: string; readonly vmEpoch: number } & (
  | { readonly kind: 'guest'; readonly domid: number; readonly guest: GuestMetrics }
  | { readonly kind: 'ended'; readonly reason: 'shutdown' | 'crash' | 'watchdog' }
  | { readonly kind: 'rebooted'; readonly domid: number }
);

/** Refused with an error of the XenAPI: code, then parameters. */
export class HypervisorError extends Error {
  constructor(readonly description: readonly string[]) {
    super(description.join(' '));
    this.name = 'HypervisorError';
  }
}

/** The domain that was asked about has ended. */
export const domainGone = (vm: string): readonly string[] => ['VM_HALTED', vm];
/** The host may run nothing: its lease is over, or it is off. */
export const hostGone: readonly string[] = ['HOST_NOT_LIVE'];
/** Nothing is wrong with what was asked: it is about something that is no more. */
export const isGone = ({ description: [code] }: HypervisorError): boolean =>
  code === 'VM_HALTED' || code === 'HOST_NOT_LIVE';

export interface Hypervisor {
  /** New at each boot of the host; no domain outlives it. Empty while the host is off. */
  bootOf(host: string): Promise<string>;
  /** Off: every domain is gone when it answers. On: answers when the host has booted. */
  power(host: string, on: boolean): Promise<void>;
  addHost(host: string, inventory: Inventory): Promise<void>;
  /** Domains may run until this moment of the machine's monotonic clock (`monotonicMs`); never moved back. */
  extend(host: string, deadlineMs: number): Promise<void>;
  /** Builds a domain. Refused when the host's deadline has passed, in the same step as the build begins and as it ends (R7). */
  create(host: string, domain: NewDomain): Promise<{ readonly domid: number }>;
  destroy(host: string, vm: string): Promise<void>;
  destroyAll(host: string): Promise<void>;
  pause(host: string, vm: string): Promise<void>;
  unpause(host: string, vm: string): Promise<void>;
  /** Asks the guest; its reaction is an event, `ended` or `rebooted`. Refused when the guest cannot hear. */
  ask(host: string, vm: string, what: 'shutdown' | 'reboot'): Promise<void>;
  /** Saves the memory and ends the domain. */
  save(host: string, vm: string): Promise<SavedImage>;
  /** Saves the memory and leaves the domain paused. */
  checkpoint(host: string, vm: string): Promise<SavedImage>;
  /** Copies a part of a running guest's memory to another host. */
  copyMemory(host: string, vm: string, attempt: number): Promise<MemoryCopy>;
  /** Pauses the guest and sends the rest. */
  handOver(host: string, vm: string, attempt: number): Promise<SavedImage>;
  /** Makes memory target, vCPUs, disks and nics those of the spec. */
  configure(host: string, vm: string, spec: DomainSpec): Promise<void>;
  crash(host: string, vm: string): Promise<void>;
  list(host: string): Promise<readonly DomainState[]>;
  load(host: string): Promise<HostLoad>;
  /** The last lines of Xen's console. */
  consoleRing(host: string): Promise<string>;
  debugKeys(host: string, keys: string): Promise<void>;
  onEvent(listener: (event: HypervisorEvent) => void): void;
  close(): Promise<void>;
}

/** The machine's monotonic clock in milliseconds, one and the same in all its threads. */
export const monotonicMs = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;
