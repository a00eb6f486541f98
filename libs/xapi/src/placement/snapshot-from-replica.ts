/**
 * The pool as placement sees it, from the replica: for what only asks. Hosts, records and places are of one moment; the devices of
 * many VMs are read in slices, so that others have their turn.
 */
import {
  ha,
  passthrough,
  policyKey,
  memory,
  type Candidate,
  type graphics,
  type Guest,
  type PlacementSnapshot,
} from '@xenplane/domain';
import { isNullRef, XenError, type ClassName, type Ref, type StoredRecord } from '@xenplane/model';
import { inSlices, type Replica, type Row } from '@xenplane/store';
import {
  guestOf,
  requestedBy,
  reservationsOf,
  type GuestDevices,
  type Purpose,
  type RequestedDevices,
  type Surroundings,
} from './guests';

const known = <T>(values: readonly (T | undefined)[]): T[] => values.filter((v): v is T => v !== undefined);

/** The stored fields; HANDLE_INVALID when there is no such object. */
export function storedOf<N extends ClassName>(view: Replica, cls: N, ref: Ref<N>): Readonly<Row<N>> {
  const record = view.stored(cls, ref);
  if (!record) throw new XenError('HANDLE_INVALID', cls, ref);
  return record;
}

/** These VMs and all hosts. */
export async function snapshotFromReplica(
  view: Replica,
  vms: readonly string[],
  as: Purpose,
): Promise<PlacementSnapshot> {
  const records = known(vms.map((vm) => view.stored('VM', vm)));
  const taken = Taken.of(view);
  const groups = antiAffinityGroups(view, records);
  const hosts = hostsOf(view, taken).map((host) => ({ ...host, groups: only(host.groups, groups) }));
  const around: Surroundings = { hosts, antiAffinityGroups: groups };
  const guests: Guest[] = [];
  for await (const record of inSlices(records))
    guests.push(guestOf({ vm: record.ref, record, devices: devicesOf(view, record.ref, as) }, as, around));
  return {
    hosts: equipped(view, taken, requestedBy(guests), hosts),
    guests: new Map(guests.map((guest): [string, Guest] => [guest.ref, guest])),
    reservations: records.flatMap((record) => reservationsOf(record.ref, record)),
    policy: poolOf(view)?.other_config[policyKey],
  };
}

/** The VMs that high availability is to keep running, and these besides; or, as a question, these instead. */
export function haSnapshotFromReplica(
  view: Replica,
  { besides = [], instead }: ha.PlanQuestion = {},
): Promise<PlacementSnapshot> {
  const kept = instead
    ? []
    : [...view.refs('VM')].filter((vm) => {
        const record = view.stored('VM', vm);
        return record !== undefined && ha.isPlanned(record);
      });
  return snapshotFromReplica(view, [...new Set([...kept, ...(instead ?? besides)])].sort(), 'start');
}

export function poolOf(view: Replica): Readonly<Row<'pool'>> | undefined {
  const [pool] = view.refs('pool');
  return pool && view.stored('pool', pool);
}

/** The control domain of a host is part of it. */
const isGuest = (vm: StoredRecord<'VM'>): boolean =>
  !vm.is_control_domain && !vm.is_a_snapshot && !vm.is_a_template;

interface HostSum {
  memory: number;
  vcpus: number;
  vms: number;
  readonly groups: Record<string, number>;
}
/** What one VM has of the pool, by the record that it had when it was counted. */
interface Counted {
  readonly record: Readonly<Row<'VM'>>;
  readonly memory: number;
  readonly hosts: readonly string[];
  readonly pcis: readonly string[];
}
/**
 * What the VMs of the pool have of its hosts, by their records: each reserves what it needs to start. Kept from question to
 * question: only VMs whose record is another one by now are counted anew.
 */
class Taken {
  private readonly sums = new Map<string, HostSum>();
  /** By PCI device. */
  private readonly holders = new Map<string, string>();
  private readonly counted = new Map<string, Counted>();

  /** As it is at this moment. */
  static of(view: Replica): Taken {
    const taken = kept.get(view) ?? new Taken();
    kept.set(view, taken);
    taken.refresh(view);
    return taken;
  }

  on(host: string): HostSum {
    const known = this.sums.get(host);
    if (known) return known;
    const sum = { memory: 0, vcpus: 0, vms: 0, groups: {} };
    this.sums.set(host, sum);
    return sum;
  }
  holderOf(pci: string): string | undefined {
    return this.holders.get(pci);
  }

  private refresh(view: Replica): void {
    let present = 0;
    for (const ref of view.refs('VM')) {
      const record = view.stored('VM', ref),
        before = this.counted.get(ref);
      if (!record) continue;
      present += 1;
      if (before?.record === record) continue;
      if (before) this.drop(before);
      this.add(isGuest(record) ? countedOf(view, record) : { record, memory: 0, hosts: [], pcis: [] });
    }
    if (this.counted.size === present) return;
    for (const counted of [...this.counted.values()])
      if (!view.stored('VM', counted.record.ref)) this.drop(counted);
  }

  private add(counted: Counted): void {
    this.counted.set(counted.record.ref, counted);
    this.sum(counted, 1);
    for (const pci of counted.pcis) this.holders.set(pci, counted.record.ref);
  }
  private drop(counted: Counted): void {
    this.counted.delete(counted.record.ref);
    this.sum(counted, -1);
    for (const pci of counted.pcis)
      if (this.holders.get(pci) === counted.record.ref) this.holders.delete(pci);
  }
  private sum({ record, memory: bytes, hosts }: Counted, sign: 1 | -1): void {
    for (const host of hosts) {
      const sum = this.on(host);
      sum.memory += sign * bytes;
      sum.vcpus += sign * record.VCPUs_at_startup;
      sum.vms += sign;
      for (const group of record.groups) sum.groups[group] = (sum.groups[group] ?? 0) + sign;
    }
  }
}
const kept = new WeakMap<Replica, Taken>();

function countedOf(view: Replica, record: Readonly<Row<'VM'>>): Counted {
  const { resident_on: at, scheduled_to_be_resident_on: next } = record;
  const hosts = [...new Set([at, next])].filter((host) => !isNullRef(host));
  // On its start it has its devices already, and its record shows them when it runs.
  const starting =
    isNullRef(at) && !isNullRef(next)
      ? passthrough.pciAddresses(record.other_config).flatMap((address) => pcisAt(view, next, address))
      : [];
  return {
    record,
    memory: hosts.length > 0 ? memory.neededToStart(record) : 0,
    hosts,
    pcis: [...record.attached_PCIs, ...starting],
  };
}
const pcisAt = (view: Replica, host: string, address: string): readonly string[] =>
  view.pointingAt('PCI.host', host).filter((pci) => view.stored('PCI', pci)?.pci_id === address);

function hostsOf(view: Replica, taken: Taken): Candidate[] {
  return known(
    [...view.refs('host')].map((ref) => {
      const host = view.stored('host', ref);
      const metrics = host && view.stored('host_metrics', host.metrics);
      return host && metrics && candidateOf(view, taken, host, metrics);
    }),
  );
}

function candidateOf(
  view: Replica,
  taken: Taken,
  host: Readonly<Row<'host'>>,
  { live, memory_total }: StoredRecord<'host_metrics'>,
): Candidate {
  const sum = taken.on(host.ref);
  const dom0 = view.stored('VM', host.control_domain)?.memory_static_max ?? 0;
  const pbds = known(view.pointingAt('PBD.host', host.ref).map((pbd) => view.stored('PBD', pbd)));
  const pifs = known(view.pointingAt('PIF.host', host.ref).map((pif) => view.stored('PIF', pif)));
  return {
    ref: host.ref,
    uuid: host.uuid,
    enabled: host.enabled,
    live,
    memoryFree: memory_total - dom0 - host.memory_overhead - sum.memory,
    memoryTotal: memory_total,
    vcpusPlaced: sum.vcpus,
    pcpus: Number(host.cpu_info['cpu_count'] ?? 1),
    vmsPlaced: sum.vms,
    hvmCapable: host.capabilities.includes('hvm-3.0-x86_64'),
    hasIommu: host.chipset_info['iommu'] === 'true',
    srs: new Set(pbds.filter((pbd) => pbd.currently_attached).map((pbd) => pbd.SR)),
    networks: new Set(pifs.filter((pif) => isNullRef(pif.bond_slave_of)).map((pif) => pif.network)),
    groups: sum.groups,
  };
}

/** The groups in which these VMs want to be apart from their like. */
function antiAffinityGroups(
  view: Replica,
  vms: readonly Pick<StoredRecord<'VM'>, 'groups'>[],
): ReadonlySet<string> {
  const isApart = (group: string): boolean => view.stored('VM_group', group)?.placement === 'anti_affinity';
  return new Set(vms.flatMap(({ groups }) => groups.filter(isApart)));
}
const only = (
  counts: Readonly<Record<string, number>>,
  groups: ReadonlySet<string>,
): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(counts).filter(([group, n]) => n > 0 && groups.has(group)));

function devicesOf(view: Replica, vm: string, as: Purpose): GuestDevices {
  const isWanted = ({ currently_attached }: { readonly currently_attached: boolean }): boolean =>
    as === 'start' || currently_attached;
  const vbds = known(view.pointingAt('VBD.VM', vm).map((vbd) => view.stored('VBD', vbd)));
  const disks = vbds.filter((vbd) => !vbd.empty && vbd.type !== 'Floppy' && isWanted(vbd));
  const srs = [...new Set(known(disks.map(({ VDI }) => view.stored('VDI', VDI)?.SR)))];
  const vifs = known(view.pointingAt('VIF.VM', vm).map((vif) => view.stored('VIF', vif)));
  return {
    srs,
    unsharedSrs: srs.filter((sr) => view.stored('SR', sr)?.shared === false),
    networks: [...new Set(vifs.filter(isWanted).map(({ network }) => network))],
    gpus: gpusOf(view, vm),
    usbGroups: known(view.pointingAt('VUSB.VM', vm).map((vusb) => view.stored('VUSB', vusb)?.USB_group)),
  };
}

function gpusOf(view: Replica, vm: string): graphics.GpuRequest[] {
  const vgpus = known(view.pointingAt('VGPU.VM', vm).map((vgpu) => view.stored('VGPU', vgpu)));
  return vgpus
    .toSorted((a, b) => (a.device < b.device ? -1 : 1))
    .map((vgpu) => ({
      vgpu: vgpu.ref,
      group: vgpu.GPU_group,
      type: vgpu.type,
      passthrough: view.stored('VGPU_type', vgpu.type)?.implementation === 'passthrough',
      packed: view.stored('GPU_group', vgpu.GPU_group)?.allocation_algorithm === 'depth_first',
    }));
}

/** The hosts with their hardware, for guests that ask for such. */
function equipped(
  view: Replica,
  taken: Taken,
  { gpus, usbGroups, pcis, cpu }: RequestedDevices,
  hosts: readonly Candidate[],
): readonly Candidate[] {
  if (gpus.length + usbGroups.length + pcis.length === 0 && !cpu) return hosts;
  const cards = new Cards(view, taken);
  const groups = new Set(gpus.map(({ group }) => group));
  return hosts.map((host) => ({
    ...host,
    gpus: cards.gpusOn(host.ref).filter(({ group }) => groups.has(group)),
    usbGroups: new Set(usbGroupsOn(view, host.ref).filter((group) => usbGroups.includes(group))),
    ...(pcis.length > 0 ? { pcis: cards.pcisOn(host.ref, pcis) } : {}),
    ...(cpu ? { cpu: view.stored('host', host.ref)?.cpu_info ?? {} } : {}),
  }));
}

const usbGroupsOn = (view: Replica, host: string): string[] =>
  known(view.pointingAt('PUSB.host', host).map((pusb) => view.stored('PUSB', pusb)))
    .filter(({ passthrough_enabled }) => passthrough_enabled)
    .map(({ USB_group }) => USB_group);

/** GPUs and PCI devices, each with the VM that has it, or uses a part of it. */
class Cards {
  private readonly residents = new Map<string, Readonly<Row<'VGPU'>>[]>();

  constructor(
    private readonly view: Replica,
    private readonly taken: Taken,
  ) {
    for (const ref of view.refs('VGPU')) {
      const vgpu = view.stored('VGPU', ref);
      for (const gpu of new Set(vgpu ? [vgpu.resident_on, vgpu.scheduled_to_be_resident_on] : []))
        if (vgpu && !isNullRef(gpu)) this.residents.set(gpu, [...(this.residents.get(gpu) ?? []), vgpu]);
    }
  }

  gpusOn(host: string): graphics.Gpu[] {
    return known(this.view.pointingAt('PGPU.host', host).map((gpu) => this.view.stored('PGPU', gpu)))
      .toSorted((a, b) => (a.ref < b.ref ? -1 : 1))
      .map((gpu) => ({
        ref: gpu.ref,
        group: gpu.GPU_group,
        supported: gpu.supported_VGPU_types,
        enabled: gpu.enabled_VGPU_types,
        most: gpu.supported_VGPU_max_capacities,
        residents: (this.residents.get(gpu.ref) ?? []).map(({ type }) => type),
        isTaken: this.taken.holderOf(gpu.PCI) !== undefined,
      }));
  }
  pcisOn(host: string, addresses: readonly string[]): ReadonlyMap<string, string> {
    const users = new Map(
      known(this.view.pointingAt('PGPU.host', host).map((gpu) => this.view.stored('PGPU', gpu))).map(
        (gpu): [string, string | undefined] => [gpu.PCI, this.residents.get(gpu.ref)?.[0]?.VM],
      ),
    );
    return new Map(
      known(this.view.pointingAt('PCI.host', host).map((pci) => this.view.stored('PCI', pci)))
        .filter(({ pci_id }) => addresses.includes(pci_id))
        .map(({ ref, pci_id }) => [pci_id, this.taken.holderOf(ref) ?? users.get(ref) ?? '']),
    );
  }
}
