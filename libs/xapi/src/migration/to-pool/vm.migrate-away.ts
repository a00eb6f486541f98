/**
 * A VM goes to another pool. Its disks and records are made there while it is still ours; a guest that runs is copied, stopped
 * here, loaded there and only then given away, in one statement. Until that moment all can be taken back and the guest goes on
 * here; from it on the operation goes forward. The other pool may not let the VM run before: its operations are blocked there.
 */
import { asRef, XenError, type Ref } from '@xenplane/model';
import type { SavedImage } from '@xenplane/hypervisor';
import { inTransaction, reading, type Tx } from '@xenplane/store';
import { Later, type Run } from '@xenplane/work';
import type { Plane } from '../../core/context';
import {
  beginDeparture,
  completeDeparture,
  abortDeparture,
  type DepartingRun,
} from '../../tables/runs/departing-run';
import { blockedUntilGiven, removeSent, sendDisks, sendVm } from './send';
import {
  removeRemote,
  releaseRemote,
  resumeRemote,
  type SentDisk,
  type SendingContext,
} from './remote-records';
import { readRemote, remoteOf } from './remote-choices';
import { planMigration, type MigrationPlan } from './migration-plan';
import type { MigrateSendParams } from '../within-pool/disk-migration';
import type { BusyMark } from '../../begin/busy-marks';
import { markBusy, unmarkBusy } from '../../begin/busy-marks';
import { RemoteFailure } from '../../pool/remote-pool';
import { patienceOf, steadfast } from '../../tables/runs/vm-run';
import { attachedTo, specOf } from '../../runs/domain-spec';
import { stopDomain } from '../../vm/vm.start';
import { aside, assertMine, tolerant } from '../within-pool/vm.migrate';

export async function migrateToPool(plane: Plane, run: Run<Tx>, sent: MigrateSendParams): Promise<Ref<'VM'>> {
  try {
    return await sendAndGiveAway(plane, run, sent);
  } catch (error) {
    throw error instanceof RemoteFailure ? new XenError('VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED') : error;
  }
}

async function sendAndGiveAway(plane: Plane, run: Run<Tx>, sent: MigrateSendParams): Promise<Ref<'VM'>> {
  const remoteSide = await run.step('read remote', async () =>
    readRemote(plane.store, sent, (await reading(plane.store, (tx) => tx.get('VM', sent.vm))).uuid),
  );
  const migration = await run.commit(
    'begin',
    (tx) => begin(plane, tx, run, { sent, remoteSide }),
    (tx, planned) => unmarkBusy(tx, asRef(run.ref), marksOf(planned)),
  );
  const sending: SendingContext = {
    plane,
    remote: await remoteOf(plane.store, sent),
    remoteSide,
    migration,
    mark: `migration ${run.ref.replace('OpaqueRef:', '')}`,
  };
  const disks: SentDisk[] = [];
  run.undo('remove remote records', () => removeRemote(sending, disks));
  await sendDisks(run, sending, disks, { part: disksPart });
  const leaving = migration.running ? await stop(plane, run, sent) : undefined;
  const guest = { saved: leaving?.saved, blocked: migration.copy ? {} : blockedUntilGiven };
  const vm = await sendVm(run, sending, disks, guest);
  if (migration.copy)
    return run.conclude('copy', async (tx) => {
      await unmarkBusy(tx, asRef(run.ref), marksOf(migration));
      return vm;
    });
  if (leaving) await run.step('load remote', () => resumeRemote(sending, vm));
  return giveAway(run, sending, vm, leaving?.from);
}

/** The VM is the other pool's from one statement on; what follows only tidies up. */
async function giveAway(
  run: Run<Tx>,
  sending: SendingContext,
  vm: Ref<'VM'>,
  from: DepartingRun | undefined,
): Promise<Ref<'VM'>> {
  const { plane, migration, remoteSide } = sending;
  await run.commit('give away', async (tx) => {
    if (from && !(await completeDeparture(tx, from)))
      throw failed(migration, from.source.host, remoteSide.host, 'the VM ended while it was moved');
  });
  const release = (): Promise<void> => releaseRemote(sending, vm);
  const clear = async (): Promise<void> => from && stopDomain(plane, aside(from.source));
  const given = run.pointOfNoReturn('given away', {
    outside: async () => {
      await attempted(plane, release);
      await clear();
    },
    show: (tx) => removeSent(plane, tx, migration),
  });
  await given.step('release', () => forward(plane, release));
  if (from) await given.step('clear', clear);
  return given.conclude('gone', async (tx) => {
    await removeSent(plane, tx, migration);
    return vm;
  });
}

const marksOf = ({ disks }: MigrationPlan): BusyMark[] =>
  disks.map(({ vdi }) => ({ cls: 'VDI', ref: vdi, op: 'mirror' }));

async function begin(
  plane: Plane,
  tx: Tx,
  run: Run<Tx>,
  { sent, remoteSide }: { sent: MigrateSendParams; remoteSide: Parameters<typeof planMigration>[3] },
): Promise<MigrationPlan> {
  const migration = await planMigration(plane, tx, sent, remoteSide);
  await markBusy(tx, asRef(run.ref), marksOf(migration));
  return migration;
}

const disksPart = 0.6;
const memoryPart = 0.3;

interface Stopped {
  readonly from: DepartingRun;
  readonly saved: SavedImage;
}
/** The guest's memory as it is when it stands still. It is woken here again if what follows fails. */
async function stop(plane: Plane, run: Run<Tx>, { vm, live }: MigrateSendParams): Promise<Stopped> {
  const from = await run.commit('leave', async (tx) => {
    const record = await tx.lock('VM', vm);
    const leaving = await beginDeparture(
      tx,
      vm,
      specOf(record, await attachedTo(tx, vm, { attached: true })),
    );
    if (!leaving) throw new XenError('VM_BAD_POWER_STATE', vm, 'running', record.power_state.toLowerCase());
    return leaving;
  });
  const { source, attempt } = from;
  run.undo('wake here', () => goOn(plane, run, from));
  const asked = {
    ...patienceOf(run),
    answerMs: 500,
    progress: (fraction: number) => run.progress(disksPart + memoryPart * fraction),
  };
  if (live)
    await run.step('copy', () =>
      plane.agents.ensure(source, { state: 'moving', phase: 'copy', attempt }, asked),
    );
  const { saved } = await run.step('stop', () =>
    plane.agents.ensure(source, { state: 'moving', phase: 'handOver', attempt }, steadfast),
  );
  return { from, saved: saved ?? {} };
}

async function goOn(plane: Plane, run: Run<Tx>, from: DepartingRun): Promise<void> {
  const { source, spec, boots, attempt } = from;
  const ours = await inTransaction(plane.store, async (tx) => {
    await assertMine(tx, run);
    return abortDeparture(tx, from);
  });
  if (ours)
    await tolerant(() => plane.agents.ensure(source, { state: 'running', spec, boots, attempt }, steadfast));
  else await stopDomain(plane, aside(source));
}

/** Remaining work there once the VM was given away: retried for long, and then left to that pool's administrators. */
const forward = (plane: Plane, act: () => Promise<void>): Promise<void> =>
  attempted(plane, async () => {
    await act().catch((error: unknown) => Promise.reject(error instanceof RemoteFailure ? unreached : error));
  });
const patienceMs = 600_000;
const unreached = new Later(1_000, patienceMs, new XenError('VM_MIGRATE_CONTACT_REMOTE_SERVICE_FAILED'));

async function attempted(plane: Plane, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (error instanceof Later) throw error;
    plane.log.warn({ error: String(error) }, 'a VM that went to another pool could not be settled there');
  }
}

const failed = ({ vm }: MigrationPlan, from: string, to: string, reason: string): XenError =>
  new XenError('VM_MIGRATE_FAILED', vm, from, to, reason);
