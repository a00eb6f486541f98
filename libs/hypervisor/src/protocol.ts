/**
 * Messages between the control plane and an agent, as JSON over HTTP. Either side may repeat any message:
 * commands say the state to ensure, claims and reports carry the epochs that decide whether they still count (R1-R14).
 *
 * Agent to control plane, on any API replica. `Authorization: Agent <proof>`, from the join key, or `Host <uuid> <secret or token>` of any
 * host of the message (credentials.ts); 401 before the message is read. Each entry of a message carries its own host's token besides.
 * Of more than messageLimits a sender makes several messages; what has not the shape is 400.
 *   POST /agent/v1/joins          JoinRequest          -> JoinAnswer           one-time secrets for lasting tokens
 *   POST /agent/v1/registrations  RegistrationRequest  -> RegistrationAnswer   new host epoch; which domains to keep
 *   POST /agent/v1/renewals       RenewalRequest       -> RenewalAnswer        heartbeat: lease and load; also by the
 *                                                                              program for leases, `Authorization: Host <uuid> <token>`
 *   POST /agent/v1/claims         ClaimRequest         -> ClaimAnswer          the right to create a domain
 *   POST /agent/v1/reports        ReportRequest        -> ReportAnswer         what happened to domains
 *   POST /agent/v1/departures     DepartureRequest     -> {}                   a host goes down: its lease is given back
 *   POST /agent/v1/standbys       StandbyRequest       -> StandbyAnswer        hosts that are off; which are to be switched on
 * Control plane to control plane, `Authorization: Session <token>` of a session there:
 *   POST   /agent/v1/invitations        InvitationRequest -> InvitationAnswer   the right of one host to join
 *   DELETE /agent/v1/invitations/:host  -> {}                                   taken back, and the host with it
 * Control plane to agent, `Authorization: Bearer <commandKey>` of the host's registration:
 *   PUT  /hosts/:host/vms/:vm           DesiredVm -> VmAnswer   ensure this state; answers after waitMs at the latest
 *   GET  /hosts/:host/vms               -> VmAnswer[]
 *   POST /hosts/:host/vms/:vm/crash     the guest crashes (fault injection)
 *   PUT  /hosts/:host/power             PowerCommand -> PowerAnswer
 *   PUT  /hosts/:host/plane             PlaneCommand -> PlaneAnswer   the host goes to another control plane
 *   DELETE /hosts/:host/plane           -> PlaneAnswer                and is called back, until it has registered there
 *   GET  /hosts/:host/console-ring      -> { text }
 *   POST /hosts/:host/debug-keys        { keys }
 *   GET  /hosts/:host/vms/:vm/console, /hosts/:host/console   upgraded to the bytes of a terminal (console.ts)
 *   GET  /health
 * Hosts and VMs are named by uuid. Times are elapsed milliseconds; no clock of one side means anything to the other.
 */

export interface NicHardware {
  readonly device: string;
  readonly mac: string;
  readonly mtu: number;
  readonly speedMbit: number;
  readonly pciBusPath: string;
  /** How many guests it can serve directly. */
  readonly virtualFunctions?: number;
}
/** A PCI device that draws: the host's own display, or one that guests may share. */
export interface GpuHardware {
  readonly pciId: string;
  readonly vendorId: string;
  readonly vendorName: string;
  readonly deviceId: string;
  readonly deviceName: string;
  /** The host's own console is shown on it. */
  readonly display: boolean;
  /** The types it can be divided into, besides passthrough of the whole. */
  readonly profiles: readonly {
    readonly name: string;
    readonly framebufferBytes: number;
    readonly heads: number;
    readonly most: number;
  }[];
}
/** A PCI device besides network cards and GPUs. */
export interface PciHardware {
  readonly pciId: string;
  readonly classId: string;
  readonly className: string;
  readonly vendorId: string;
  readonly vendorName: string;
  readonly deviceId: string;
  readonly deviceName: string;
  readonly driver: string;
}
export interface UsbHardware {
  readonly path: string;
  readonly vendorId: string;
  readonly vendorName: string;
  readonly productId: string;
  readonly productName: string;
  readonly serial: string;
  readonly version: string;
  readonly speedMbit: number;
}

/** The hardware of a host, found at its first boot. */
export interface Inventory {
  readonly nameLabel: string;
  readonly memoryBytes: number;
  /** Kept by the hypervisor and Dom0. */
  readonly dom0MemoryBytes: number;
  readonly dom0Vcpus: number;
  readonly sockets: number;
  readonly coresPerSocket: number;
  readonly threadsPerCore: number;
  readonly numaNodes: number;
  readonly cpuMhz: number;
  readonly cpuVendor: string;
  readonly cpuModelName: string;
  /** Hex feature words, as `host.cpu_info` shows them. */
  readonly cpuFeatures: string;
  readonly hvmCapable: boolean;
  /** True if guests may be given its PCI devices; a host without the field has an IOMMU. */
  readonly iommu?: boolean;
  readonly biosStrings: Readonly<Record<string, string>>;
  readonly nics: readonly NicHardware[];
  readonly gpus?: readonly GpuHardware[];
  readonly usbDevices?: readonly UsbHardware[];
  readonly pciDevices?: readonly PciHardware[];
  readonly localDiskBytes: number;
  readonly hypervisorVersion: string;
  readonly kernelVersion: string;
}

export interface Joining {
  readonly host: string;
  readonly secret: string;
  readonly inventory: Inventory;
}
export interface JoinRequest {
  readonly joins: readonly Joining[];
}
/** `refused` says why the host gets no token. */
export interface JoinResult {
  readonly host: string;
  readonly token: string;
  readonly refused?: string;
}
export interface JoinAnswer {
  readonly hosts: readonly JoinResult[];
}

/** A domain that outlived its agent. */
export interface SurvivingDomain {
  readonly vm: string;
  readonly vmEpoch: number;
  readonly domid: number;
}
export interface Registration {
  readonly host: string;
  readonly token: string;
  /** New at each start of the agent. */
  readonly agentBoot: string;
  /** New at each start of the hypervisor: no domain outlives it. */
  readonly hypervisorBoot: string;
  /** Where this host takes commands. */
  readonly agentUrl: string;
  /** The key that commands must show. */
  readonly commandKey: string;
  readonly inventory: Inventory;
  readonly domains: readonly SurvivingDomain[];
}
export interface RegistrationRequest {
  readonly registrations: readonly Registration[];
}
/** A domain to keep, with how often it was built so far: a reboot asks for one more. */
export interface AdoptedVm {
  readonly vm: string;
  readonly boots: number;
}
export interface RegistrationResult {
  readonly host: string;
  readonly hostEpoch: number;
  readonly leaseMs: number;
  readonly adopt: readonly AdoptedVm[];
  readonly refused?: string;
}
/** Sent with some answers: the API processes that live. A request that one of them does not answer may go to another. */
export interface Learned {
  readonly apis?: readonly string[];
}
export interface RegistrationAnswer extends Learned {
  readonly hosts: readonly RegistrationResult[];
  /** Where leases are renewed by a program that does nothing else; the API renews them too. */
  readonly leasesUrl?: string;
}

export interface HostLoad {
  readonly memoryFreeBytes: number;
  readonly domains: number;
  /** Mean use of the physical CPUs, 0 to 1. */
  readonly cpuUsage: number;
}
export interface Renewal {
  readonly host: string;
  readonly token: string;
  readonly hostEpoch: number;
  readonly load: HostLoad;
}
export interface RenewalRequest {
  readonly renewals: readonly Renewal[];
}
/**
 * `renewed` false: the host was fenced; it destroys all its domains, drops pending work and registers anew. A host that is
 * missing was neither renewed nor fenced: its agent asks again.
 */
export interface RenewalAnswer {
  readonly renewals: readonly { readonly host: string; readonly renewed: boolean }[];
}

export interface Claim {
  readonly host: string;
  readonly token: string;
  readonly hostEpoch: number;
  readonly vm: string;
  readonly vmEpoch: number;
  /** The same claim may be repeated with the same nonce when its answer was lost. */
  readonly nonce: string;
  /** Asked by the source of a migration that was given up: the right to wake the guest again (R13). */
  readonly attempt?: number;
}
export interface ClaimRequest {
  readonly claims: readonly Claim[];
}
export interface ClaimAnswer extends Learned {
  readonly granted: readonly boolean[];
}

export type GuestMetrics = {
  readonly osVersion: Readonly<Record<string, string>>;
  readonly pvDriversVersion: Readonly<Record<string, string>>;
  /** Keys as xapi's: `0/ip`, `0/ipv4/0`, `0/ipv6/0`. */
  readonly networks: Readonly<Record<string, string>>;
  readonly other: Readonly<Record<string, string>>;
};
export type VmEvent =
  /** `domid`: of the domain from which the guest speaks, as a reboot builds another. */
  | { readonly kind: 'guest'; readonly domid: number; readonly guest: GuestMetrics }
  /** `reason` why the domain ended by itself; the agent has destroyed it and its temporary disks. */
  | { readonly kind: 'ended'; readonly reason: 'shutdown' | 'crash' | 'watchdog' }
  /** The guest rebooted itself: the domain was rebuilt under a new id. */
  | { readonly kind: 'rebooted'; readonly domid: number };
export interface Report {
  readonly host: string;
  readonly token: string;
  readonly hostEpoch: number;
  readonly vm: string;
  readonly vmEpoch: number;
  readonly event: VmEvent;
}
export interface ReportRequest {
  readonly reports: readonly Report[];
}
/** `applied` false: the report speaks of something that is no more; never sent again. */
export interface ReportAnswer extends Learned {
  readonly applied: readonly boolean[];
}

export type DomainMode = 'pv' | 'hvm' | 'pvh' | 'pv_in_pvh';
export type DiskSource =
  /** Pulled from the image server, copied for this run and deleted after it. */
  | {
      readonly kind: 'image';
      readonly sha256: string;
      readonly format: 'raw' | 'qcow2';
      readonly sizeBytes: number;
      readonly virtualSizeBytes: number;
    }
  | { readonly kind: 'volume'; readonly sr: string; readonly vdi: string; readonly virtualSizeBytes: number }
  | { readonly kind: 'empty' };
export interface DiskSpec {
  readonly vbd: string;
  readonly device: string;
  readonly type: 'Disk' | 'CD';
  readonly mode: 'RO' | 'RW';
  readonly bootable: boolean;
  readonly source: DiskSource;
}
export interface NicSpec {
  readonly vif: string;
  readonly device: string;
  readonly mac: string;
  readonly network: string;
  readonly bridge: string;
  readonly mtu: number;
  /** Fixed addresses, with the lengths of their prefixes, that the guest is asked to use. */
  readonly addresses?: readonly string[];
}
export interface DomainSpec {
  readonly nameLabel: string;
  readonly mode: DomainMode;
  readonly memoryStaticMaxBytes: number;
  readonly memoryTargetBytes: number;
  readonly vcpusMax: number;
  readonly vcpus: number;
  /** The guest's system, as `VM.reference_label` or other_config `xenplane:os`: debian-12, rocky-9, ubuntu-24.04, windows-server-2025, other-install-media. */
  readonly guestOs: string;
  readonly onCrash: 'destroy' | 'restart' | 'preserve';
  readonly onReboot: 'destroy' | 'restart';
  readonly disks: readonly DiskSpec[];
  readonly nics: readonly NicSpec[];
}

interface Epochs {
  readonly vmEpoch: number;
  readonly hostEpoch: number;
  readonly waitMs: number;
}
export type DesiredVm =
  /** Up with this spec; memory target, vCPUs, disks and nics of a domain that is up are changed to match.
   *  `boots`: how often the domain must have been (re)built in this epoch, 1 for a start; a reboot asks for one more, as does
   *  `devices`, a domain that goes on with the memory of the one before: only what emulates its devices is new.
   *  `saved`: resume from what `suspended` answered instead of booting.
   *  `received`: wake the domain that was prepared by `receiving`, or fail; a boot would lose the guest's memory. `saved` is then
   *  what the source handed over.
   *  `attempt`: of a migration that was given up; a guest that was paused for it is woken under a claim. */
  | (Epochs & {
      readonly state: 'running' | 'paused';
      readonly spec: DomainSpec;
      readonly boots: number;
      readonly reboot?: 'clean' | 'hard' | 'devices';
      readonly saved?: SavedImage;
      readonly received?: true;
      readonly attempt?: number;
    })
  /** A paused domain for a guest that comes from another host: it has no right to run until its epoch is claimed. */
  | (Epochs & { readonly state: 'receiving'; readonly spec: DomainSpec; readonly boots: number })
  /** `copy`: the memory is copied away while the guest runs on. `handOver`: the guest is paused and the rest sent; answers it as `saved`. */
  | (Epochs & { readonly state: 'moving'; readonly phase: 'copy' | 'handOver'; readonly attempt: number })
  /** Memory saved, domain gone. */
  | (Epochs & { readonly state: 'suspended' })
  /** Memory saved, domain frozen until a command lets it run again. */
  | (Epochs & { readonly state: 'checkpointed' })
  /** Domain and temporary disks gone, and remembered so: no older start can follow (tombstone). */
  | (Epochs & { readonly state: 'stopped'; readonly how: 'clean' | 'hard' });
/** The host has destroyed all its domains and runs none until it registers anew: its lease needs no waiting for. */
export interface DepartureRequest {
  readonly departures: readonly {
    readonly host: string;
    readonly token: string;
    readonly hostEpoch: number;
  }[];
}
export interface StandbyRequest {
  readonly standbys: readonly { readonly host: string; readonly token: string }[];
}
export interface StandbyAnswer {
  readonly wake: readonly string[];
  /** Not hosts of this pool, or not any more. */
  readonly unknown: readonly string[];
}
/** `toolstack`: only the agent starts anew; domains run on. */
export interface PowerCommand {
  readonly hostEpoch: number;
  readonly action: 'off' | 'reboot' | 'toolstack';
}
/** `refused`: the host is no longer registered under that epoch, and so has done it, or lost its lease. */
export interface PowerAnswer {
  readonly phase: 'done' | 'refused';
}
/** One control plane asks another to let a host in; errors are codes of the XenAPI with their parameters. */
export interface InvitationRequest {
  readonly host: string;
  readonly nameLabel: string;
  readonly nameDescription: string;
}
export interface InvitationAnswer {
  /** For this host alone, until it has registered. */
  readonly secret: string;
  /** Where agents reach the control plane; none: where the asker reaches it. */
  readonly apiUrl?: string;
  readonly imagesUrl: string;
}
export interface PlaneCommand {
  readonly hostEpoch: number;
  readonly apiUrl: string;
  readonly imagesUrl: string;
  readonly secret: string;
}
/**
 * `refused`: it has something to do here, or has no such epoch. `settled`, to who sent it: it has registered at the other
 * control plane, which alone lets it go. `visiting`, to that one: it is not sent further, only home.
 */
export interface PlaneAnswer {
  readonly phase: 'done' | 'refused' | 'settled' | 'visiting';
}
/** Opaque to the control plane, which keeps it with the suspend VDI. */
export type SavedImage = Readonly<Record<string, unknown>>;

export interface VmAnswer {
  readonly vm: string;
  readonly vmEpoch: number;
  /** working: not there yet, ask again; done: as desired; failed: cannot be, with an error code of the XenAPI and its parameters; refused: the epochs are not current. */
  readonly phase: 'working' | 'done' | 'failed' | 'refused';
  /** 0 to 1, of the work under way. */
  readonly progress: number;
  readonly error?: readonly string[];
  readonly domid?: number;
  readonly boots?: number;
  readonly saved?: SavedImage;
  /** The domains that the agent holds now. */
  readonly state: 'absent' | 'building' | 'running' | 'paused' | 'stopping';
}
/** How long leases last unless a control plane says otherwise. */
export const usualLeaseMs = 10_000;
/** How far two machines' clock rates may differ. */
export const clockRateError = 0.01;
/** Longest time a hypervisor takes to stop guests once their deadline has passed. */
export const watchdogKillMs = 1_000;
