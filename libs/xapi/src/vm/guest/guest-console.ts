/** The contents of a console follow from the records of its VM. */
import type { guestConsole } from '@xenplane/domain';
import { isNullRef, type Ref, type StoredRecord } from '@xenplane/model';
import type { Replica } from '@xenplane/store';
import { secondsOf } from '../../metrics/facts';

export interface RunningGuest {
  readonly facts: guestConsole.GuestFacts;
  /** When it was started, in seconds. */
  readonly started: number;
}

const known = <T>(values: readonly (T | undefined)[]): T[] => values.filter((v): v is T => v !== undefined);

/** Undefined for a VM that does not run: it has no screen. */
export function runningGuest(view: Replica, ref: Ref<'VM'>): RunningGuest | undefined {
  const vm = view.stored('VM', ref);
  if (!vm || (vm.power_state !== 'Running' && vm.power_state !== 'Paused')) return undefined;
  const metrics = view.stored('VM_metrics', vm.metrics);
  const devices = vm.is_control_domain ? ofHost(view, vm) : ofGuest(view, ref, vm);
  return {
    started: metrics ? secondsOf(metrics.start_time) : 0,
    facts: {
      ...devices,
      vcpus: metrics?.VCPUs_number ?? vm.VCPUs_at_startup,
      memoryBytes: metrics?.memory_actual ?? vm.memory_target,
    },
  };
}

type Devices = Omit<guestConsole.GuestFacts, 'vcpus' | 'memoryBytes'>;
function ofGuest(view: Replica, ref: Ref<'VM'>, vm: StoredRecord<'VM'>): Devices {
  const guest = isNullRef(vm.guest_metrics) ? undefined : view.stored('VM_guest_metrics', vm.guest_metrics);
  const vifs = known(view.pointingAt('VIF.VM', ref).map((v) => view.stored('VIF', v)));
  const vbds = known(view.pointingAt('VBD.VM', ref).map((b) => view.stored('VBD', b)));
  return {
    name: vm.name_label,
    system: guest?.os_version['name'] ?? '',
    kernel: guest?.os_version['uname'] ?? '',
    nics: sorted(vifs).map(({ device, MAC }) => ({
      device,
      mac: MAC,
      address: guest?.networks[`${device}/ip`] ?? '',
    })),
    disks: sorted(vbds.filter((b) => b.type === 'Disk' && b.device !== '')).map((b) => b.device),
    isUp: guest?.PV_drivers_detected ?? false,
  };
}

/** The control domain has the interfaces of its host. */
function ofHost(view: Replica, { resident_on }: StoredRecord<'VM'>): Devices {
  const host = view.stored('host', resident_on);
  const pifs = known(view.pointingAt('PIF.host', resident_on).map((p) => view.stored('PIF', p))).filter(
    (p) => p.physical,
  );
  return {
    name: host?.hostname ?? '',
    system:
      `${host?.software_version['product_brand'] ?? ''} ${host?.software_version['product_version'] ?? ''}`.trim(),
    kernel: host?.software_version['linux'] ?? '',
    nics: sorted(pifs).map(({ device, MAC, IP }) => ({
      device: device.replace(/^eth/, ''),
      mac: MAC,
      address: IP,
    })),
    disks: ['sda'],
    isUp: true,
  };
}

const sorted = <T extends { readonly device: string }>(devices: readonly T[]): T[] =>
  [...devices].sort((a, b) => a.device.localeCompare(b.device, 'en', { numeric: true }));
