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
import type { Derivations, Lookers, Replica } from '@xenplane/store';
import { subroles } from '../people/permissions';
import {
  hostFromReplica,
  poolFromReplica,
  srFromReplica,
  vbdFromReplica,
  vdiFromReplica,
  vifFromReplica,
  vmFromReplica,
  vusbFromReplica,
} from '../begin/lifecycle-subjects';
import { isFinal } from '../begin/tasks';
import { isThick, allocatedBytes } from '../storage/thick-provisioning';

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
const whenIdle = (
  current: Readonly<Record<string, string>>,
  all: readonly string[] | undefined,
): readonly string[] => (Object.keys(current).length > 0 ? [] : (all ?? []));
const these = (cls: ClassName, refs: Iterable<string>): Lookers =>
  [...refs].map((ref) => [cls, ref] as const);
const devicesOf = (_vm: Raw, vm: string, view: Replica): Lookers => [
  ...these('VBD', view.pointingAt('VBD.VM', vm)),
  ...these('VIF', view.pointingAt('VIF.VM', vm)),
  ...these('VUSB', view.pointingAt('VUSB.VM', vm)),
];
/** The VM that a device belongs to. */
const ownVm = (device: Raw): Lookers => [['VM', String(device['VM'])]];
const vmsOfDisk = (_vdi: Raw, vdi: string, view: Replica): Lookers =>
  view.pointingAt('VBD.VDI', vdi).flatMap((vbd): Lookers => [['VM', view.stored('VBD', vbd)?.VM ?? '']]);
/** Devices of the VM whose guest says this. */
const devicesOfGuest =
  (cls: 'VBD' | 'VIF') =>
  (_metrics: Raw, metrics: string, view: Replica): Lookers =>
    view
      .pointingAt('VM.guest_metrics', metrics)
      .flatMap((vm) => these(cls, view.pointingAt(`${cls}.VM`, vm)));
/** Of a connection that is gone nobody knows to what it led. */
const disksIn = (sr: unknown, view: Replica): Lookers =>
  these('VDI', typeof sr === 'string' ? view.pointingAt('VDI.SR', sr) : view.refs('VDI'));
const nicsOn = (network: unknown, view: Replica): Lookers =>
  these('VIF', typeof network === 'string' ? view.pointingAt('VIF.network', network) : view.refs('VIF'));
const isHaState = (view: Replica, vdi: string): boolean =>
  ['ha_statefile', 'redo_log'].includes(view.stored('VDI', vdi)?.type ?? '');
const thickSrOf = (vdi: Raw, _ref: string, view: Replica): Lookers => {
  const { SR } = as<'VDI'>(vdi);
  const sr = view.stored('SR', SR);
  return sr && isThick(sr) ? [['SR', SR]] : [];
};

/** The largest size to which all disks of a repository may grow. */
const asideIn = (view: Replica, sr: string): number =>
  view.pointingAt('VDI.SR', sr).reduce((sum, ref) => {
    const vdi = view.stored('VDI', ref);
    return vdi ? sum + allocatedBytes(vdi) : sum;
  }, 0);

/**
 * Each class with its derived fields, and with what those of others look at. A rule that looks at one more field of another
 * object needs it named here, or clients that live on events are not shown the change.
 */
export const derivations: Derivations<Replica> = {
  VM: {
    derive: (record, ref, view) =>
      allowed(() => vmLifecycle.allowedOperations(vmFromReplica(view, ref, as<'VM'>(record)))),
    looks: [
      {
        fields: [
          'power_state',
          'current_operations',
          'domain_type',
          'HVM_boot_policy',
          'is_control_domain',
          'domid',
          'guest_metrics',
        ],
        by: devicesOf,
      },
      {
        fields: ['power_state'],
        by: (vm, ref, view) => [
          ...these('VTPM', view.pointingAt('VTPM.VM', ref)),
          ['VM_appliance', as<'VM'>(vm).appliance],
        ],
      },
    ],
  },
  VM_appliance: {
    derive: (record, ref, view) => {
      const states = view
        .pointingAt('VM.appliance', ref)
        .flatMap((vm) => view.stored('VM', vm)?.power_state ?? []);
      return allowed(() =>
        vmApplianceLifecycle.allowedOperations({ ref, appliance: as<'VM_appliance'>(record), states }),
      );
    },
  },
  VTPM: {
    derive: (record, _ref, view) => {
      const vm = as<'VTPM'>(record).VM;
      const power_state = view.stored('VM', vm)?.power_state;
      return allowed(() => power_state && vtpmLifecycle.allowedOperations({ vm, power_state }));
    },
    looks: [{ fields: ['VM'], by: ownVm }],
  },
  VM_guest_metrics: {
    looks: [
      {
        fields: ['other', 'PV_drivers_detected'],
        by: (_metrics, ref, view) => these('VM', view.pointingAt('VM.guest_metrics', ref)),
      },
      { fields: ['PV_drivers_detected', 'can_use_hotplug_vbd'], by: devicesOfGuest('VBD') },
      { fields: ['PV_drivers_detected', 'can_use_hotplug_vif'], by: devicesOfGuest('VIF') },
    ],
  },
  VM_metrics: {
    looks: [
      {
        fields: ['nomigrate', 'nested_virt'],
        by: (_metrics, ref, view) => these('VM', view.pointingAt('VM.metrics', ref)),
      },
    ],
  },
  VBD: {
    derive: (record, ref, view) => {
      const subject = vbdFromReplica(view, ref, as<'VBD'>(record));
      return allowed(() => subject && vbdLifecycle.allowedOperations(subject));
    },
    looks: [
      {
        fields: ['VDI', 'currently_attached', 'mode', 'current_operations'],
        by: (vbd) => [['VDI', as<'VBD'>(vbd).VDI]],
      },
      { fields: ['VDI', 'empty', 'type'], by: ownVm },
    ],
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
    looks: [{ fields: ['VM'], by: ownVm }],
  },
  VGPU: { looks: [{ fields: ['VM'], by: ownVm }] },
  VDI: {
    derive: (record, ref, view) => {
      const subject = vdiFromReplica(view, ref, as<'VDI'>(record));
      const sr = view.stored('SR', as<'VDI'>(record).SR);
      const aside = sr && isThick(sr) ? { physical_utilisation: allocatedBytes(as<'VDI'>(record)) } : {};
      return { ...allowed(() => subject && vdiLifecycle.allowedOperations(subject)), ...aside };
    },
    looks: [
      {
        fields: ['managed', 'current_operations'],
        by: (_vdi, ref, view) => these('VBD', view.pointingAt('VBD.VDI', ref)),
      },
      { fields: ['on_boot'], by: vmsOfDisk },
      { fields: ['SR', 'managed', 'type'], by: (vdi) => [['SR', as<'VDI'>(vdi).SR]] },
      { fields: ['virtual_size', 'physical_utilisation', 'is_a_snapshot'], by: thickSrOf },
    ],
  },
  SR: {
    derive: (record, ref, view) => ({
      ...allowed(() => srLifecycle.allowedOperations(srFromReplica(view, ref, as<'SR'>(record)))),
      ...(isThick(as<'SR'>(record)) ? { physical_utilisation: asideIn(view, ref) } : {}),
    }),
    looks: [
      {
        fields: ['type', 'is_tools_sr', 'sm_config'],
        by: (_sr, ref, view) => disksIn(ref, view),
        seldom: true,
      },
    ],
  },
  PBD: {
    looks: [
      {
        fields: ['SR', 'currently_attached'],
        by: (pbd, _ref, view) => [['SR', String(pbd['SR'])], ...disksIn(pbd['SR'], view)],
      },
    ],
  },
  host: {
    derive: (record, ref, view) =>
      allowed(() => hostLifecycle.allowedOperations(hostFromReplica(view, ref, as<'host'>(record)))),
  },
  host_metrics: {
    looks: [
      { fields: ['live'], by: (_metrics, ref, view) => these('host', view.pointingAt('host.metrics', ref)) },
    ],
  },
  role: { derive: (_record, ref) => ({ subroles: subroles(ref) }) },
  pool: {
    derive: (record, ref, view) =>
      allowed(() => poolLifecycle.allowedOperations(poolFromReplica(view, ref, as<'pool'>(record)))),
    looks: [
      {
        fields: ['ha_enabled'],
        by: (_pool, _ref, view) =>
          these(
            'VDI',
            [...view.refs('VDI')].filter((vdi) => isHaState(view, vdi)),
          ),
        seldom: true,
      },
    ],
  },
  PIF: {
    looks: [
      {
        fields: ['network'],
        by: (pif, _ref, view) => (view.count('network_sriov') > 0 ? nicsOn(pif['network'], view) : []),
      },
    ],
  },
  network_sriov: {
    looks: [
      {
        fields: ['logical_PIF'],
        by: (sriov, _ref, view) => nicsOn(view.stored('PIF', String(sriov['logical_PIF']))?.network, view),
      },
    ],
  },
  Cluster: {
    derive: (record) =>
      allowed(() => whenIdle(as<'Cluster'>(record).current_operations, enums.cluster_operation.values)),
    looks: [{ fields: [], by: (_cluster, _ref, view) => these('pool', view.refs('pool')) }],
  },
  Cluster_host: {
    derive: (record) =>
      allowed(() =>
        whenIdle(as<'Cluster_host'>(record).current_operations, enums.cluster_host_operation.values),
      ),
  },
  task: {
    derive: (record) => ({ allowed_operations: isFinal(as<'task'>(record).status) ? [] : ['cancel'] }),
  },
};
