/** A storage driver: its presentation, its features, and the required keys of its device configuration. */

export type Config = Readonly<Record<string, string>>;

/** Where a device configuration leads. */
export interface Place {
  /** The same for every host that means the same storage. */
  readonly key: string;
  /** The bytes that fit; 0 where the driver does not know. */
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
  /** True if several hosts may be connected to one repository. */
  readonly sharable: boolean;
  /** True if a place holds one repository only; others keep many side by side. */
  readonly exclusive: boolean;
  /** True if storage remembers which repository it is, so that one can be found and introduced again. */
  readonly remembers: boolean;
  /** Files that a scan finds there, each a CD image. */
  readonly holdsIsos?: true;
  readonly formats: readonly ('raw' | 'vhd' | 'qcow2')[];
  /** The driver's own keys of `SR.sm_config`, where nothing else was given. */
  readonly smConfig?: Config;
  /** Throws what the driver complains of. */
  readonly locate: (config: Config, hostUuid: string) => Place;
  /** The possible next values for a configuration that is not complete. */
  readonly suggest?: (config: Config, hostUuid: string) => readonly ProbedPlace[];
}

/** The features of each kind of driver, as the storage drivers of XCP-ng 8.3 list them. */
const disk = ['VDI_CREATE', 'VDI_DELETE', 'VDI_ATTACH', 'VDI_DETACH'];
const active = [...disk, 'VDI_ACTIVATE', 'VDI_DEACTIVATE'];
const copies = [
  ...active,
  'SR_PROBE',
  'SR_UPDATE',
  'VDI_CLONE',
  'VDI_SNAPSHOT',
  'VDI_RESIZE',
  'VDI_MIRROR',
  'VDI_CONFIG_CBT',
];
const files = [...copies, 'VDI_GENERATE_CONFIG', 'THIN_PROVISIONING'];
const mounted = [...files, 'VDI_UPDATE', 'VDI_RESET_ON_BOOT', 'VDI_READ_CACHING'];
const volumes = [...copies, 'VDI_UPDATE', 'VDI_RESET_ON_BOOT', 'SR_TRIM'];
export const features = {
  files,
  localFiles: [...mounted, 'SR_SUPPORTS_LOCAL_CACHING'],
  shares: [...mounted, 'SR_CACHING'],
  volumes,
  /** And of shared units, which may carry the state of HA and the pool's database. */
  units: [...volumes, 'VDI_GENERATE_CONFIG', 'SR_METADATA'],
  isos: [...disk, 'SR_SCAN', 'SR_ATTACH', 'SR_DETACH'],
  images: [...disk, 'VDI_CLONE', 'VDI_RESET_ON_BOOT', 'SR_UPDATE'],
  physical: ['VDI_INTRODUCE', 'VDI_ATTACH', 'VDI_DETACH', 'VDI_UPDATE', 'SR_UPDATE'],
  dummy: [...active, 'SR_PROBE', 'VDI_CLONE', 'VDI_SNAPSHOT', 'VDI_RESIZE', 'VDI_INTRODUCE', 'VDI_MIRROR'],
} as const;
/** The first is 1. */
export const featureVersion = (feature: string): number => (feature === 'VDI_RESET_ON_BOOT' ? 2 : 1);
