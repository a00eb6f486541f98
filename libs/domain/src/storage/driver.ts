/** What a storage driver is: how it is shown, what it can do, and what its device configuration must say. */

export type Config = Readonly<Record<string, string>>;

/** Where a device configuration leads. */
export interface Place {
  /** The same for every host that means the same storage. */
  readonly key: string;
  /** What fits; 0 where that is not the driver's to say. */
  readonly bytes: number;
}
export interface ProbedPlace {
  readonly configuration: Config;
  readonly complete: boolean;
  readonly place: Place | undefined;
  readonly facts: Readonly<Record<string, string>>;
}
export interface Driver {
  readonly type: string;
  readonly label: string;
  readonly description: string;
  readonly features: readonly string[];
  readonly configuration: Config;
  /** Whether several hosts may be connected to one repository. */
  readonly sharable: boolean;
  /** Whether a place holds one repository only; others keep many side by side. */
  readonly exclusive: boolean;
  /** Whether storage remembers which repository it is, so that one can be found and brought in again. */
  readonly remembers: boolean;
  /** Files that a scan finds there, each a CD image. */
  readonly holdsIsos?: true;
  readonly formats: readonly ('raw' | 'vhd' | 'qcow2')[];
  /** What the driver itself notes in `SR.sm_config`. */
  readonly smConfig?: Config;
  /** Throws what the driver complains of. */
  readonly locate: (config: Config, hostUuid: string) => Place;
  /** What could be said next, for a configuration that is not complete. */
  readonly suggest?: (config: Config, hostUuid: string) => readonly ProbedPlace[];
}

const disk = ['VDI_CREATE', 'VDI_DELETE', 'VDI_ATTACH', 'VDI_DETACH', 'VDI_ACTIVATE', 'VDI_DEACTIVATE', 'VDI_UPDATE', 'SR_UPDATE'];
const copies = ['VDI_CLONE', 'VDI_SNAPSHOT', 'VDI_RESIZE', 'VDI_RESIZE_ONLINE', 'VDI_MIRROR', 'VDI_CONFIG_CBT', 'VDI_GENERATE_CONFIG', 'VDI_INTRODUCE'];
export const features = {
  /** Disks as files in trees. */
  files: [...disk, ...copies, 'VDI_RESET_ON_BOOT', 'SR_PROBE', 'SR_SUPPORTS_LOCAL_CACHING', 'THIN_PROVISIONING'],
  shares: [...disk, ...copies, 'VDI_RESET_ON_BOOT', 'SR_PROBE', 'THIN_PROVISIONING'],
  volumes: [...disk, ...copies, 'VDI_RESET_ON_BOOT', 'SR_PROBE', 'SR_TRIM'],
  /** And of shared units, which may carry the pool's database. */
  units: [...disk, ...copies, 'VDI_RESET_ON_BOOT', 'SR_PROBE', 'SR_TRIM', 'SR_METADATA'],
  isos: ['VDI_CREATE', 'VDI_DELETE', 'VDI_ATTACH', 'VDI_DETACH', 'SR_SCAN', 'SR_ATTACH', 'SR_DETACH'],
  images: ['VDI_CREATE', 'VDI_DELETE', 'VDI_ATTACH', 'VDI_DETACH', 'VDI_CLONE', 'VDI_RESET_ON_BOOT', 'SR_UPDATE'],
  physical: ['VDI_INTRODUCE', 'VDI_ATTACH', 'VDI_DETACH', 'VDI_UPDATE', 'SR_UPDATE'],
  basic: [...disk, 'VDI_CLONE', 'VDI_SNAPSHOT', 'VDI_RESIZE', 'VDI_INTRODUCE'],
} as const;
