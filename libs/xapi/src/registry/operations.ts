/** Every call that is durable work: how it is admitted when it is asked for, and what the scheduler then does. */
import { classes, type OperationsOf } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Operation, Run } from '@xenplane/work';
import { admittedRun, type OperationHandler } from '../begin/admitted-run';
import type { Plane } from '../core/context';
import { poolJoin } from '../pool-join/pool.join';
import { poolSyncUpdates } from '../pool/updates/pool.sync_updates';
import { vbdOperations, vifOperations } from '../vm/hotplug';
import { hostConsole } from '../host/host.console';
import { hostEvacuate } from '../host/host.evacuate';
import { hostFailover } from '../host/host.failover';
import { hostPower } from '../host/host.power';
import { hostReport } from '../host/host.report';
import { vdiOperations } from '../storage/vdi.copy';
import { vifConfigure } from '../network/vif.configure';
import { vmCopy } from '../vm/vm.copy';
import { vmImport } from '../transfer/vm.import';
import { vmLive } from '../vm/vm.live';
import { vmMigrate } from '../migration/within-pool/vm.migrate';
import { vmMigrateSend } from '../migration/vm.migrate-send';
import { vmPause } from '../vm/vm.pause';
import { vmReboot } from '../vm/vm.reboot';
import { vmRevert } from '../vm/snapshots/vm.revert';
import { vmShutdown } from '../vm/vm.shutdown';
import { vmSnapshot } from '../vm/snapshots/vm.snapshot';
import { applianceOperations } from '../vm/vm-appliance.start';
import { vmssOperations } from '../vm/snapshots/vmss.run';
import { vmStart } from '../vm/vm.start';
import { vmSuspend } from '../vm/vm.suspend';

function handlers(plane: Plane): ReadonlyMap<string, OperationHandler> {
  const VM: OperationsOf<typeof classes.VM, Run<Tx>> = {
    ...vmStart(plane),
    ...vmShutdown(plane),
    ...vmReboot(plane),
    ...vmPause(plane),
    ...vmSuspend(plane),
    ...vmLive(plane),
    ...vmCopy(plane),
    ...vmImport(plane),
    ...vmSnapshot(plane),
    ...vmRevert(plane),
    ...vmMigrate(plane),
    ...vmMigrateSend(plane),
  };
  const pool: OperationsOf<typeof classes.pool, Run<Tx>> = { ...poolJoin(plane), ...poolSyncUpdates(plane) };
  const VBD: OperationsOf<typeof classes.VBD, Run<Tx>> = vbdOperations(plane);
  const VIF: OperationsOf<typeof classes.VIF, Run<Tx>> = { ...vifOperations(plane), ...vifConfigure(plane) };
  const VDI: OperationsOf<typeof classes.VDI, Run<Tx>> = vdiOperations(plane);
  const VM_appliance: OperationsOf<typeof classes.VM_appliance, Run<Tx>> = applianceOperations(plane);
  const VMSS: OperationsOf<typeof classes.VMSS, Run<Tx>> = vmssOperations(plane);
  const host: OperationsOf<typeof classes.host, Run<Tx>> = {
    ...hostEvacuate(plane),
    ...hostFailover(plane),
    ...hostPower(plane),
    ...hostConsole(plane),
    ...hostReport(plane),
  };
  return new Map(
    Object.entries({ pool, VM, VBD, VIF, VDI, host, VM_appliance, VMSS }).flatMap(([cls, calls]) =>
      Object.entries(calls).map(([call, handler]): [string, OperationHandler] => [
        `${cls}.${call}`,
        handler as OperationHandler,
      ]),
    ),
  );
}

/** The worker's functions, by method. Work that was accepted while its object was busy is admitted first. */
export function operationsOf(plane: Plane): ReadonlyMap<string, Operation<Tx>> {
  return new Map(
    [...handlers(plane)].map(([method, handler]) => [
      method,
      (run, params) => admittedRun(plane, method, handler, run, params),
    ]),
  );
}
