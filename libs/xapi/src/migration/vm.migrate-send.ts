/** A VM goes to a host with its disks and interfaces mapped to other storage, running or at rest. */
import { classes, XenError, type OperationParams, type Ref } from '@xenplane/model';
import type { DomainSpec } from '@xenplane/hypervisor';
import type { Tx } from '@xenplane/store';
import type { Run } from '@xenplane/work';
import type { Plane } from '../core/context';
import { assertHere } from './vm-migrate';
import {
  attachMovedDisks,
  attachedAtTarget,
  copyDisks,
  dropUnused,
  isOtherPool,
  finishMovedDisks,
  type MovedDisk,
  type MigrateSendParams,
} from './within-pool/disk-migration';
import type { RunMigration } from '../tables/runs/run-migration';
import { currentRun, type RunRow } from '../tables/runs/vm-run';
import { domainSpec, specOf } from '../runs/domain-spec';
import { ensure, restore } from '../vm/vm.live';
import { migrateToPool } from './to-pool/vm.migrate-away';
import { copyMemory, reserveTarget, showAt, resumeAtTarget } from './within-pool/vm.migrate';

export const vmMigrateSend = (plane: Plane) => ({
  migrate_send: async (
    run: Run<Tx>,
    sent: OperationParams<typeof classes.VM, 'migrate_send'>,
  ): Promise<Ref<'VM'>> => {
    if (await run.commit('where', (tx) => isOtherPool(tx, sent))) return migrateToPool(plane, run, sent);
    const begun = await run.commit(
      'begin',
      (tx) => begin(plane, tx, sent),
      (tx, { moved }) => dropUnused(tx, moved),
    );
    const { moved, move, stay } = begun;
    const arrived = (tx: Tx): Promise<void> => attachMovedDisks(tx, sent.vm, moved);
    if (move) return send(plane, run, { move, moved, live: sent.live, arrived });
    if (stay)
      await run.step(
        'mirror',
        () => ensure(plane, stay.placed, stay.after),
        () => restore(plane, stay.placed, stay.before),
      );
    return run.conclude('show', async (tx) => {
      await arrived(tx);
      await finishMovedDisks(plane, tx, moved);
      return sent.vm;
    });
  },
});

interface Begun {
  readonly moved: readonly MovedDisk[];
  /** Of a VM that runs and goes to another host. */
  readonly move?: RunMigration;
  /** Of a VM that runs and stays where it is. */
  readonly stay?: { readonly placed: RunRow; readonly before: DomainSpec; readonly after: DomainSpec };
}

const copyElsewhere =
  'Copy mode is disallowed on intra pool storage migration, try efficient alternatives e.g. VM.copy/clone.';

async function begin(plane: Plane, tx: Tx, sent: MigrateSendParams): Promise<Begun> {
  const { power_state } = await tx.lock('VM', sent.vm);
  const diskPlan = await assertHere(tx, sent);
  if (sent.options['copy'] === 'true') throw new XenError('OPERATION_NOT_ALLOWED', copyElsewhere);
  const moved = await copyDisks(plane, tx, diskPlan);
  if (power_state !== 'Running') return { moved };
  const placed = await currentRun(tx, sent.vm);
  const attached = await attachedAtTarget(tx, sent.vm, moved);
  if (placed.host !== diskPlan.host)
    return {
      moved,
      move: await reserveTarget(tx, { vm: sent.vm, host: diskPlan.host, source: placed.host, attached }),
    };
  const record = await tx.get('VM', sent.vm);
  const before = await domainSpec(tx, sent.vm, record, { attached: true });
  return { moved, stay: { placed, before, after: specOf(record, attached) } };
}

interface Sending {
  readonly move: RunMigration;
  readonly moved: readonly MovedDisk[];
  readonly live: boolean;
  readonly arrived: (tx: Tx) => Promise<void>;
}
async function send(plane: Plane, run: Run<Tx>, { move, moved, live, arrived }: Sending): Promise<Ref<'VM'>> {
  const saved = await copyMemory(plane, run, move, live);
  const domid = await resumeAtTarget(plane, run, { ...move, saved }, arrived);
  return run.conclude('show', async (tx) => {
    await showAt(plane, tx, move, domid);
    await finishMovedDisks(plane, tx, moved);
    return move.ref;
  });
}
