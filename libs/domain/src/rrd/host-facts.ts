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
