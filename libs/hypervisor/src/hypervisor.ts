/** The port through which an agent drives the domains of one host or of many. Each implementation is a folder beside this file. */
import type { HostNames } from './console';
import type { DiskSpec, DomainSpec, GuestMetrics, HostLoad, Inventory, SavedImage } from './protocol';

/** A disk of a domain, and where its bytes are. */
export interface Block {
  readonly vbd: string;
  readonly device: string;
  readonly type: DiskSpec['type'];
  readonly mode: DiskSpec['mode'];
  /** `file:` of a copy that this node made for the run, `volume:<SR>/<VDI>` of a disk of a repository; undefined for an empty drive. */
  readonly address: string | undefined;
}
export interface DomainState {
  readonly vm: string;
  readonly vmEpoch: number;
  readonly domid: number;
  readonly state: 'building' | 'running' | 'paused' | 'stopping';
  readonly blocks: readonly Block[];
}
export interface NewDomain {
  readonly vm: string;
  readonly vmEpoch: number;
  readonly spec: DomainSpec;
  /** Its disks, as they are to be found: the spec only says what they are. */
  readonly blocks: readonly Block[];
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

/** Hears a console, in order: what it has written so far, what it writes from then on, and its end. */
export interface ConsoleListener {
  data(bytes: Uint8Array): void;
  /** The domain is gone, or is another one now. */
  end(): void;
}
/** A console that is open. Any number may be, of one domain too: all of them hear the same. */
export interface ConsoleChannel {
  /** Keys, as a terminal sends them; answers when the guest has taken them. */
  write(bytes: Uint8Array): Promise<void>;
  /** The listener hears nothing more. */
  close(): void;
}
/** A guest, or the host itself, which is called as its control plane says. */
export type ConsoleOwner = { readonly vm: string } | HostNames;

/** What a host is and does. A driver answers for all hosts of its process. */
export interface Hypervisor {
  /** The uuids of the hosts, always in the same order. */
  hosts(): Promise<readonly string[]>;
  /** The hardware of a host. */
  inventory(host: string): Promise<Inventory>;
  /** New at each boot of the host; no domain outlives it. Empty while the host is off. */
  bootOf(host: string): Promise<string>;
  /** Off: every domain is gone when it answers. On: answers when the host has booted. */
  power(host: string, on: boolean): Promise<void>;
  /** Domains may run until this moment of the machine's monotonic clock (`Clock.now`); never moved back. */
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
  /** Pauses the guest and sends the rest; what it answers goes to the other host by way of the control plane. */
  handOver(host: string, vm: string, attempt: number): Promise<SavedImage>;
  /** Gives the domain that was built for it what the source handed over; it stays paused. */
  takeOver(host: string, vm: string, image: SavedImage): Promise<void>;
  /** Gives a domain a disk more. Refused when another has its device; the same again is nothing. */
  attach(host: string, vm: string, block: Block): Promise<void>;
  /** Takes a disk from a domain; one that it has not is nothing. */
  detach(host: string, vm: string, vbd: string): Promise<void>;
  /** Makes memory target, vCPUs and nics those of the spec. */
  configure(host: string, vm: string, spec: DomainSpec): Promise<void>;
  crash(host: string, vm: string): Promise<void>;
  list(host: string): Promise<readonly DomainState[]>;
  /** What the host carries at this moment. */
  sample(host: string): Promise<HostLoad>;
  /** Opens the console of a guest or of the host: the bytes of a terminal, both ways. When it answers, the listener has heard what is kept of what was written before. */
  console(host: string, owner: ConsoleOwner, listener: ConsoleListener): Promise<ConsoleChannel>;
  /** The last lines of Xen's console. */
  consoleRing(host: string): Promise<string>;
  debugKeys(host: string, keys: string): Promise<void>;
  onEvent(listener: (event: HypervisorEvent) => void): void;
  close(): Promise<void>;
}
