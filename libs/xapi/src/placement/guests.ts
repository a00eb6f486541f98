/** The requirements of VMs, from their records and devices: the same whoever has read them. */
import {
  memory,
  passthrough,
  platform,
  policyKey,
  type Candidate,
  type graphics,
  type Guest,
  type Reservation,
} from '@xenplane/domain';
import { isNullRef, type StoredRecord } from '@xenplane/model';
import { modeOf, type Attached } from '../runs/domain-spec';

type Vm = StoredRecord<'VM'>;
/** The fields of a VM that decide where it may be. */
export type GuestRecord = memory.Shape &
  Pick<
    Vm,
    | 'power_state'
    | 'other_config'
    | 'platform'
    | 'VCPUs_at_startup'
    | 'affinity'
    | 'groups'
    | 'last_boot_CPU_flags'
    | 'resident_on'
    | 'scheduled_to_be_resident_on'
  >;

/** The devices of a VM that only some hosts have. */
export interface GuestDevices {
  readonly srs: readonly string[];
  /** Those of `srs` that belong to one host; known where agility is asked for. */
  readonly unsharedSrs?: readonly string[];
  readonly networks: readonly string[];
  readonly gpus: readonly graphics.GpuRequest[];
  readonly usbGroups: readonly string[];
}
export const devicesOf = ({ disks, nics, gpus, usbGroups }: Attached): GuestDevices => ({
  srs: [...new Set(disks.flatMap((d) => (d.vdi ? [d.vdi.SR] : [])))],
  networks: [...new Set(nics.map((n) => n.network))],
  gpus,
  usbGroups,
});

/** A VM that is to be started or resumed, with all its devices; or that goes on elsewhere as it is now, with those that it has attached. */
export type Purpose = 'start' | 'move';

export interface KnownGuest {
  readonly vm: string;
  readonly record: GuestRecord;
  readonly devices: GuestDevices;
}
/** Facts of the pool on which a VM's requirements depend. */
export interface Surroundings {
  readonly hosts: readonly Pick<Candidate, 'networks'>[];
  readonly antiAffinityGroups: ReadonlySet<string>;
}

/** PCI devices are given to a VM when it starts; what its settings name while it runs counts from its next start on. */
export const pcisOf = (
  { other_config }: Pick<GuestRecord, 'other_config'>,
  as: Purpose,
): readonly string[] => (as === 'move' ? [] : passthrough.pciAddresses(other_config));

/** A network that no host is on is inside one host, and nothing that the host must have. */
export function guestOf(
  { vm, record, devices }: KnownGuest,
  as: Purpose,
  { hosts, antiAffinityGroups }: Surroundings,
): Guest {
  const isOutside = (network: string): boolean => hosts.some((host) => host.networks.has(network));
  const group = record.groups.find((one) => antiAffinityGroups.has(one));
  const policy = record.other_config[policyKey];
  return {
    ref: vm,
    memoryBytes: memory.neededToStart(record),
    vcpus: record.VCPUs_at_startup,
    ...(platform.isOn(record.platform, 'vcpu-unrestricted') ? {} : { vcpusMax: record.VCPUs_max }),
    needsHvm: modeOf(record) !== 'pv',
    srs: devices.srs,
    unsharedSrs: devices.unsharedSrs ?? [],
    networks: devices.networks.filter(isOutside),
    innerNetworks: devices.networks.filter((network) => !isOutside(network)),
    gpus: devices.gpus,
    usbGroups: devices.usbGroups,
    pcis: pcisOf(record, as),
    ...bootedOf(record, as),
    ...(isNullRef(record.affinity) ? {} : { affinity: record.affinity }),
    ...(group === undefined ? {} : { antiAffinityGroup: group }),
    ...(policy === undefined ? {} : { policy }),
  };
}

/** A VM that goes on elsewhere, without the devices that are others there. */
export const movingGuest = (record: GuestRecord & { readonly ref: string }): Guest =>
  guestOf({ vm: record.ref, record, devices: { srs: [], networks: [], gpus: [], usbGroups: [] } }, 'move', {
    hosts: [],
    antiAffinityGroups: new Set(),
  });

/** A guest that goes on, and does not boot, has seen a CPU. */
function bootedOf(record: GuestRecord, as: Purpose): Pick<Guest, 'booted'> {
  const cpu = record.last_boot_CPU_flags;
  const goesOn = as === 'move' || record.power_state === 'Suspended';
  return goesOn && Object.keys(cpu).length > 0 ? { booted: { cpu, isHvm: modeOf(record) === 'hvm' } } : {};
}

/** The places that the VM has: where it runs, and where it is about to. */
export function reservationsOf(
  vm: string,
  { resident_on, scheduled_to_be_resident_on }: Pick<Vm, 'resident_on' | 'scheduled_to_be_resident_on'>,
): readonly Reservation[] {
  const hosts = new Set([resident_on, scheduled_to_be_resident_on].filter((host) => !isNullRef(host)));
  return [...hosts].map((host) => ({ vm, host }));
}

/** The hardware that guests ask for, so that hosts are looked at for nothing else. */
export interface RequestedDevices {
  readonly gpus: readonly graphics.GpuRequest[];
  readonly usbGroups: readonly string[];
  readonly pcis: readonly string[];
  /** True if a guest has seen a CPU already. */
  readonly cpu: boolean;
}
export const requestedBy = (guests: readonly Guest[]): RequestedDevices => ({
  gpus: guests.flatMap(({ gpus }) => gpus ?? []),
  usbGroups: guests.flatMap(({ usbGroups }) => usbGroups ?? []),
  pcis: [...new Set(guests.flatMap(({ pcis }) => pcis ?? []))],
  cpu: guests.some(({ booted }) => booted !== undefined),
});
