/** Back to a snapshot: what runs is stopped, then disks, interfaces, memory and settings become the snapshot's in one change. */
import { asRef, classes, isNullRef, type OperationParams, type Ref } from '@xenplane/model';
import type { Row, Tx } from '@xenplane/store';
import type { Onward, Run } from '@xenplane/work';
import { admitVm, laterIfBusy } from '../../begin/admission';
import { raiseVmAlert } from '../../core/alerts';
import { recreate, revertTo } from './vm-snapshot';
import type { Plane } from '../../core/context';
import { markBusy, unmarkBusy } from '../../begin/busy-marks';
import { beginStop, haltVm, changeRunState, type RunRow } from '../../tables/runs/vm-run';
import { stopDomain } from '../vm.start';

export const vmRevert = (plane: Plane) => ({
  revert: (run: Run<Tx>, { snapshot }: OperationParams<typeof classes.VM, 'revert'>) =>
    revert(plane, run, snapshot),
});

interface Begun {
  /** Null when the VM has been destroyed since. */
  readonly vm: Ref<'VM'> | null;
  readonly placed: RunRow | null;
}

async function revert(plane: Plane, run: Run<Tx>, snapshot: Ref<'VM'>): Promise<void> {
  const begun = await run.commit(
    'begin',
    (tx) => begin(tx, run, snapshot),
    (tx, present) => giveUp(tx, run, present),
  );
  const onward = await halt(plane, run, begun);
  return onward.conclude('revert', (tx) => finish(plane, tx, run, { snapshot, vm: begun.vm }));
}

/** A VM that runs is stopped, and stays so whatever follows. */
async function halt(plane: Plane, run: Run<Tx>, { vm, placed }: Begun): Promise<Onward<Tx>> {
  if (!vm || !placed) return run;
  await run.step('halt', () => stopDomain(plane, placed));
  const halted = run.pointOfNoReturn('stopped', {
    show: async (tx) => {
      await haltVm(tx, vm, placed.vmEpoch);
      await unmarkBusy(tx, asRef(run.ref), marksOn(vm));
    },
  });
  await halted.commit('halted', (tx) => haltVm(tx, vm, placed.vmEpoch));
  return halted;
}

const marksOn = (vm: Ref<'VM'>): { cls: 'VM'; ref: Ref<'VM'>; op: string }[] => [
  { cls: 'VM', ref: vm, op: 'reverting' },
];

/** The VM is as busy as its snapshot: nothing else begins with it until it is what it was. */
async function begin(tx: Tx, run: Run<Tx>, ref: Ref<'VM'>): Promise<Begun> {
  const snapshot = await tx.get('VM', ref);
  const [present] = isNullRef(snapshot.snapshot_of) ? [] : await tx.getMany('VM', [snapshot.snapshot_of]);
  if (!present) return { vm: null, placed: null };
  await admitVm({ tx }, present.ref, 'reverting').catch((error: unknown) => {
    throw laterIfBusy(error);
  });
  await markBusy(tx, asRef(run.ref), marksOn(present.ref));
  return { vm: present.ref, placed: (await beginStop(tx, present.ref)) ?? null };
}

async function giveUp(tx: Tx, run: Run<Tx>, { vm, placed }: Begun): Promise<void> {
  if (!vm) return;
  if (placed) await changeRunState(tx, vm, placed.vmEpoch, ['S'], 'R');
  await unmarkBusy(tx, asRef(run.ref), marksOn(vm));
}

async function finish(
  plane: Plane,
  tx: Tx,
  run: Run<Tx>,
  { snapshot, vm }: { snapshot: Ref<'VM'>; vm: Ref<'VM'> | null },
): Promise<void> {
  const context = { plane, tx };
  const source: Row<'VM'> = await tx.lock('VM', snapshot);
  const target = vm ?? (await recreate(context, source));
  await revertTo(context, await tx.get('VM', snapshot), await tx.lock('VM', target));
  if (vm) await unmarkBusy(tx, asRef(run.ref), marksOn(vm));
  await raiseVmAlert(tx, plane, {
    vm: target,
    name: 'VM_SNAPSHOT_REVERTED',
    text: `was reverted to its snapshot '${source.name_label}'`,
  });
}
