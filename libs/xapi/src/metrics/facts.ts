/** The inputs of the metrics of hosts and VMs, read from the replica. */
import { rrd } from '@xenplane/domain';
import type { HostFacts, MeasuredHost, Measurement, Metrics, NicFacts, VmFacts } from '@xenplane/hypervisor';
import { asRef, isNullRef, nullRef, type Ref, type StoredRecord } from '@xenplane/model';
import type { Replica } from '@xenplane/store';
import { deviceName } from '../runs/domain-spec';

const known = <T>(values: readonly (T | undefined)[]): T[] => values.filter((v): v is T => v !== undefined);

/** Seconds since the epoch of a moment in the form of the wire. */
export const secondsOf = (moment: string): number =>
  Date.parse(moment.replace(/^(\d{4})-?(\d\d)-?(\d\d)T/, '$1-$2-$3T')) / 1000;

/** Metrics by the objects that they are of; those of one host share what they are made of, which is made once for an answer. */
export class Figures {
  private readonly measurement: Measurement;
  private readonly hosts = new Map<string, MeasuredHost>();

  constructor(
    private readonly view: Replica,
    metrics: Metrics,
  ) {
    this.measurement = metrics.measure();
  }

  /** Of a host and all that runs on it; nothing when there is no such host. */
  host(ref: Ref<'host'>): MeasuredHost | undefined {
    const kept = this.hosts.get(ref);
    const facts = kept ? undefined : hostFacts(this.view, ref);
    if (!facts) return kept;
    const bonds = bondsOf(this.view, ref);
    const vms = known(
      this.view.pointingAt('VM.resident_on', ref).map((vm) => vmFacts(this.view, asRef(vm), bonds)),
    );
    const made = this.measurement.host(facts, vms);
    this.hosts.set(ref, made);
    return made;
  }

  /** Of a VM on its host, or of one that is nowhere as it was when it ran. */
  vm(ref: Ref<'VM'>): readonly rrd.Source[] | undefined {
    const record = this.view.stored('VM', ref);
    if (!record) return undefined;
    const host = isNullRef(record.resident_on) ? undefined : this.host(record.resident_on);
    const there = host?.vm(record.uuid);
    if (there) return there;
    const facts = vmFacts(this.view, ref, new Map());
    return facts && this.measurement.vm(facts);
  }
}

/** The members of each bond of a host by the bond's device. */
type Bonds = ReadonlyMap<string, readonly string[]>;
const pifsOf = (view: Replica, host: string): StoredRecord<'PIF'>[] =>
  known(view.pointingAt('PIF.host', host).map((p) => view.stored('PIF', p)));
function bondsOf(view: Replica, host: string): Bonds {
  const bonds = new Map<string, string[]>();
  for (const pif of pifsOf(view, host)) {
    const bond = isNullRef(pif.bond_slave_of) ? undefined : view.stored('Bond', pif.bond_slave_of);
    const master = bond && view.stored('PIF', bond.master);
    if (master) bonds.set(master.device, [...(bonds.get(master.device) ?? []), pif.device]);
  }
  return bonds;
}

function vmFacts(view: Replica, ref: Ref<'VM'>, bonds: Bonds): VmFacts | undefined {
  const vm = view.stored('VM', ref);
  if (!vm) return undefined;
  const metrics = view.stored('VM_metrics', vm.metrics);
  const guest = isNullRef(vm.guest_metrics) ? undefined : view.stored('VM_guest_metrics', vm.guest_metrics);
  return {
    uuid: vm.uuid,
    isControlDomain: vm.is_control_domain,
    vcpus: Math.max(1, metrics?.VCPUs_number ?? vm.VCPUs_at_startup),
    memoryBytes: metrics?.memory_actual ?? vm.memory_target,
    targetBytes: vm.memory_target,
    dynamicMinBytes: vm.memory_dynamic_min,
    dynamicMaxBytes: vm.memory_dynamic_max,
    since: rrd.firstSlot(metrics ? secondsOf(metrics.start_time) : 0),
    hasAgent: guest?.PV_drivers_detected ?? false,
    nics: known(view.pointingAt('VIF.VM', ref).map((v) => view.stored('VIF', v))).map((vif) => ({
      device: vif.device,
      through: carriers(view, vif.network, vm.resident_on, bonds),
    })),
    disks: known(view.pointingAt('VBD.VM', ref).map((b) => view.stored('VBD', b)))
      .filter((vbd) => vbd.type !== 'Floppy')
      .map((vbd) => ({
        device: vbd.device || deviceName(vbd.userdevice),
        sr: vbd.empty ? undefined : srOf(view, vbd.VDI),
      })),
  };
}

const srOf = (view: Replica, vdi: string): string | undefined =>
  view.stored('SR', view.stored('VDI', vdi)?.SR ?? nullRef())?.uuid;

/** Which interfaces of a host carry the traffic of a network. */
function carriers(view: Replica, network: string, host: string, bonds: Bonds): NicFacts['through'] {
  const pif = known(view.pointingAt('PIF.network', network).map((p) => view.stored('PIF', p))).find(
    (p) => p.host === host,
  );
  if (!pif) return [];
  const members = bonds.get(pif.device) ?? [];
  return [
    { device: pif.device, part: 1 },
    ...members.map((device) => ({ device, part: 1 / members.length })),
  ];
}

function hostFacts(view: Replica, ref: Ref<'host'>): HostFacts | undefined {
  const host = view.stored('host', ref);
  if (!host) return undefined;
  const metrics = view.stored('host_metrics', host.metrics);
  const [pool] = known([...view.refs('pool')].map((p) => view.stored('pool', p)));
  const srs = known(view.pointingAt('PBD.host', ref).map((p) => view.stored('PBD', p)))
    .filter((pbd) => pbd.currently_attached)
    .map((pbd) => view.stored('SR', pbd.SR));
  return {
    uuid: host.uuid,
    cpus: Math.max(1, view.pointingAt('host_cpu.host', ref).length),
    cpuMhz: Number.parseInt(host.cpu_info['speed'] ?? '', 10) || 2000,
    memoryTotalBytes: metrics?.memory_total ?? 0,
    memoryFreeBytes: metrics?.memory_free ?? 0,
    since: rrd.firstSlot(Number.parseFloat(host.other_config['boot_time'] ?? '') || 0),
    pifs: pifDevices(pifsOf(view, ref)),
    srs: known(srs).map((sr) => ({ uuid: sr.uuid, cache: sr.local_cache_enabled })),
    ...(pool?.master === ref ? { pool: { sessions: view.count('session'), tasks: view.count('task') } } : {}),
    callerGroups:
      pool?.master === ref
        ? [
            ...new Set(
              known([...view.refs('Caller')].map((c) => view.stored('Caller', c))).flatMap((c) => c.groups),
            ),
          ].sort()
        : [],
    ...(pool?.ha_enabled
      ? { statefiles: pool.ha_statefiles.map((vdi) => view.stored('VDI', vdi)?.uuid ?? vdi) }
      : {}),
  };
}

/** Every device once: a VLAN has the name of what it is on. The one that carries management comes first. */
function pifDevices(
  pifs: readonly StoredRecord<'PIF'>[],
): { readonly device: string; readonly physical: boolean }[] {
  const sorted = [...pifs]
    .filter((p) => p.VLAN < 0)
    .sort((a, b) => Number(b.management) - Number(a.management) || a.device.localeCompare(b.device));
  return [...new Map(sorted.map((p) => [p.device, { device: p.device, physical: p.physical }])).values()];
}
