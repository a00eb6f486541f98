/** Every call that is durable work: how it is admitted when it is asked for, and what the scheduler then does. */
import { asRef, classes, type OperationsOf, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import { Later, type Operation, type Run } from '@xenplane/work';
import { Superseded } from '../agents';
import { admitMarked, busyLimitMs, isBusy } from '../admission';
import type { Context, Plane, Session } from '../context';
import { whyOvertaken } from '../overtaken';
import { poolJoin } from './pool.join';
import { poolSyncUpdates } from './pool.sync_updates';
import { vbdOperations, vifOperations } from './devices';
import { hostConsole } from './host.console';
import { hostEvacuate } from './host.evacuate';
import { hostFailover } from './host.failover';
import { hostPower } from './host.power';
import { hostReport } from './host.report';
import { vdiOperations } from './vdi.copy';
import { vifConfigure } from './vif.configure';
import { vmCopy } from './vm.copy';
import { vmImport } from './vm.import';
import { vmLive } from './vm.live';
import { vmMigrate } from './vm.migrate';
import { vmMigrateSend } from './vm.migrate-send';
import { vmPause } from './vm.pause';
import { vmReboot } from './vm.reboot';
import { vmRevert } from './vm.revert';
import { vmShutdown } from './vm.shutdown';
import { vmSnapshot } from './vm.snapshot';
import { applianceOperations } from './vm-appliance';
import { vmssOperations } from './vmss';
import { vmStart } from './vm.start';
import { vmSuspend } from './vm.suspend';

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
      Object.entries(calls).map(([call, handler]): [string, Handler] => [`${cls}.${call}`, handler as Handler]),
    ),
  );
}

/** What the worker runs, by method. Work that was accepted while its object was busy is admitted first. */
export function operationsOf(plane: Plane): ReadonlyMap<string, Operation<Tx>> {
  return new Map([...handlers(plane)].map(([method, handler]) => [method, (run, params) => admittedRun(plane, method, handler, run, params)]));
}

async function admittedRun(plane: Plane, method: string, handler: Handler, run: Run<Tx>, args: Args): Promise<unknown> {
  if (run.context['admitted'] === false) await run.commit('admit', (tx) => admitLate(contextOf(plane, tx, run), method, args));
  try {
    return await handler(run, args);
  } catch (error) {
    throw error instanceof Superseded ? await whyOvertaken(plane.store, { ref: run.ref, method }, error) : error;
  }
}

async function admitLate(context: Context, method: string, args: Args): Promise<void> {
  try {
    await admitMarked(context, method, args);
  } catch (error) {
    throw isBusy(error) ? new Later(500, busyLimitMs, error) : error;
  }
}

const nobody: Session = { ref: asRef('OpaqueRef:NULL'), role: 'local-root', root: true, user: '', name: '', host: asRef('OpaqueRef:NULL') };
const contextOf = (plane: Plane, tx: Tx, run: Run<Tx>): Context => ({
  plane,
  tx,
  task: asRef<'task'>(run.ref),
  session: (run.context['session'] as Session | undefined) ?? nobody,
});
export type TaskRef = Ref<'task'>;
