/** The handler of each message. A class that has calls to answer and is missing here does not compile. */
import { classes, type CallsOf, type Mode } from '@xenplane/model';
import type { Context, Outside } from '../core/context';
import { nbdInfo } from '../storage/nbd';
import type { OpenedDatabases } from '../recovery/foreign-database';
import type { Sessions } from '../api/sessions';
import { blobCalls } from '../storage/blob';
import { consoleOverrides } from '../vm/guest/console';
import { crashdumpCalls } from '../vm/guest/crashdump';
import { diagnosticsCalls } from '../api/diagnostics';
import { authCalls } from '../api/auth';
import { drTaskCalls } from '../storage/dr-task';
import { bondCalls } from '../network/bond';
import { clusterCalls } from '../network/cluster';
import { clusterHostCalls } from '../network/cluster-host';
import { eventCalls } from '../api/event';
import { gpuGroupCalls, pgpuCalls, vgpuCalls } from '../graphics/graphics';
import { hostCalls } from '../host/host';
import { hostCrashdumpCalls } from '../host/host-crashdump';
import { driverVariantCalls, hostDriverCalls } from '../host/host-driver';
import { hostPatchCalls } from '../host/host-patch';
import { lvhdCalls } from '../storage/lvhd';
import { messageCalls } from '../core/message';
import { networkCalls, networkOverrides } from '../network/network';
import { networkSriovCalls } from '../network/network-sriov';
import { observerCalls, observerOverrides } from '../api/observer';
import { pbdCalls, pbdOverrides } from '../storage/pbd';
import { pciCalls } from '../graphics/pci';
import { pifCalls } from '../network/pif';
import { poolCalls, poolOutside } from '../pool/pool';
import { hostAuthOutside } from '../pool/pool-auth';
import { poolPatchCalls } from '../pool/updates/pool-patch';
import { poolUpdateCalls } from '../pool/updates/pool-update';
import { pvsCacheStorageOverrides, pvsProxyCalls, pvsServerCalls, pvsSiteCalls } from '../network/pvs';
import { callerCalls, callerOverrides, rateLimitCalls, rateLimitOverrides } from '../api/rate-limit';
import { applianceRecovery, vdiOutside, vmRecoveryOutside } from '../recovery/recovery';
import { repositoryCalls } from '../pool/updates/repository';
import { roleCalls, roleOverrides } from '../people/role';
import { sdnControllerCalls } from '../network/sdn-controller';
import { sessionCalls } from '../api/session';
import { sessionOverrides } from '../api/session-rights';
import { srCalls } from '../storage/sr';
import { subjectCalls, subjectOverrides } from '../people/subject';
import { taskCalls } from '../begin/task';
import { tunnelCalls } from '../network/tunnel';
import { pusbCalls, usbGroupCalls, vusbCalls } from '../graphics/usb';
import { vbdCalls, vbdOverrides } from '../storage/vbd';
import { vdiCalls, vdiOverrides } from '../storage/vdi';
import { trackingOutside } from '../storage/vdi-tracking';
import { vifCalls, vifOverrides } from '../network/vif';
import { vlanCalls } from '../network/vlan';
import { vmCalls, vmOverrides } from '../vm/vm';
import { applianceOverrides, groupOverrides } from '../vm/vm-appliance';
import { vmMigrateOutside } from '../migration/vm-migrate';
import { vmssCalls, vmssOverrides } from '../vm/snapshots/vmss';
import { vtpmCalls } from '../vm/vtpm';

type Classes = typeof classes;
type Answering<C extends keyof Classes> = {
  [K in keyof Classes[C]['calls']]: Classes[C]['calls'][K] extends { readonly runs: infer M extends Mode }
    ? M extends 'now'
      ? K
      : never
    : never;
}[keyof Classes[C]['calls']];
type AnsweringClass = { [C in keyof Classes]: [Answering<C>] extends [never] ? never : C }[keyof Classes];
type Args = Readonly<Record<string, unknown>>;
export type Handler<C> = (context: C, args: Args) => Promise<unknown>;

type Mixed = {
  readonly host: typeof hostCalls;
  readonly pool: typeof poolCalls;
  readonly VDI: typeof vdiCalls;
  readonly VM: typeof vmCalls;
};
const inTransaction: {
  [C in Exclude<AnsweringClass, 'session' | 'event' | 'auth' | 'VM_appliance' | keyof Mixed>]: CallsOf<
    Classes[C],
    Context
  >;
} & Mixed = {
  blob: blobCalls,
  crashdump: crashdumpCalls,
  Diagnostics: diagnosticsCalls,
  DR_task: drTaskCalls,
  Bond: bondCalls,
  Caller: callerCalls,
  Cluster: clusterCalls,
  Cluster_host: clusterHostCalls,
  Driver_variant: driverVariantCalls,
  GPU_group: gpuGroupCalls,
  host: hostCalls,
  host_crashdump: hostCrashdumpCalls,
  host_patch: hostPatchCalls,
  Host_driver: hostDriverCalls,
  LVHD: lvhdCalls,
  message: messageCalls,
  network: networkCalls,
  network_sriov: networkSriovCalls,
  Observer: observerCalls,
  PBD: pbdCalls,
  PCI: pciCalls,
  PGPU: pgpuCalls,
  PIF: pifCalls,
  pool: poolCalls,
  PUSB: pusbCalls,
  PVS_proxy: pvsProxyCalls,
  PVS_server: pvsServerCalls,
  PVS_site: pvsSiteCalls,
  Rate_limit: rateLimitCalls,
  pool_patch: poolPatchCalls,
  pool_update: poolUpdateCalls,
  Repository: repositoryCalls,
  role: roleCalls,
  SDN_controller: sdnControllerCalls,
  SR: srCalls,
  subject: subjectCalls,
  task: taskCalls,
  tunnel: tunnelCalls,
  USB_group: usbGroupCalls,
  VBD: vbdCalls,
  VDI: vdiCalls,
  VGPU: vgpuCalls,
  VIF: vifCalls,
  VLAN: vlanCalls,
  VM: vmCalls,
  VMSS: vmssCalls,
  VTPM: vtpmCalls,
  VUSB: vusbCalls,
};
const overrides = {
  role: roleOverrides,
  session: sessionOverrides,
  subject: subjectOverrides,
  Caller: callerOverrides,
  network: networkOverrides,
  Observer: observerOverrides,
  PVS_cache_storage: pvsCacheStorageOverrides,
  Rate_limit: rateLimitOverrides,
  PBD: pbdOverrides,
  VBD: vbdOverrides,
  VDI: vdiOverrides,
  VIF: vifOverrides,
  VM: vmOverrides,
  console: consoleOverrides,
  VM_appliance: applianceOverrides,
  VM_group: groupOverrides,
  VMSS: vmssOverrides,
};

/** The types above have said that each handler takes what the model declares; from here on only names matter. */
function byName<C>(...groups: readonly Readonly<Record<string, object>>[]): ReadonlyMap<string, Handler<C>> {
  return new Map(
    groups.flatMap((group) =>
      Object.entries(group).flatMap(([cls, calls]) =>
        Object.entries(calls).map(([call, handler]): [string, Handler<C>] => [
          `${cls}.${call}`,
          handler as Handler<C>,
        ]),
      ),
    ),
  );
}

/** Calls that are answered inside one transaction. */
export const handledMessages = byName<Context>(inTransaction, overrides);

/** Calls that wait, or that come before there is a session: they make transactions of their own. */
export const outsideCalls = (
  sessions: Sessions,
  databases: OpenedDatabases,
): ReadonlyMap<string, Handler<Outside>> =>
  byName<Outside>({
    auth: authCalls,
    host: hostAuthOutside,
    pool: poolOutside,
    session: sessionCalls(sessions),
    event: eventCalls(sessions),
    VDI: { ...vdiOutside, ...trackingOutside, get_nbd_info: nbdInfo },
    VM: { ...vmRecoveryOutside(sessions, databases), ...vmMigrateOutside },
    VM_appliance: applianceRecovery(sessions, databases),
  });
