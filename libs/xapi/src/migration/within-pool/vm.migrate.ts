/**
 * A running VM moves to another host: a domain is prepared there, the memory copied while the guest runs on, the guest
 * paused, and in one statement the VM changes hands. Until then it can be given up at any point and runs on at the source;
 * from then on it goes forward. It never runs twice: each side wakes the guest only under a claim (R13).
 */
import { asRef, classes, XenError, type OperationParams, type Ref } from '@xenplane/model';
import type { SavedImage } from '@xenplane/hypervisor';
import { inTransaction, type Tx } from '@xenplane/store';
import { Lost, type Run } from '@xenplane/work';
import { Superseded, type Patience, type PlacedVm } from '../../core/agents';
import { dateTime, type Plane } from '../../core/context';
import { assertOnNetwork } from '../../network/host-network';
import { keepingPlan } from '../../placement/ha-plan';
import { assertCanMove } from '../../placement/possible-hosts';
import {
  beginMigration,
  commitMigration,
  endMigratedRun,
  abortMigration,
  releaseTarget,
  showMigrated,
  type RunMigration,
} from '../../tables/runs/run-migration';
import { currentRun, patienceOf, steadfast } from '../../tables/runs/vm-run';
import { attachedTo, specOf, type Attached } from '../../runs/domain-spec';
import { stopDomain } from '../../vm/vm.start';
import { isCurrentAttempt } from '../../tables/operations/operations';

export const vmMigrate = (plane: Plane) => ({
  pool_migrate: (run: Run<Tx>, { vm, host, options }: OperationParams<typeof classes.VM, 'pool_migrate'>) =>
    migrate(plane, run, { vm, host, live: options['live'] !== 'false', network: options['network'] }),
});

interface Wanted {
  readonly vm: Ref<'VM'>;
  readonly host: Ref<'host'>;
  readonly live: boolean;
  readonly network?: string | undefined;
}

async function migrate(plane: Plane, run: Run<Tx>, wanted: Wanted): Promise<void> {
  const move = await run.commit('begin', (tx) => begin(tx, wanted));
  if (!move) return run.conclude('stay', async () => undefined);
  const saved = await copyMemory(plane, run, move, wanted.live);
  const domid = await resumeAtTarget(plane, run, { ...move, saved });
  return run.conclude('show', (tx) => showAt(plane, tx, move, domid));
}

const answerMs = 500;
/** Everything up to the change of hands; answers what the source handed over. What fails here leaves the VM at its source. */
export async function copyMemory(
  plane: Plane,
  run: Run<Tx>,
  move: RunMigration,
  live: boolean,
): Promise<SavedImage> {
  const { source, target, attempt, spec, boots } = move;
  const asked = patienceOf(run);
  const during = (from: number, to: number): Patience => ({
    ...asked,
    answerMs,
    progress: (f) => run.progress(from + (to - from) * f),
  });
  return failing(move, async () => {
    await run.step(
      'prepare',
      () => plane.agents.ensure(aside(target), { state: 'receiving', spec, boots }, during(0, 0.1)),
      () => settle(plane, run, move),
    );
    if (live)
      await run.step('copy', () =>
        plane.agents.ensure(source, { state: 'moving', phase: 'copy', attempt }, during(0.1, 0.9)),
      );
    await run.step('look', () => assertReady(plane, move));
    return run.step('hand over', async () => {
      const { saved = {} } = await plane.agents.ensure(
        source,
        { state: 'moving', phase: 'handOver', attempt },
        steadfast,
      );
      const { terminal: _screen, ...shown } = saved;
      plane.log.info({ vm: source.vm, ...shown }, 'VM handed over');
      return saved;
    });
  });
}

/** A guest is paused only for a target that is there and has its domain: a lost one would be noticed too late, by its lease. */
async function assertReady(plane: Plane, { target, spec, boots }: RunMigration): Promise<void> {
  for (
    let tried = 1;
    !(await plane.agents.isSo(aside(target), { state: 'receiving', spec, boots }, answerMs));
    tried += 1
  ) {
    if (tried === mostLooks) throw new XenError('INTERNAL_ERROR', 'the destination does not answer');
    await plane.clock.wait(answerMs);
  }
}
const mostLooks = 3;

/** With what the source handed over, as far as it is known: without it the guest forgets what was on its screen. */
export type HandedOver = RunMigration & { readonly saved?: SavedImage };

/** The change of hands and what follows from it; answers the domain's number at the target. */
export async function resumeAtTarget(
  plane: Plane,
  run: Run<Tx>,
  move: HandedOver,
  also?: (tx: Tx) => Promise<void>,
): Promise<number> {
  return failing(move, async () => {
    await run.commit('change hands', async (tx) => {
      if (!(await commitMigration(tx, move))) throw new Superseded(move.source.vm);
      await also?.(tx);
    });
    const domid = await run.step('wake', () => wakeAtTarget(plane, move));
    await run.step('clear', () => stopDomain(plane, aside(move.source)));
    return domid;
  });
}

export async function showAt(plane: Plane, tx: Tx, move: RunMigration, domid: number): Promise<void> {
  if (!(await showMigrated(tx, move, domid))) throw migrateFailed(move, 'the VM ended while it was moved');
  await tellMoved(plane, tx, move);
}

/** Kept in other_config, so that an administrator can see how the VM came to be where it is. */
async function tellMoved(plane: Plane, tx: Tx, { ref, source, target }: RunMigration): Promise<void> {
  const { name_label } = await tx.get('VM', ref);
  const [from, to] = await tx.getMany('host', [source.host, target.host]);
  const uuid = plane.ids.uuid();
  await tx.insert('message', asRef<'message'>(`OpaqueRef:${uuid}`), {
    uuid,
    name: 'VM_MIGRATED',
    priority: 5,
    cls: 'VM',
    obj_uuid: source.vm,
    timestamp: dateTime(plane.clock.now()),
    body: `VM '${name_label}' has been migrated from host '${from?.name_label ?? ''}' to host '${to?.name_label ?? ''}'`,
  });
}

/** A move to the host where it is already is none. */
async function begin(tx: Tx, { vm, host, network }: Wanted): Promise<RunMigration | null> {
  const placed = await currentRun(tx, vm);
  if (placed.host === host) return null;
  if (network) await assertOnNetwork(tx, network, [placed.host, host]);
  return reserveTarget(tx, {
    vm,
    host,
    source: placed.host,
    attached: await attachedTo(tx, vm, { attached: true }),
  });
}

export interface MigrationTarget {
  readonly vm: Ref<'VM'>;
  readonly host: Ref<'host'>;
  readonly source: Ref<'host'>;
  /** Disks and interfaces as they will be at the target. */
  readonly attached: Attached;
}

/** The target must be able to run the guest as it is; then its place is taken. */
export async function reserveTarget(
  tx: Tx,
  { vm, host, source, attached }: MigrationTarget,
): Promise<RunMigration> {
  const record = await tx.lock('VM', vm);
  await assertCanMove(tx, host, { vm, record, attached });
  const move = await keepingPlan(tx, () => beginMigration(tx, vm, host, specOf(record, attached)));
  if (!move)
    throw new XenError('VM_MIGRATE_FAILED', vm, source, host, 'The destination cannot take the VM any more');
  return move;
}

export const aside = (placed: PlacedVm): PlacedVm => ({ ...placed, aside: true });

async function wakeAtTarget(plane: Plane, { target, spec, boots, saved }: HandedOver): Promise<number> {
  const answer = await plane.agents.ensure(
    target,
    { state: 'running', spec, boots, received: true, ...(saved ? { saved } : {}) },
    steadfast,
  );
  return answer.domid ?? -1;
}

/**
 * Ends a move that went wrong, whatever it came to. Before the change of hands the guest is woken at the source under a claim
 * of its own; after it, the target is brought up; a VM that can be neither is halted. Doing it again does no harm.
 */
async function settle(plane: Plane, run: Run<Tx>, move: RunMigration): Promise<void> {
  const { source, target, attempt, spec, boots } = move;
  const where = await inTransaction(plane.store, async (tx) => {
    await assertMine(tx, run);
    return abortMigration(tx, move);
  });
  if (where === 'target') return settleForward(plane, move);
  if (where === 'source')
    await tolerant(() => plane.agents.ensure(source, { state: 'running', spec, boots, attempt }, steadfast));
  if (where === 'nobody') await stopDomain(plane, aside(source));
  await stopDomain(plane, aside(target));
  await inTransaction(plane.store, (tx) => releaseTarget(tx, move));
}

/** A worker that was thought dead must not tidy up after another has: the VM may be at something else by now. */
export async function assertMine(tx: Tx, { ref, attempt }: Run<Tx>): Promise<void> {
  if (!(await isCurrentAttempt(tx, ref, attempt))) throw new Lost(ref);
}

async function settleForward(plane: Plane, move: RunMigration): Promise<void> {
  const domid = await tolerant(() => wakeAtTarget(plane, move));
  const shown =
    domid !== undefined && (await inTransaction(plane.store, (tx) => showMigrated(tx, move, domid)));
  await stopDomain(plane, aside(move.source));
  if (shown) return;
  await stopDomain(plane, aside(move.target));
  await inTransaction(plane.store, (tx) => endMigratedRun(tx, move));
}

/** The answer, or undefined when there is nothing to ask any more, or it says that it cannot. */
export async function tolerant<T>(act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof Superseded || error instanceof XenError) return undefined;
    throw error;
  }
}

const migrateFailed = ({ ref, source, target }: RunMigration, why: string): XenError =>
  new XenError('VM_MIGRATE_FAILED', ref, source.host, target.host, why);

/** An error of a host is reported as the failure of the migration. */
async function failing<T>(move: RunMigration, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof Superseded)
      throw new Superseded(
        error.vm,
        error.host,
        migrateFailed(move, 'the VM or a host went away while it was moved'),
      );
    if (error instanceof XenError && error.code === 'INTERNAL_ERROR')
      throw migrateFailed(move, error.params.join(' '));
    throw error;
  }
}
