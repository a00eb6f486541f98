/** Fields that are computed when they are read: what may be done with an object now, by the very predicates that guard the calls. */
import {
  hostLifecycle,
  poolLifecycle,
  srLifecycle,
  vbdLifecycle,
  vdiLifecycle,
  vifLifecycle,
  vmApplianceLifecycle,
  vmLifecycle,
  vtpmLifecycle,
  vusbLifecycle,
} from '@xenplane/domain';
import { enums, type ClassName, type StoredRecord } from '@xenplane/model';
import type { Derivations, Replica } from '@xenplane/store';
import { subroles } from './permissions';
import { hostFromReplica, poolFromReplica, srFromReplica, vbdFromReplica, vdiFromReplica, vifFromReplica, vmFromReplica, vusbFromReplica } from './subjects';
import { isFinal } from './tasks';
import { isThick, setAsideBytes } from './thick';

type Stale = readonly (readonly [ClassName, string])[];
type Raw = Readonly<Record<string, unknown>>;
const as = <N extends ClassName>(record: Raw): StoredRecord<N> => record as StoredRecord<N>;
/** A refusal that only says no is never thrown: where it was made is of no interest, and costly to find out. */
function allowed(operations: () => readonly string[] | undefined): Raw {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return { allowed_operations: operations() ?? [] };
  } finally {
    Error.stackTraceLimit = limit;
  }
}
const whenIdle = (current: Readonly<Record<string, string>>, all: readonly string[] | undefined): readonly string[] =>
  Object.keys(current).length > 0 ? [] : (all ?? []);
const devicesOf = (view: Replica, vm: string): Stale => [
  ...view.pointingAt('VBD.VM', vm).map((b) => ['VBD', b] as const),
  ...view.pointingAt('VIF.VM', vm).map((v) => ['VIF', v] as const),
  ...view.pointingAt('VUSB.VM', vm).map((v) => ['VUSB', v] as const),
];

/** What all disks of a repository may come to hold. */
const asideIn = (view: Replica, sr: string): number =>
  view.pointingAt('VDI.SR', sr).reduce((sum, ref) => {
    const vdi = view.stored('VDI', ref);
    return vdi ? sum + setAsideBytes(vdi) : sum;
  }, 0);

export const derivations: Derivations = {
  VM: {
    derive: (record, ref, view) => allowed(() => vmLifecycle.allowedOperations(vmFromReplica(view, ref, as<'VM'>(record)))),
    stales: (record, ref, view) => [
      ...devicesOf(view, ref),
      ...view.pointingAt('VTPM.VM', ref).map((v) => ['VTPM', v] as const),
      ['VM_appliance', as<'VM'>(record).appliance],
    ],
  },
  VM_appliance: {
    derive: (record, ref, view) => {
      const states = view.pointingAt('VM.appliance', ref).flatMap((vm) => view.stored('VM', vm)?.power_state ?? []);
      return allowed(() => vmApplianceLifecycle.allowedOperations({ ref, appliance: as<'VM_appliance'>(record), states }));
    },
  },
  VTPM: {
    derive: (record, _ref, view) => {
      const vm = as<'VTPM'>(record).VM;
      const power_state = view.stored('VM', vm)?.power_state;
      return allowed(() => power_state && vtpmLifecycle.allowedOperations({ vm, power_state }));
    },
  },
  VM_guest_metrics: {
    derive: () => ({}),
    stales: (_record, ref, view) => view.pointingAt('VM.guest_metrics', ref).flatMap((vm): Stale => [['VM', vm], ...devicesOf(view, vm)]),
  },
  VBD: {
    derive: (record, ref, view) => {
      const subject = vbdFromReplica(view, ref, as<'VBD'>(record));
      return allowed(() => subject && vbdLifecycle.allowedOperations(subject));
    },
  },
  VIF: {
    derive: (record, ref, view) => {
      const subject = vifFromReplica(view, ref, as<'VIF'>(record));
      return allowed(() => subject && vifLifecycle.allowedOperations(subject));
    },
  },
  VUSB: {
    derive: (record, ref, view) => {
      const subject = vusbFromReplica(view, ref, as<'VUSB'>(record));
      return allowed(() => subject && vusbLifecycle.allowedOperations(subject));
    },
    stales: (record) => [['VM', as<'VUSB'>(record).VM]],
  },
  VGPU: { derive: () => ({}), stales: (record) => [['VM', as<'VGPU'>(record).VM]] },
  VDI: {
    derive: (record, ref, view) => {
      const subject = vdiFromReplica(view, ref, as<'VDI'>(record));
      const sr = view.stored('SR', as<'VDI'>(record).SR);
      const aside = sr && isThick(sr) ? { physical_utilisation: setAsideBytes(as<'VDI'>(record)) } : {};
      return { ...allowed(() => subject && vdiLifecycle.allowedOperations(subject)), ...aside };
    },
    stales: (_record, ref, view) =>
      view.pointingAt('VBD.VDI', ref).flatMap((vbd): Stale => [
        ['VBD', vbd],
        ['VM', view.stored('VBD', vbd)?.VM ?? ''],
      ]),
  },
  SR: {
    derive: (record, ref, view) => ({
      ...allowed(() => srLifecycle.allowedOperations(srFromReplica(view, ref, as<'SR'>(record)))),
      ...(isThick(as<'SR'>(record)) ? { physical_utilisation: asideIn(view, ref) } : {}),
    }),
  },
  PBD: {
    derive: () => ({}),
    stales: (record, _ref, view) => [['SR', as<'PBD'>(record).SR], ...view.pointingAt('VDI.SR', as<'PBD'>(record).SR).map((vdi) => ['VDI', vdi] as const)],
  },
  host: { derive: (record, ref, view) => allowed(() => hostLifecycle.allowedOperations(hostFromReplica(view, ref, as<'host'>(record)))) },
  host_metrics: { derive: () => ({}), stales: (_record, ref, view) => view.pointingAt('host.metrics', ref).map((host) => ['host', host] as const) },
  role: { derive: (_record, ref) => ({ subroles: subroles(ref) }) },
  pool: { derive: (record, ref, view) => allowed(() => poolLifecycle.allowedOperations(poolFromReplica(view, ref, as<'pool'>(record)))) },
  network_sriov: {
    derive: () => ({}),
    stales: (record, _ref, view) =>
      view.pointingAt('VIF.network', view.stored('PIF', as<'network_sriov'>(record).logical_PIF)?.network ?? '').map((vif) => ['VIF', vif] as const),
  },
  Cluster: { derive: (record) => allowed(() => whenIdle(as<'Cluster'>(record).current_operations, enums.cluster_operation.values)) },
  Cluster_host: { derive: (record) => allowed(() => whenIdle(as<'Cluster_host'>(record).current_operations, enums.cluster_host_operation.values)) },
  task: { derive: (record) => ({ allowed_operations: isFinal(as<'task'>(record).status) ? [] : ['cancel'] }) },
};
