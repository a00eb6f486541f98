/** Placement as a pure function: which host, and for each host why or why not. The same for start, resume, moves, what-if and explanations. */
import type { Gpu, GpuRequest } from '../graphics/capacity';
import type { CpuFacts } from '../migration/cpu';

/** A host as placement sees it, with what is left of it beside all reservations. */
export interface Candidate {
  readonly ref: string;
  readonly uuid: string;
  readonly enabled: boolean;
  readonly live: boolean;
  readonly memoryFree: number;
  readonly memoryTotal: number;
  readonly vcpusPlaced: number;
  readonly pcpus: number;
  readonly vmsPlaced: number;
  readonly hvmCapable: boolean;
  readonly hasIommu: boolean;
  /** Repositories plugged and networks present, by reference. */
  readonly srs: ReadonlySet<string>;
  readonly networks: ReadonlySet<string>;
  /** How many VMs of each anti-affinity group run there. */
  readonly groups: Readonly<Record<string, number>>;
  /** Known where the guest asks for them. */
  readonly gpus?: readonly Gpu[];
  /** Groups whose USB device is plugged in here and may be passed through. */
  readonly usbGroups?: ReadonlySet<string>;
  /** Of the PCI devices that guests ask for, those of this host by address, each with the VM that has it or ''. */
  readonly pcis?: ReadonlyMap<string, string>;
  /** Known where a guest has booted already. */
  readonly cpu?: CpuFacts;
}
/** A VM's requirements of a host, and its wishes. */
export interface Guest {
  readonly ref: string;
  readonly memoryBytes: number;
  readonly vcpus: number;
  /** The most vCPUs that it may have; undefined where it may have more than its host has CPUs. */
  readonly vcpusMax?: number;
  readonly needsHvm: boolean;
  readonly affinity?: string;
  readonly srs: readonly string[];
  /** Networks that a host must be on. */
  readonly networks: readonly string[];
  /** Networks that no host is on: they exist inside one host. */
  readonly innerNetworks?: readonly string[];
  /** Repositories of `srs` that belong to one host. */
  readonly unsharedSrs?: readonly string[];
  readonly antiAffinityGroup?: string;
  readonly gpus?: readonly GpuRequest[];
  readonly usbGroups?: readonly string[];
  /** Addresses of PCI devices that it is to be given. */
  readonly pcis?: readonly string[];
  /** The CPU that the guest has seen since it booted; undefined for one that is to boot. */
  readonly booted?: { readonly cpu: CpuFacts; readonly isHvm: boolean };
  /** The name of the policy that the VM asks for. */
  readonly policy?: string;
}

/** Code and parameters of the reason why a guest cannot be there; undefined when it can. */
export type Filter = (guest: Guest, host: Candidate) => readonly string[] | undefined;
/** More is better. */
export interface Score {
  readonly name: string;
  readonly of: (guest: Guest, host: Candidate) => number;
}
/** Scores in order of weight: a later one decides only between equals of the earlier. */
export interface Policy {
  readonly name: string;
  readonly version: number;
  readonly filters: readonly Filter[];
  readonly scores: readonly Score[];
}

export interface Ranked {
  readonly host: Candidate;
  readonly scores: readonly number[];
}
export interface Placement {
  readonly policy: Policy;
  /** Best first. */
  readonly ranked: readonly Ranked[];
  readonly rejected: ReadonlyMap<string, readonly string[]>;
}

const tolerance = 1e-9;
function better(a: Ranked, b: Ranked): number {
  for (const [i, score] of a.scores.entries()) {
    const difference = (b.scores[i] ?? 0) - score;
    if (Math.abs(difference) > tolerance) return difference;
  }
  return a.host.uuid < b.host.uuid ? -1 : 1;
}

export function place(policy: Policy, guest: Guest, hosts: readonly Candidate[]): Placement {
  const rejected = new Map<string, readonly string[]>();
  const ranked: Ranked[] = [];
  for (const host of hosts) {
    const reason = firstReason(policy.filters, guest, host);
    if (reason) rejected.set(host.ref, reason);
    else ranked.push({ host, scores: policy.scores.map((s) => s.of(guest, host)) });
  }
  return { policy, ranked: ranked.sort(better), rejected };
}

/** The first filter's reason why the guest cannot be on the host. */
export function firstReason(
  filters: readonly Filter[],
  guest: Guest,
  host: Candidate,
): readonly string[] | undefined {
  for (const filter of filters) {
    const reason = filter(guest, host);
    if (reason) return reason;
  }
  return undefined;
}
