/**
 * What hosts and VMs measure. Nothing is sampled into tables: a driver makes each metric a function of time, from what the
 * records say (decision 5), and whoever is asked reads off the rows that are wanted.
 */
import type { rrd } from '@xenplane/domain';

export interface DiskFacts {
  readonly device: string;
  /** Of the repository; none for an empty drive. */
  readonly sr: string | undefined;
}
export interface NicFacts {
  readonly device: string;
  /** Interfaces of the host that carry its traffic, and which part of it each: a bond all, its members a part. */
  readonly through: readonly { readonly device: string; readonly part: number }[];
}
export interface VmFacts {
  readonly uuid: string;
  readonly isControlDomain: boolean;
  readonly vcpus: number;
  readonly memoryBytes: number;
  readonly targetBytes: number;
  /** Memory that ballooning may take or has taken: the ends of its range. */
  readonly dynamicMinBytes: number;
  readonly dynamicMaxBytes: number;
  /** When it started, in seconds. */
  readonly since: number;
  /** True if an agent in it reports. */
  readonly hasAgent: boolean;
  readonly nics: readonly NicFacts[];
  readonly disks: readonly DiskFacts[];
}

/** From which a host's metrics follow. */
export interface HostFacts {
  readonly uuid: string;
  readonly cpus: number;
  readonly cpuMhz: number;
  readonly memoryTotalBytes: number;
  readonly memoryFreeBytes: number;
  /** When it was booted, in seconds. */
  readonly since: number;
  /** Its interfaces other than those of VMs; `physical` ones count in the sums over all. */
  readonly pifs: readonly { readonly device: string; readonly physical: boolean }[];
  /** Its repositories by uuid, and whether reads are cached there. */
  readonly srs: readonly { readonly uuid: string; readonly cache: boolean }[];
  /** Present on the coordinator only. */
  readonly pool?: { readonly sessions: number; readonly tasks: number };
  /** Present while high availability is on: its state files. */
  readonly statefiles?: readonly string[];
  /** Groups of clients whose calls are counted. */
  readonly callerGroups: readonly string[];
}

type Sources = readonly rrd.Source[];
export interface MeasuredHost {
  sources(): Sources;
  /** Of a VM that runs there, by its uuid. */
  vm(uuid: string): Sources | undefined;
}
/** Of one answer: what several metrics are made of is made once. */
export interface Measurement {
  host(facts: HostFacts, vms: readonly VmFacts[]): MeasuredHost;
  /** Of a VM that is nowhere, as it was when it ran. */
  vm(facts: VmFacts): Sources;
}
export interface Metrics {
  measure(): Measurement;
}
