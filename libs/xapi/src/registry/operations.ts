/** Every call that is durable work: how it is admitted when it is asked for, and what the scheduler then does. */
import { asRef, classes, type OperationsOf, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { Later, type Operation, type Run } from '@xenplane/work';
import { Superseded } from '../core/agents';
import { admitMarked, busyLimitMs, isBusy } from '../begin/admission';
import type { Context, Plane, Session } from '../core/context';
import { systemSession } from '../core/system-session';
import { whyOvertaken } from '../begin/overtaken';
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

type Args = Readonly<Record<string, unknown>>;
type Handler = (run: Run<Tx>, args: Args) => Promise<unknown>;

function handlers(plane: Plane): ReadonlyMap<string, Handler> {
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
      Object.entries(calls).map(([call, handler]): [string, Handler] => [
        `${cls}.${call}`,
        handler as Handler,
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

async function admittedRun(
  plane: Plane,
  method: string,
  handler: Handler,
  run: Run<Tx>,
  args: Args,
): Promise<unknown> {
  if (run.context['admitted'] === false)
    await run.commit('admit', (tx) => admitLate(contextOf(plane, tx, run), method, args));
  try {
    return await handler(run, args);
  } catch (error) {
    throw error instanceof Superseded
      ? await whyOvertaken(plane.store, { ref: run.ref, method }, error)
      : error;
  }
}

async function admitLate(context: Context, method: string, args: Args): Promise<void> {
  try {
    await admitMarked(context, method, args);
  } catch (error) {
    throw isBusy(error) ? new Later(500, busyLimitMs, error) : error;
  }
}

const contextOf = (plane: Plane, tx: Tx, run: Run<Tx>): Context => ({
  plane,
  tx,
  task: asRef<'task'>(run.ref),
  session: (run.context['session'] as Session | undefined) ?? systemSession,
});
export type TaskRef = Ref<'task'>;
