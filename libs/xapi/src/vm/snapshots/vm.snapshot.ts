/** Snapshots are one change to the database; a checkpoint of a running VM also saves its memory while the guest stands still. */
import { classes, XenError, type OperationParams, type Ref } from '@xenplane/model';
import { vmLifecycle } from '@xenplane/domain';
import type { DomainSpec, SavedImage } from '@xenplane/hypervisor';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import { Superseded } from '../../core/agents';
import { raiseVmAlert } from '../../core/alerts';
import { dropSnapshot, takeSnapshot } from './vm-snapshot';
import type { Plane } from '../../core/context';
import { patienceOf, steadfast, type RunRow } from '../../tables/runs/vm-run';
import { newSuspendVdi } from '../suspend-disk';
import { describeRun } from '../vm.pause';
import { dropSuspendVdi } from '../vm.shutdown';

export const vmSnapshot = (plane: Plane) => ({
  snapshot: (
    run: Run<Tx>,
    { vm, new_name, ignore_vdis }: OperationParams<typeof classes.VM, 'snapshot'>,
  ): Promise<Ref<'VM'>> =>
    run.conclude('snapshot', (tx) => snapshot(plane, tx, { vm, name: new_name, ignore: ignore_vdis })),
  checkpoint: (
    run: Run<Tx>,
    { vm, new_name }: OperationParams<typeof classes.VM, 'checkpoint'>,
  ): Promise<Ref<'VM'>> => checkpoint(plane, run, vm, new_name),
});

interface Wanted {
  readonly vm: Ref<'VM'>;
  readonly name: string;
  readonly ignore?: readonly string[];
}

async function snapshot(plane: Plane, tx: Tx, { vm, name, ignore = [] }: Wanted): Promise<Ref<'VM'>> {
  const source = await tx.lock('VM', vm);
  const made = await takeSnapshot({ plane, tx }, { source, name, ignore });
  await raiseVmAlert(tx, plane, { vm, name: 'VM_SNAPSHOTTED', text: `was snapshotted as '${name}'` });
  return made;
}

interface Begun {
  readonly placed: RunRow;
  readonly spec: DomainSpec;
  readonly paused: boolean;
  readonly vdi: Ref<'VDI'>;
}

async function checkpoint(plane: Plane, run: Run<Tx>, vm: Ref<'VM'>, name: string): Promise<Ref<'VM'>> {
  const begun = await run.commit(
    'begin',
    (tx) => begin(plane, tx, vm),
    async (tx, present) => (present ? dropSuspendVdi(tx, present.vdi) : undefined),
  );
  if (!begun) return run.conclude('snapshot', (tx) => record(plane, tx, { vm, name }));
  const saved = await save(plane, run, vm, begun);
  const made = await run.commit(
    'snapshot',
    (tx) => record(plane, tx, { vm, name }, { vdi: begun.vdi, saved }),
    dropSnapshot,
  );
  await run.step('go on', () => goOn(plane, begun));
  return run.conclude('show', async () => made);
}

/** Undefined for a VM that is suspended: its memory is on a disk already. */
async function begin(plane: Plane, tx: Tx, vm: Ref<'VM'>): Promise<Begun | null> {
  const record = await tx.lock('VM', vm);
  if (record.power_state === 'Suspended') return null;
  if (!vmLifecycle.live.includes(record.power_state)) throw new Superseded(vm);
  const vdi = await newSuspendVdi(plane, tx, record);
  return { ...(await describeRun(tx, vm)), paused: record.power_state === 'Paused', vdi };
}

async function save(plane: Plane, run: Run<Tx>, vm: Ref<'VM'>, begun: Begun): Promise<SavedImage> {
  try {
    const { saved } = await run.step(
      'save',
      () => plane.agents.ensure(begun.placed, { state: 'checkpointed' }, patienceOf(run)),
      () => goOn(plane, begun),
    );
    return saved ?? {};
  } catch (error) {
    throw error instanceof XenError && error.code === 'INTERNAL_ERROR'
      ? new XenError('VM_CHECKPOINT_SUSPEND_FAILED', vm)
      : error;
  }
}

/** The guest runs on, or stays paused as it was; one that went away meanwhile needs nothing. */
async function goOn(plane: Plane, { placed, spec, paused }: Begun): Promise<void> {
  try {
    await plane.agents.ensure(
      placed,
      { state: paused ? 'paused' : 'running', spec, boots: placed.boots },
      steadfast,
    );
  } catch (error) {
    if (!(error instanceof Superseded)) throw error;
  }
}

async function record(
  plane: Plane,
  tx: Tx,
  { vm, name }: Wanted,
  memory?: { vdi: Ref<'VDI'>; saved: SavedImage },
): Promise<Ref<'VM'>> {
  const source = await tx.lock('VM', vm);
  const made = await takeSnapshot(
    { plane, tx },
    { source, name, checkpoint: true, ...(memory ? { memory } : {}) },
  );
  await raiseVmAlert(tx, plane, { vm, name: 'VM_CHECKPOINTED', text: `was checkpointed as '${name}'` });
  return made;
}
