/** Every way to stop a VM: the guest is asked, or not. A suspended VM only loses its saved memory. */
import { classes, isNullRef, nullRef, XenError, type OperationParams, type Ref } from '@xenplane/model';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import { Superseded } from '../core/agents';
import { raiseVmAlert } from '../core/alerts';
import { showHalted } from '../tables/runs/halted-runs';
import { beginStop, haltVm, changeRunState, patienceOf, steadfast, type RunRow } from '../tables/runs/vm-run';
import { removeVdi } from '../storage/vdi-clone';
import type { Plane } from '../core/context';

type How = 'clean' | 'hard';

export const vmShutdown = (plane: Plane) => ({
  clean_shutdown: (run: Run<Tx>, { vm }: OperationParams<typeof classes.VM, 'clean_shutdown'>) =>
    stop(plane, run, vm, 'clean'),
  hard_shutdown: (run: Run<Tx>, { vm }: OperationParams<typeof classes.VM, 'hard_shutdown'>) =>
    stop(plane, run, vm, 'hard'),
  /** The guest is asked first; one that will not is stopped. */
  shutdown: (run: Run<Tx>, { vm }: OperationParams<typeof classes.VM, 'shutdown'>) =>
    stop(plane, run, vm, 'clean', 'hard'),
});

async function stop(plane: Plane, run: Run<Tx>, vm: Ref<'VM'>, how: How, otherwise?: How): Promise<void> {
  const placed = await run.commit(
    'stop',
    async (tx) => (await beginStop(tx, vm)) ?? (await discard(tx, vm)) ?? null,
    (tx, row) => resume(tx, vm, row),
  );
  if (!placed) return run.conclude('show', (tx) => tellStopped(plane, tx, vm, how));
  await run.step('halt', () => haltDomain(plane, run, placed, how, otherwise));
  const halted = run.pointOfNoReturn('halted', { show: (tx) => haltVm(tx, vm, placed.vmEpoch) });
  return halted.conclude('show', async (tx) => {
    await haltVm(tx, vm, placed.vmEpoch);
    await forgetSaved(tx, vm);
    await tellStopped(plane, tx, vm, how, placed.host);
  });
}

/** A user who stops a VM does not want it started again by high availability. */
async function tellStopped(plane: Plane, tx: Tx, vm: Ref<'VM'>, how: How, host?: Ref<'host'>): Promise<void> {
  tx.leave('UPDATE vm SET ha_always_run = false WHERE ref = $1 AND ha_always_run', [vm]);
  await raiseVmAlert(tx, plane, {
    vm,
    name: 'VM_SHUTDOWN',
    text: how === 'clean' ? 'was shut down' : 'was stopped by force',
    host,
  });
}

async function haltDomain(
  plane: Plane,
  run: Run<Tx>,
  placed: RunRow,
  how: How,
  otherwise?: How,
): Promise<void> {
  try {
    await plane.agents.ensure(
      placed,
      { state: 'stopped', how },
      how === 'clean' ? patienceOf(run) : steadfast,
    );
  } catch (error) {
    if (error instanceof Superseded) return;
    // A task that is stopped, or parked, has not been refused by the guest.
    if (!otherwise || !(error instanceof XenError)) throw error;
    await haltDomain(plane, run, placed, otherwise);
  }
}

/** A guest that did not obey, or a task that was stopped: the VM runs on. */
async function resume(tx: Tx, vm: Ref<'VM'>, placed: RunRow | null): Promise<void> {
  if (placed) await changeRunState(tx, vm, placed.vmEpoch, ['S'], 'R');
}

/** Nothing runs: a suspended VM is halted by forgetting what it had saved. It may be resumed at any moment: what runs once it is locked is answered, to be stopped. */
async function discard(tx: Tx, vm: Ref<'VM'>): Promise<RunRow | undefined> {
  const record = await tx.lock('VM', vm);
  const begun = await beginStop(tx, vm);
  if (begun) return begun;
  if (!isNullRef(record.suspend_VDI)) await dropSuspendVdi(tx, record.suspend_VDI);
  await showHalted(tx, [vm]);
  await tx.update('VM', vm, { suspend_VDI: nullRef() });
  return undefined;
}

/** A VM that was stopped while it was being resumed has its saved memory still. */
export async function forgetSaved(tx: Tx, vm: Ref<'VM'>): Promise<void> {
  const { power_state, suspend_VDI } = await tx.lock('VM', vm);
  if (power_state !== 'Halted' || isNullRef(suspend_VDI)) return;
  await dropSuspendVdi(tx, suspend_VDI);
  await tx.update('VM', vm, { suspend_VDI: nullRef() });
}

export async function dropSuspendVdi(tx: Tx, vdi: Ref<'VDI'>): Promise<void> {
  const [present] = await tx.getMany('VDI', [vdi]);
  if (present) await removeVdi(tx, present);
}
