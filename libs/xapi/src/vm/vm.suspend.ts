/** Suspend keeps the memory on a disk of type suspend and frees the host; resume is a start that loads it. */
import { classes, isNullRef, XenError, type OperationParams, type Ref } from '@xenplane/model';
import type { SavedImage, VmAnswer } from '@xenplane/hypervisor';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import { Superseded } from '../core/agents';
import { raiseVmAlert } from '../core/alerts';
import type { Plane } from '../core/context';
import { endRuns } from '../tables/runs/halted-runs';
import { beginStop, haltVm, changeRunState, patienceOf, type RunRow } from '../tables/runs/vm-run';
import { newSuspendVdi } from './suspend-disk';
import { dropSuspendVdi } from './vm.shutdown';
import { bringUp } from './vm.start';
import { keepSavedMemory } from '../tables/runs/saved-runs';

export const vmSuspend = (plane: Plane) => ({
  suspend: (run: Run<Tx>, { vm }: OperationParams<typeof classes.VM, 'suspend'>) => suspend(plane, run, vm),
  resume: (run: Run<Tx>, { vm, start_paused }: OperationParams<typeof classes.VM, 'resume'>) =>
    resume(plane, run, { vm, start_paused }),
  resume_on: (run: Run<Tx>, { vm, start_paused, host }: OperationParams<typeof classes.VM, 'resume_on'>) =>
    resume(plane, run, { vm, start_paused, host }),
});

interface Begun {
  readonly placed: RunRow;
  readonly vdi: Ref<'VDI'>;
}

async function suspend(plane: Plane, run: Run<Tx>, vm: Ref<'VM'>): Promise<void> {
  const begun = await run.commit(
    'begin',
    (tx) => begin(plane, tx, vm),
    (tx, present) => abort(tx, vm, present),
  );
  const { placed } = begun;
  const answer = await run.step('save', () => save(plane, run, placed));
  if (!answer) {
    await run.commit('ended', (tx) => haltVm(tx, vm, placed.vmEpoch));
    throw new Superseded(placed.vm, placed.host);
  }
  const ended = { ...begun, saved: answer.saved ?? {} };
  const saved = run.pointOfNoReturn('saved', {
    show: async (tx) => void ((await show(plane, tx, vm, ended)) || (await dropSuspendVdi(tx, begun.vdi))),
  });
  return saved.conclude('show', async (tx) => {
    if (!(await show(plane, tx, vm, ended))) throw new Superseded(placed.vm, placed.host);
  });
}

/** Null when the guest has ended before. */
async function save(plane: Plane, run: Run<Tx>, placed: RunRow): Promise<VmAnswer | null> {
  try {
    return await plane.agents.ensure(placed, { state: 'suspended' }, patienceOf(run));
  } catch (error) {
    if (error instanceof XenError && error.code === 'VM_HALTED') return null;
    throw error;
  }
}

/** In one transaction with the room for the memory: a VM is not stopped for a disk that has no place. */
async function begin(plane: Plane, tx: Tx, vm: Ref<'VM'>): Promise<Begun> {
  const record = await tx.lock('VM', vm);
  const placed = await beginStop(tx, vm);
  if (!placed) throw new Superseded(vm);
  return { placed, vdi: await newSuspendVdi(plane, tx, record) };
}

async function abort(tx: Tx, vm: Ref<'VM'>, { placed, vdi }: Begun): Promise<void> {
  await dropSuspendVdi(tx, vdi);
  await changeRunState(tx, vm, placed.vmEpoch, ['S'], 'R');
}

/** False when the run is over. */
async function show(
  plane: Plane,
  tx: Tx,
  vm: Ref<'VM'>,
  { placed, vdi, saved }: Begun & { readonly saved: SavedImage },
): Promise<boolean> {
  if (!(await keepSavedMemory(tx, vm, placed.vmEpoch, saved))) return false;
  await endRuns(tx, [vm]);
  await tx.query('DELETE FROM console WHERE "VM" = $1', [vm]);
  await tx.query(
    `UPDATE vm SET power_state = 'Suspended', "suspend_VDI" = $2, resident_on = NULL, scheduled_to_be_resident_on = NULL, domid = -1, ha_always_run = false WHERE ref = $1`,
    [vm, vdi],
  );
  await raiseVmAlert(tx, plane, { vm, name: 'VM_SUSPENDED', text: 'was suspended', host: placed.host });
  return true;
}

async function resume(
  plane: Plane,
  run: Run<Tx>,
  start: { vm: Ref<'VM'>; start_paused: boolean; host?: Ref<'host'> },
): Promise<void> {
  const vdi = await run.commit('read', async (tx) => (await tx.get('VM', start.vm)).suspend_VDI);
  return bringUp(plane, run, {
    ...start,
    resume: true,
    after: async (tx) => (isNullRef(vdi) ? undefined : dropSuspendVdi(tx, vdi)),
  });
}
